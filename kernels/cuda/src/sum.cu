// y[o,i] = scale·Σ_n x[o,n,i] (+ y if acc);  dx[o,n,i] = scale·dy[o,i] (+ dx if acc)
// A sum runs in stages: stage s adds up chunks of the middle axis, y then being (outer, chunks, inner), until
// one chunk is left; scale and acc belong to the last stage. Chunks are fixed, so that a sum repeats bit for
// bit.
// sum_rows: inner = 1. Launch: grid (chunks, outer), block (256).
// sum_cols: any inner. Launch: grid (., chunks, outer), columns.cuh.
#include "columns.cuh"

template <class O, class T>
DI void sum_rows(O* y, const T* x, i64 n, int chunk, float scale, int acc) {
    i64 from = (i64)blockIdx.x * chunk, to = from + chunk < n ? from + chunk : n;
    x += blockIdx.y * n;
    float s = 0.0f;
    for (i64 i = from + threadIdx.x; i < to; i += 256) s += to_f32(x[i]);
    s = block_sum(s);
    if (threadIdx.x == 0) put(y + (i64)blockIdx.y * gridDim.x + blockIdx.x, scale * s, acc);
}

template <int V, class O, class T>
DI void sum_cols(O* y, const T* x, i64 n, int inner, int chunk, float scale, int acc) {
    i64 from = (i64)blockIdx.y * chunk, to = from + chunk < n ? from + chunk : n;
    x += blockIdx.z * n * inner, y += ((i64)blockIdx.z * gridDim.y + blockIdx.y) * inner;
    column_sums<V, 1, float>(
        inner, from, to,
        [=](i64 r, int c, float (&few)[1][V]) {
            float v[V];
            get(v, x + r * inner + c);
#pragma unroll
            for (int k = 0; k < V; k++) few[0][k] += v[k];
        },
        [=](int, int c, float sum) { put(y + c, scale * sum, acc); });
}

template <class T>
DI void spread(T* dx, const T* dy, i64 total, i64 n, int inner, float scale, int acc) {
    i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 k = (i64)blockIdx.x * blockDim.x + threadIdx.x; k < total; k += step)
        put(dx + k, scale * to_f32(dy[k / (n * inner) * inner + k % inner]), acc);
}

#define ROWS(NAME, O, T)                                                                                     \
    KERNEL(256)                                                                                              \
    NAME(O* y, const T* x, i64 n, int chunk, float scale, int acc) {                                         \
        sum_rows(y, x, n, chunk, scale, acc);                                                                \
    }                                                                                                        \
    EXPORT(NAME)
ROWS(sum_rows_f32, float, float)
ROWS(sum_rows_bf16, float, bf16)
ROWS(sum_rows_f32_bf16, bf16, float)

#define COLS(NAME, O, T)                                                                                     \
    KERNEL(256)                                                                                              \
    NAME(O* y, const T* x, i64 n, int inner, int chunk, float scale, int acc, int wide) {                    \
        WIDE_OR_NOT(T, wide, sum_cols, y, x, n, inner, chunk, scale, acc);                                   \
    }                                                                                                        \
    EXPORT(NAME)
COLS(sum_cols_f32, float, float)
COLS(sum_cols_bf16, float, bf16)
COLS(sum_cols_f32_bf16, bf16, float)

// Launch: any grid, block (256).
KERNEL(256)
sum_bwd_f32(float* dx, const float* dy, i64 total, i64 n, int inner, float scale, int acc) {
    spread(dx, dy, total, n, inner, scale, acc);
}
EXPORT(sum_bwd_f32)
KERNEL(256)
sum_bwd_bf16(bf16* dx, const bf16* dy, i64 total, i64 n, int inner, float scale, int acc) {
    spread(dx, dy, total, n, inner, scale, acc);
}
EXPORT(sum_bwd_bf16)
