// The products of gemm.cu with bfloat16 operands on tensor cores; C, bias and residual in float32 or
// bfloat16. Rows of A and B begin at multiples of 16 bytes, and what lies side by side in memory (k, m or n)
// is a multiple of 8. Launch: grid (ceil(m/128), ceil(n/128), batch or chunks), block (256), MMA_SHARED
// bytes.
#include "gemm.cuh"
#include "mma.cuh"

template <bool TA, bool TB, class O>
DI void product(O* c, const bf16* a, const bf16* b, const O* bias, const O* residual, float* sums,
                const Shape& s) {
    int m0 = blockIdx.x * MM, n0 = blockIdx.y * MN, k0, k1;
    part_of(s, c, a, b, k0, k1);
    Matrix<bf16, !TA> ma = {a, s.m, k1, s.lda};
    Matrix<bf16, TB> mb = {b, s.n, k1, s.ldb};
    Epilogue<O> e = {c, bias, residual, s.ldc, s.act, s.acc, s.alpha, sums, {}};
    float acc[4][4][4] = {};
    mma_product(acc, ma, mb, m0, n0, k0, k1);
    put_mma(e, acc, m0, n0, s.m, s.n);
}

#define GEMM(NAME, O, TA, TB)                                                                                \
    KERNEL_MMA                                                                                               \
    NAME(O* c, const bf16* a, const bf16* b, const O* bias, const O* res, float* sums, Shape s) {            \
        product<TA, TB>(c, a, b, bias, res, sums, s);                                                        \
    }                                                                                                        \
    EXPORT(NAME)
GEMM(gemm_nn_mma_f32, float, false, false)
GEMM(gemm_nt_mma_f32, float, false, true)
GEMM(gemm_tn_mma_f32, float, true, false)
GEMM(gemm_tt_mma_f32, float, true, true)
GEMM(gemm_nn_mma_bf16, bf16, false, false)
GEMM(gemm_nt_mma_bf16, bf16, false, true)
GEMM(gemm_tn_mma_bf16, bf16, true, false)
GEMM(gemm_tt_mma_bf16, bf16, true, true)
