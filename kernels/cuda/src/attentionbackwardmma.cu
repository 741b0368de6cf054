// The backward of attention.cu in bfloat16 on tensor cores; formulas in attentionbackward.cu, which also
// makes δ. Scores, probabilities and sums stay in registers, in float32; p and ds are rounded to bfloat16
// before they are multiplied. Rows of a warp are queries (dq) or keys (dk and dv), and meet the others COLS
// at a time, so that p is computed twice and nothing is added up by atomics. Launch: grid (ceil(tq or
// tk/rows), nh, b), block (2·rows), at most 6 warps, 2·(2·rows + 4·COLS)·(HD + 8) + 16·COLS bytes of dynamic
// shared memory, COLS = 4096/HD. hd, the lds and the addresses as in attentionmma.cu, dy and the gradients
// too.
#include "attentionmma.cuh"

struct Side { // two operands that lie over the same tokens: q and dy, or k and v
    const bf16 *a, *b;
    int n, ld_a, ld_b;
};

// The 16 rows of a warp: g1 = Σ ds·(a of the others), g2 = Σ p·(b of the others).
template <int HD, bool KEYS> struct Gradients {
    WarpRows<HD, HD == 64> a, b;
    float g1[HD / 8][4], g2[KEYS ? HD / 8 : 1][4];
    float lse[2], delta[2]; // of the rows, unless KEYS; lse to base 2

    DI_MEMBER void begin(const bf16* as, const bf16* bs) {
        a.load(as), b.load(bs);
#pragma unroll
        for (int i = 0; i < HD / 2; i++) g1[i / 4][i % 4] = 0.0f;
#pragma unroll
        for (int i = 0; KEYS && i < HD / 2; i++) g2[KEYS ? i / 4 : 0][i % 4] = 0.0f;
    }
    // Meets the first `left` of N others, whose lse and δ (if KEYS) are these.
    template <int N>
    DI_MEMBER void meet(const bf16* as, const bf16* bs, const float* lses, const float* deltas, int left,
                        float scale) {
        float p[N / 8][4], ds[N / 8][4];
        dot_tokens<HD, N>(p, a, as);
        dot_tokens<HD, N>(ds, b, bs);
#pragma unroll
        for (int j = 0; j < N / 8; j++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int col = 8 * j + (threadIdx.x & 3) * 2 + (i & 1);
                float l = KEYS ? lses[col] * LOG2E : lse[i >> 1], d = KEYS ? deltas[col] : delta[i >> 1];
                p[j][i] = exp2_f32(fmaf(p[j][i], scale * LOG2E, -l));
                ds[j][i] = p[j][i] * (ds[j][i] - d) * scale;
                if (N == 16 && col >= left) p[j][i] = ds[j][i] = 0.0f;
            }
        add_tokens<HD, N>(g1, ds, as);
        if constexpr (KEYS) add_tokens<HD, N>(g2, p, bs);
    }
};

