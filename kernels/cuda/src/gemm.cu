// C[z] = act(alpha·op(A[z])·op(B[z]) + bias + residual) (+ C[z] if acc),  op(X) = X or Xᵀ
// op(A): (m, k), op(B): (k, n), C: (m, n), row-major with lda, ldb, ldc elements from one stored row to the
// next. With chunk < k, block z handles k from z·chunk on and writes a partial sum of its own: C is then (z,
// m, n). gemm_<a><b>: n as stored, t transposed; float32 and, for sizes that tensor cores can't take,
// bfloat16. Launch: grid (ceil(m/64), ceil(n/64), batch or chunks), block (256).
#include "gemm.cuh"
#include "tile.cuh"

template <bool TA, bool TB, class T>
DI void product(T* c, const T* a, const T* b, const T* bias, const T* residual, const Shape& s) {
    int m0 = blockIdx.x * TM, n0 = blockIdx.y * TN, k0, k1;
    part_of(s, c, a, b, k0, k1);
    Matrix<T, !TA> ma = {a, s.m, k1, s.lda};
    Matrix<T, TB> mb = {b, s.n, k1, s.ldb};
    Epilogue<T> e = {c, bias, residual, s.ldc, s.act, s.acc, s.alpha, 0, {}};
    float acc[4][4] = {};
    tile_product(acc, ma, mb, m0, n0, k0, k1);
    put_tile(e, acc, m0, n0, s.m, s.n);
}

#define GEMM(NAME, T, TA, TB)                                                                                \
    KERNEL_TILE(3) NAME(T* c, const T* a, const T* b, const T* bias, const T* residual, Shape s) {           \
        product<TA, TB>(c, a, b, bias, residual, s);                                                         \
    }                                                                                                        \
    EXPORT(NAME)
GEMM(gemm_nn_f32, float, false, false)
GEMM(gemm_nt_f32, float, false, true)
GEMM(gemm_tn_f32, float, true, false)
GEMM(gemm_tt_f32, float, true, true)
GEMM(gemm_nn_bf16, bf16, false, false)
GEMM(gemm_nt_bf16, bf16, false, true)
GEMM(gemm_tn_bf16, bf16, true, false)
GEMM(gemm_tt_bf16, bf16, true, true)
