// The forward of attention.cu in bfloat16 on tensor cores (Dao 2023): scores, probabilities and sums stay in
// registers, in float32; probabilities are rounded to bfloat16 before they are multiplied by v.
// Launch: as attention.cu with 16 queries a warp, at most 8 warps: grid (ceil(tq/rows), nh, b), block
// (2·rows), 2·(rows + 4·64)·(HD + 8) bytes of dynamic shared memory. hd, ldq, ldk, ldv are multiples of 8, q,
// k, v begin at multiples of 16 bytes. HD is 64 or 128, at least hd.
#include "attentionmma.cuh"

const int KEYS = 64; // that a block meets at a time, in two buffers

// The 16 queries of a warp: maxima and sums of rows l/4 and l/4 + 8, the sums still of this lane alone.
template <int HD> struct Queries {
    WarpRows<HD, true> q;
    float out[HD / 8][4], m[2], l[2];

    DI_MEMBER void begin(const bf16* rows) {
        q.load(rows);
#pragma unroll
        for (int j = 0; j < HD / 8; j++) out[j][0] = out[j][1] = out[j][2] = out[j][3] = 0.0f;
        m[0] = m[1] = -INF, l[0] = l[1] = 0.0f;
    }
    // Meets the first `left` of N keys; c is log2(e)/√hd.
    template <int N> DI_MEMBER void meet(const bf16* ks, const bf16* vs, int left, float c) {
        float s[N / 8][4];
        dot_tokens<HD, N>(s, q, ks);
#pragma unroll
        for (int i = 0; N < KEYS && i < N / 2; i++)
            if (i / 4 * 8 + (int)(threadIdx.x & 3) * 2 + (i & 1) >= left) s[i / 4][i % 4] = -INF;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float top = m[r], sum = 0.0f;
#pragma unroll
            for (int j = 0; j < N / 8; j++) top = fmaxf(top, fmaxf(s[j][2 * r], s[j][2 * r + 1]));
            top = quad_max(top);
            float f = exp2_f32((m[r] - top) * c), shift = top * c;
            m[r] = top;
#pragma unroll
            for (int j = 0; j < N / 8; j++) {
                s[j][2 * r] = exp2_f32(fmaf(s[j][2 * r], c, -shift));
                s[j][2 * r + 1] = exp2_f32(fmaf(s[j][2 * r + 1], c, -shift));
                sum += s[j][2 * r] + s[j][2 * r + 1];
            }
            l[r] = fmaf(l[r], f, sum);
#pragma unroll
            for (int j = 0; j < HD / 8; j++) out[j][2 * r] *= f, out[j][2 * r + 1] *= f;
        }
        add_tokens<HD, N>(out, s, vs);
    }
    // A whole part at once, the last one 16 keys at a time.
    DI_MEMBER void meet_part(const bf16* ks, const bf16* vs, int left, float c) {
        if (left >= KEYS) return meet<KEYS>(ks, vs, KEYS, c);
#pragma unroll 1
        for (int i = 0; i < left; i += 16) meet<16>(ks + i * (HD + 8), vs + i * (HD + 8), left - i, c);
    }
};

template <int HD>
DI void forward(bf16* y, float* lse, const bf16* q, const bf16* k, const bf16* v, const Shape& o) {
    DYNAMIC_SHARED(memory);
    const int LD = HD + 8, PART = KEYS * LD;
    int rows = blockDim.x / 2, warp = threadIdx.x >> 5, t0 = blockIdx.x * rows;
    int h = blockIdx.y, b = blockIdx.z;
    bf16 *qs = (bf16*)memory, *ks = qs + rows * LD, *vs = ks + 2 * PART;
    k += (i64)b * o.tk * o.ldk + h * o.hd, v += (i64)b * o.tk * o.ldv + h * o.hd;
    copy_tokens<HD>(qs, q + (i64)b * o.tq * o.ldq + h * o.hd, t0, rows, o.tq, o.ldq, o.hd);
    copy_tokens<HD>(ks, k, 0, KEYS, o.tk, o.ldk, o.hd);
    copy_tokens<HD>(vs, v, 0, KEYS, o.tk, o.ldv, o.hd);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    bool here = t0 + 16 * warp < o.tq; // this warp has a query
    Queries<HD> w;
    w.begin(qs + 16 * warp * LD);
    for (int s0 = 0, part = 0; s0 < o.tk; s0 += KEYS, part ^= PART) {
        if (s0 + KEYS < o.tk) {
            copy_tokens<HD>(ks + (part ^ PART), k, s0 + KEYS, KEYS, o.tk, o.ldk, o.hd);
            copy_tokens<HD>(vs + (part ^ PART), v, s0 + KEYS, KEYS, o.tk, o.ldv, o.hd);
        }
        cp_async_commit();
        if (here) w.meet_part(ks + part, vs + part, o.tk - s0, o.scale * LOG2E);
        cp_async_wait<0>();
        __syncthreads();
    }
    int t = t0 + 16 * warp + (threadIdx.x & 31) / 4;
    float l0 = quad_sum(w.l[0]), l1 = quad_sum(w.l[1]);
    if (lse && (threadIdx.x & 3) == 0) {
        lse += ((i64)b * o.nh + h) * o.tq;
        if (t < o.tq) lse[t] = fmaf(w.m[0], o.scale, log_f32(l0));
        if (t + 8 < o.tq) lse[t + 8] = fmaf(w.m[1], o.scale, log_f32(l1));
    }
    put_tokens<HD>(y + ((i64)b * o.tq * o.nh + h) * o.hd, w.out, 1.0f / l0, 1.0f / l1, t, o.tq, o.nh * o.hd,
                   o.hd, 0);
}

#define FORWARD(HD)                                                                                          \
    KERNEL(256) attention_fwd_mma_##HD(bf16* y, float* lse, const bf16* q, const bf16* k, const bf16* v,     \
                                       Shape o) {                                                            \
        forward<HD>(y, lse, q, k, v, o);                                                                     \
    }                                                                                                        \
    EXPORT(attention_fwd_mma_##HD)
FORWARD(64)
FORWARD(128)
