// sums[0,c] = Σ_r y[r,c],  sums[1,c] = Σ_r y[r,c]²   in float64, for the batch norm behind a convolution
// y: (rows, cols). Chunks of rows first, part: (chunks, 2, cols), then the chunks in their order.
// Launch: part: grid (., chunks), columns.cuh;  last: grid (ceil(2·cols/256)), block (256).
#include "columns.cuh"

template <int V, class T> DI void chunk_sums(double* part, const T* y, i64 rows, int cols, int chunk) {
    i64 from = (i64)blockIdx.y * chunk, to = from + chunk < rows ? from + chunk : rows;
    column_sums<V, 2, double>(
        cols, from, to,
        [=](i64 r, int c, double (&few)[2][V]) {
            float v[V];
            get(v, y + r * cols + c);
#pragma unroll
            for (int k = 0; k < V; k++) {
                double x = v[k];
                few[0][k] += x, few[1][k] = fma(x, x, few[1][k]);
            }
        },
        [=](int q, int c, double sum) { part[((i64)blockIdx.y * 2 + q) * cols + c] = sum; });
}
KERNEL(256) channelsums_part_f32(double* part, const float* y, i64 rows, int cols, int chunk, int wide) {
    WIDE_OR_NOT(float, wide, chunk_sums, part, y, rows, cols, chunk);
}
EXPORT(channelsums_part_f32)
KERNEL(256) channelsums_part_bf16(double* part, const bf16* y, i64 rows, int cols, int chunk, int wide) {
    WIDE_OR_NOT(bf16, wide, chunk_sums, part, y, rows, cols, chunk);
}
EXPORT(channelsums_part_bf16)
// The same of sums that a product has written for every 64 rows: part and rows are (., 2·cols). Launch: as
// part.
template <int V> DI void add_rows(double* part, const float* of, i64 rows, int cols, int chunk) {
    i64 from = (i64)blockIdx.y * chunk, to = from + chunk < rows ? from + chunk : rows;
    column_sums<V, 1, double>(
        cols, from, to,
        [=](i64 r, int c, double (&few)[1][V]) {
            float v[V];
            get(v, of + r * cols + c);
#pragma unroll
            for (int k = 0; k < V; k++) few[0][k] += v[k];
        },
        [=](int, int c, double sum) { part[(i64)blockIdx.y * cols + c] = sum; });
}
KERNEL(256) channelsums_rows(double* part, const float* of, i64 rows, int cols, int chunk, int wide) {
    if (wide) add_rows<4>(part, of, rows, cols, chunk);
    else add_rows<1>(part, of, rows, cols, chunk);
}
EXPORT(channelsums_rows)
KERNEL(256) channelsums_last(double* sums, const double* part, int chunks, int n) {
    int i = blockIdx.x * 256 + threadIdx.x;
    if (i >= n) return;
    double s = 0;
    for (int k = 0; k < chunks; k++) s += part[(i64)k * n + i];
    sums[i] = s;
}
EXPORT(channelsums_last)
