// C[z] = act(alpha·op(A[z])·op(B[z]) + bias + residual) (+ C[z] if acc),  op(X) = X or Xᵀ
// op(A): (m, k), op(B): (k, n), C: (m, n), row-major with lda, ldb, ldc elements from one stored row to the
// next. With chunk < k, block z handles k from z·chunk on and writes a partial sum of its own: C is then (z,
// m, n). gemm_<a><b>: n as stored, t transposed. Launch: grid (ceil(m/64), ceil(n/64), batch or chunks),
// block (256).
#include "epilogue.cuh"
#include "tile.cuh"

struct Shape {
    int m, n, k, lda, ldb, ldc, chunk, act, acc;
    float alpha;
    i64 stride_a, stride_b, stride_c; // from one matrix of the batch to the next
};

// An operand (outer, k): ROWS says that its stored rows are the outer dimension.
template <class T, bool ROWS> struct Matrix {
    static const bool k_fast = ROWS;
    struct Row { i64 at; bool in; };
    typedef Row Col;
    const T* p;
    int outer, k, ld;
    DI_MEMBER Row row(int m) const { return {ROWS ? (i64)m * ld : m, m < outer}; }
    DI_MEMBER Col col(int i) const { return {ROWS ? i : (i64)i * ld, i < k}; }
    DI_MEMBER float at(Row r, Col c) const { return r.in && c.in ? to_f32(p[r.at + c.at]) : 0.0f; }
};

template <class T, bool TA, bool TB>
DI void product(T* c, const T* a, const T* b, const T* bias, const T* residual, const Shape& s) {
    int m0 = blockIdx.x * TM, n0 = blockIdx.y * TN, z = blockIdx.z, k0 = 0, k1 = s.k;
    if (s.chunk < s.k) k0 = z * s.chunk, k1 = min(s.k, k0 + s.chunk);
    else a += z * s.stride_a, b += z * s.stride_b;
    c += z * s.stride_c;
    Matrix<T, !TA> ma = {a, s.m, k1, s.lda};
    Matrix<T, TB> mb = {b, s.n, k1, s.ldb};
    Epilogue<T> e = {c, bias, residual, s.ldc, s.act, s.acc, s.alpha};
    float acc[4][4] = {};
    tile_product(acc, ma, mb, m0, n0, k0, k1);
    put_tile(e, acc, m0, n0, s.m, s.n);
}

#define GEMM(NAME, TA, TB)                                                                                   \
    KERNEL(256)                                                                                              \
    NAME(float* c, const float* a, const float* b, const float* bias, const float* res, Shape s) {           \
        product<float, TA, TB>(c, a, b, bias, res, s);                                                       \
    }                                                                                                        \
    EXPORT(NAME)
GEMM(gemm_nn_f32, false, false)
GEMM(gemm_nt_f32, false, true)
GEMM(gemm_tn_f32, true, false)
GEMM(gemm_tt_f32, true, true)
