// The backward of attention.cu in bfloat16 on sm_90a, heads of 64: as attentionbackwardmma.cu, with products
// by wgmma, formulas in attentionbackward.cu, which also makes δ. p and ds are rounded to bfloat16 before
// they are multiplied; p is computed twice and nothing is added up by atomics. Launch: attention_sm90.cuh,
// rows are queries (dq) in some tiles and keys (dk and dv) in others, at most a block per tile. Maps of q, k,
// v, dy: (b, tokens, nh·64), boxes of 64 tokens x 64. Gradients may be null.
#include "attention_sm90.cuh"

struct Target { // a gradient, or null; its sums are multiplied by scale
    bf16* to;
    int ld, acc;
    float scale;
};

// The 64 rows of a warpgroup: g1 = Σ ds·(first operand of the columns), g2 = Σ p·(second one).
template <bool KEYS> struct GradientsSM90 {
    Target to1, to2;
    Statistics of;
    Shape o;
    float g1[32], g2[KEYS ? 32 : 1];
    float lse[2], delta[2]; // of the rows, unless KEYS; lse to base 2

    DI_MEMBER void begin(const Place& at) {
#pragma unroll
        for (int i = 0; i < 32; i++) g1[i] = 0.0f;
#pragma unroll
        for (int i = 0; KEYS && i < 32; i++) g2[KEYS ? i : 0] = 0.0f;
        i64 first = (i64)at.head * o.tq;
#pragma unroll
        for (int r = 0; !KEYS && r < 2; r++) {
            int t = at.t + row_of(r);
            lse[r] = t < o.tq ? of.lse[first + t] * LOG2E : 0.0f;
            delta[r] = t < o.tq ? of.delta[first + t] : 0.0f;
        }
    }
    // Of the columns of elements i and i + 1, or of their row.
    DI_MEMBER float2 two_of(const float* stats, const float (&own)[2], int i) const {
        return KEYS ? *(const float2*)(stats + col_of(i)) : make_float2(own[i >> 1 & 1], own[i >> 1 & 1]);
    }
    template <int N> DI_MEMBER void clear_behind(float (&p)[N / 2], int left) const {
#pragma unroll
        for (int i = 0; N == 16 && i < N / 2; i++)
            if (col_of(i) >= left) p[i] = 0.0f;
    }
    // The products of ds run while p is made, and the sums of p while ds is made.
    template <int N> DI_MEMBER void meet(const Met& x) {
        float p[N / 2], ds[N / 2], scale = o.scale * LOG2E;
        unsigned f[N / 16][4], g[N / 16][4];
        wgmma_fence();
        dot_rows<N>(p, x.a, x.c);
        wgmma_commit();
        dot_rows<N>(ds, x.b, x.d);
        wgmma_commit();
        wgmma_wait<1>();
        wgmma_result(p);
#pragma unroll
        for (int i = 0; i < N / 2; i += 2) {
            float2 l = two_of(x.stats, lse, i);
            p[i] = exp2_f32(fmaf(p[i], scale, -l.x));
            p[i + 1] = exp2_f32(fmaf(p[i + 1], scale, -l.y));
        }
        clear_behind<N>(p, x.left);
        hold_products<N>(f, p);
        wgmma_wait<0>();
        wgmma_result(ds);
        wgmma_fence();
        if constexpr (KEYS) {
            add_cols<N>(g2, f, x.d);
            wgmma_commit();
        }
#pragma unroll
        for (int i = 0; i < N / 2; i += 2) {
            float2 d = two_of(x.stats + 64, delta, i);
            ds[i] = p[i] * (ds[i] - d.x);
            ds[i + 1] = p[i + 1] * (ds[i + 1] - d.y);
        }
        clear_behind<N>(ds, x.left);
        hold_products<N>(g, ds);
        wgmma_fence();
        add_cols<N>(g1, g, x.c);
        wgmma_commit();
        wgmma_wait<0>();
        wgmma_result(g1);
        if constexpr (KEYS) wgmma_result(g2);
    }
    DI_MEMBER void put(const Target& t, const float (&v)[32], const Place& at, int n) const {
        if (!t.to) return;
        bf16* to = head_of(t.to, at.head, n, t.ld, o);
        put_rows(to, v, t.scale, t.scale, at.t + row_of(0), n, t.ld, t.acc);
    }
    DI_MEMBER void end(const Place& at) const {
        int n = KEYS ? o.tk : o.tq;
        put(to1, g1, at, n);
        if constexpr (KEYS) put(to2, g2, at, n);
    }
};

struct BackwardSM90 {
    Target dq, dk, dv;
    Statistics of;
    Shape o;
    template <bool KEYS>
    DI_MEMBER void meet_rows(const TokenFeed<true>& feed, const Place& p, int tile, int& turn) const {
        GradientsSM90<KEYS> w;
        w.to1 = KEYS ? dk : dq, w.to2 = dv, w.of = of, w.o = o;
        feed.meet(w, p, tile, turn);
    }
    DI_MEMBER void meet(const TokenFeed<true>& feed, const Place& p, int tile, int& turn) const {
        if (p.keys) meet_rows<true>(feed, p, tile, turn);
        else meet_rows<false>(feed, p, tile, turn);
    }
};

KERNEL_ATTENTION(1)
attention_bwd_sm90(bf16* dq, bf16* dk, bf16* dv, tensormap q, tensormap k, tensormap v, tensormap dy,
                   const float* lse, const float* delta, Shape o, int acc_q, int acc_k, int acc_v) {
    Boxes queries = {PARAMETER(attention_bwd_sm90, 3, q), PARAMETER(attention_bwd_sm90, 6, dy), o.tq,
                     dq ? tiles_over(o.tq) : 0};
    Boxes keys = {PARAMETER(attention_bwd_sm90, 4, k), PARAMETER(attention_bwd_sm90, 5, v), o.tk,
                  dk || dv ? tiles_over(o.tk) : 0};
    TokenFeed<true> feed;
    feed.begin(queries, keys, {lse, delta}, o);
    feed.run<40, 232>(BackwardSM90{{dq, o.ldq, acc_q, o.scale}, {dk, o.ldk, acc_k, o.scale},
                                   {dv, o.ldv, acc_v, 1.0f}, {lse, delta}, o});
}
EXPORT(attention_bwd_sm90)
