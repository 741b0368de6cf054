// C[z] = act(alpha·op(A)·op(B) + bias + residual) (+ C[z] if acc) of gemm.cu with bfloat16 operands, sm_90a
// gemm_<a><b>_<N>_sm90: n as stored, t transposed; nt is a linear layer's forward, nn its dx, tn its dw. With
// chunk < k, a multiple of 64, part z of k is a C of its own. Rows of A and B begin at multiples of 16 bytes;
// tensor maps fill what lies outside with zeros. Their boxes: 64 of k x 128 or N rows; transposed A or plain
// B: 64 columns x 64 of k. Launch: ring.cuh, at most a block per tile.
#include "gemm.cuh"
#include "ring.cuh"

template <class O, int N, bool TA, bool TB> struct GemmJob {
    static const bool A_ACROSS = TA, B_ACROSS = !TB;
    const tensormap *ma, *mb;
    O* c;
    const O *bias, *residual;
    float* sums;
    Shape s;
    int m, n, tiles;
    DI_MEMBER Tile tile(int i) const {
        Tile t = tile_of(i, m, n, N);
        t.steps = (min(s.chunk, s.k - t.z * s.chunk) + RK - 1) / RK;
        return t;
    }
    DI_MEMBER void fetch(bf16* a, bf16* b, mbarrier* full, const Tile& t, int step) const {
        int k = t.z * s.chunk + step * RK;
        if (!TA) tma_load(a, ma, full, k, t.m0);
#pragma unroll
        for (int i = 0; TA && i < RM / 64; i++) tma_load(a + i * 64 * RK, ma, full, t.m0 + 64 * i, k);
        if (TB) tma_load(b, mb, full, k, t.n0);
#pragma unroll
        for (int i = 0; !TB && i < N / 64; i++) tma_load(b + i * 64 * RK, mb, full, t.n0 + 64 * i, k);
    }
    DI_MEMBER Epilogue<O> epilogue(const Tile& t) const {
        return {c + t.z * s.stride_c, bias, residual, s.ldc, s.act, s.acc, s.alpha, sums, {}};
    }
};

#define GEMM(NAME, O, N, TA, TB)                                                                             \
    KERNEL_SM90 NAME(O* c, tensormap a, tensormap b, const O* bias, const O* res, float* sums, Shape s) {    \
        int parts = s.k > 0 ? (s.k + s.chunk - 1) / s.chunk : 1;                                             \
        GemmJob<O, N, TA, TB> job = {PARAMETER(NAME, 1, a), PARAMETER(NAME, 2, b), c, bias, res, sums, s,    \
                                     s.m, s.n, parts * tiles_of(s.m, s.n, N)};                               \
        run<N>(job);                                                                                         \
    }                                                                                                        \
    EXPORT(NAME)
#define WIDTH(N)                                                                                             \
    GEMM(gemm_nt_##N##_sm90_f32, float, N, false, true)                                                      \
    GEMM(gemm_nt_##N##_sm90_bf16, bf16, N, false, true)                                                      \
    GEMM(gemm_nn_##N##_sm90_f32, float, N, false, false)                                                     \
    GEMM(gemm_nn_##N##_sm90_bf16, bf16, N, false, false)                                                     \
    GEMM(gemm_tn_##N##_sm90, float, N, true, false)
WIDTH(64)
WIDTH(128)
WIDTH(256)