template <int HD, bool KEYS>
DI void backward(bf16* g1, bf16* g2, Side rows, Side cols, const float* lse, const float* delta,
                 const Shape& o, int acc1, int acc2) {
    DYNAMIC_SHARED(memory);
    const int LD = HD + 8, COLS = 4096 / HD, PART = COLS * LD, WIDE = HD == 64 ? 32 : 16;
    int n = blockDim.x / 2, warp = threadIdx.x >> 5, t0 = blockIdx.x * n, h = blockIdx.y, b = blockIdx.z;
    bf16 *ar = (bf16*)memory, *br = ar + n * LD, *ac = br + n * LD, *bc = ac + 2 * PART;
    float* stats = (float*)(bc + 2 * PART); // two buffers of COLS lse and COLS δ
    rows.a += (i64)b * rows.n * rows.ld_a + h * o.hd, rows.b += (i64)b * rows.n * rows.ld_b + h * o.hd;
    cols.a += (i64)b * cols.n * cols.ld_a + h * o.hd, cols.b += (i64)b * cols.n * cols.ld_b + h * o.hd;
    lse += ((i64)b * o.nh + h) * o.tq, delta += ((i64)b * o.nh + h) * o.tq;

    auto copy = [&](int s0, int part) {
        copy_tokens<HD>(ac + part * PART, cols.a, s0, COLS, cols.n, cols.ld_a, o.hd);
        copy_tokens<HD>(bc + part * PART, cols.b, s0, COLS, cols.n, cols.ld_b, o.hd);
        for (int i = threadIdx.x; KEYS && i < 2 * COLS; i += blockDim.x) {
            int t = s0 + i % COLS;
            const float* from = i < COLS ? lse : delta;
            cp_async4(stats + part * 2 * COLS + i, t < cols.n ? from + t : from, t < cols.n ? 4 : 0);
        }
    };
    copy_tokens<HD>(ar, rows.a, t0, n, rows.n, rows.ld_a, o.hd);
    copy_tokens<HD>(br, rows.b, t0, n, rows.n, rows.ld_b, o.hd);
    copy(0, 0);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    int t = t0 + 16 * warp + (threadIdx.x & 31) / 4;
    Gradients<HD, KEYS> w;
    w.begin(ar + 16 * warp * LD, br + 16 * warp * LD);
#pragma unroll
    for (int r = 0; !KEYS && r < 2; r++) {
        bool in = t + 8 * r < rows.n;
        w.lse[r] = in ? lse[t + 8 * r] * LOG2E : 0.0f, w.delta[r] = in ? delta[t + 8 * r] : 0.0f;
    }
    for (int s0 = 0, part = 0; s0 < cols.n; s0 += COLS, part ^= 1) {
        if (s0 + COLS < cols.n) copy(s0 + COLS, part ^ 1);
        cp_async_commit();
        const bf16 *a = ac + part * PART, *b = bc + part * PART;
        const float* stat = stats + part * 2 * COLS;
        int i = 0, last = t0 + 16 * warp < rows.n ? min(COLS, cols.n - s0) : 0;
#pragma unroll 1
        for (; WIDE > 16 && i + WIDE <= last; i += WIDE)
            w.template meet<WIDE>(a + i * LD, b + i * LD, stat + i, stat + COLS + i, WIDE, o.scale);
#pragma unroll 1
        for (; i < last; i += 16)
            w.template meet<16>(a + i * LD, b + i * LD, stat + i, stat + COLS + i, last - i, o.scale);
        cp_async_wait<0>();
        __syncthreads();
    }
    if (g1)
        put_tokens<HD>(g1 + (i64)b * rows.n * rows.ld_a + h * o.hd, w.g1, 1.0f, 1.0f, t, rows.n, rows.ld_a,
                       o.hd, acc1);
    if constexpr (KEYS)
        if (g2)
            put_tokens<HD>(g2 + (i64)b * rows.n * rows.ld_b + h * o.hd, w.g2, 1.0f, 1.0f, t, rows.n,
                           rows.ld_b, o.hd, acc2);
}

#define BACKWARD(HD)                                                                                         \
    extern "C" __global__ void __launch_bounds__(192, 128 / HD)                                              \
    attention_dq_mma_##HD(bf16* dq, const bf16* q, const bf16* k, const bf16* v, const bf16* dy,             \
                          const float* lse, const float* delta, Shape o, int acc) {                          \
        backward<HD, false>(dq, 0, {q, dy, o.tq, o.ldq, o.nh * o.hd}, {k, v, o.tk, o.ldk, o.ldv}, lse,       \
                            delta, o, acc, 0);                                                               \
    }                                                                                                        \
    EXPORT(attention_dq_mma_##HD)                                                                            \
    extern "C" __global__ void __launch_bounds__(192, 128 / HD)                                              \
    attention_dkv_mma_##HD(bf16* dk, bf16* dv, const bf16* q, const bf16* k, const bf16* v, const bf16* dy,  \
                           const float* lse, const float* delta, Shape o, int acc_k, int acc_v) {            \
        backward<HD, true>(dk, dv, {k, v, o.tk, o.ldk, o.ldv}, {q, dy, o.tq, o.ldq, o.nh * o.hd}, lse,       \
                           delta, o, acc_k, acc_v);                                                          \
    }                                                                                                        \
    EXPORT(attention_dkv_mma_##HD)
BACKWARD(64)
BACKWARD(128)
