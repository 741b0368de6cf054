// The forward of attention.cu in bfloat16 on sm_90a, heads of 64 (Shah et al. 2024): as attentionmma.cu, with
// products by wgmma of 64 queries a warpgroup. Launch: attention_sm90.cuh, rows are queries, at most a block
// per tile. Maps of q, k, v: (b, tokens, nh·64), boxes of 64 tokens x 64.
#include "attention_sm90.cuh"

// The 64 queries of a warpgroup: a thread has two of them, and of those a quarter of the sums.
struct QueriesSM90 {
    bf16* y;
    float* lse;
    Shape o;
    float out[32], m[2], l[2];

    DI_MEMBER void begin(const Place&) {
#pragma unroll
        for (int i = 0; i < 32; i++) out[i] = 0.0f;
        m[0] = m[1] = -INF, l[0] = l[1] = 0.0f;
    }
    template <int N> DI_MEMBER void meet(const Met& x) {
        float s[N / 2], c = o.scale * LOG2E;
        unsigned p[N / 16][4];
        wgmma_fence();
        dot_rows<N>(s, x.a, x.c);
        wgmma_commit();
        wgmma_wait<0>();
        wgmma_result(s);
#pragma unroll
        for (int i = 0; N == 16 && i < N / 2; i++)
            if (col_of(i) >= x.left) s[i] = -INF;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float top = m[r], sum = 0.0f;
#pragma unroll
            for (int j = 2 * r; j < N / 2; j += 4) top = fmaxf(top, fmaxf(s[j], s[j + 1]));
            top = quad_max(top);
            float f = exp2_f32((m[r] - top) * c), shift = top * c;
            m[r] = top;
#pragma unroll
            for (int j = 2 * r; j < N / 2; j += 4) {
                s[j] = exp2_f32(fmaf(s[j], c, -shift));
                s[j + 1] = exp2_f32(fmaf(s[j + 1], c, -shift));
                sum += s[j] + s[j + 1];
            }
            l[r] = fmaf(l[r], f, sum);
#pragma unroll
            for (int j = 2 * r; j < 32; j += 4) out[j] *= f, out[j + 1] *= f;
        }
        hold_products<N>(p, s);
        wgmma_fence();
        add_cols<N>(out, p, x.d);
        wgmma_commit();
        wgmma_wait<0>();
        wgmma_result(out);
    }
    DI_MEMBER void end(const Place& at) {
        int t = at.t + row_of(0);
        float* mine = lse + (i64)at.head * o.tq;
        float l0 = quad_sum(l[0]), l1 = quad_sum(l[1]);
        if (lse && (threadIdx.x & 3) == 0) {
            if (t < o.tq) mine[t] = fmaf(m[0], o.scale, log_f32(l0));
            if (t + 8 < o.tq) mine[t + 8] = fmaf(m[1], o.scale, log_f32(l1));
        }
        put_rows(head_of(y, at.head, o.tq, o.nh * 64, o), out, 1.0f / l0, 1.0f / l1, t, o.tq, o.nh * 64, 0);
    }
};

struct ForwardSM90 {
    bf16* y;
    float* lse;
    Shape o;
    DI_MEMBER void meet(const TokenFeed<false>& feed, const Place& p, int tile, int& turn) const {
        QueriesSM90 w;
        w.y = y, w.lse = lse, w.o = o;
        feed.meet(w, p, tile, turn);
    }
};

KERNEL_ATTENTION(2)
attention_fwd_sm90(bf16* y, float* lse, tensormap q, tensormap k, tensormap v, Shape o) {
    Boxes queries = {PARAMETER(attention_fwd_sm90, 2, q), 0, o.tq, tiles_over(o.tq)};
    Boxes keys = {PARAMETER(attention_fwd_sm90, 3, k), PARAMETER(attention_fwd_sm90, 4, v), o.tk, 0};
    TokenFeed<false> feed;
    feed.begin(queries, keys, {}, o);
    feed.run<24, 104>(ForwardSM90{y, lse, o});
}
EXPORT(attention_fwd_sm90)
