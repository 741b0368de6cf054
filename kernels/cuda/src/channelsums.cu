// sums[0,c] = Σ_r y[r,c],  sums[1,c] = Σ_r y[r,c]²   in float64, for the batch norm behind a convolution
// y: (rows, cols). Chunks of 256 rows first, part: (chunks, 2, cols), then the chunks in their order.
// Launch: part: grid (ceil(cols/32), chunks), block (32, 8);  last: grid (ceil(2·cols/256)), block (256).
#include "common.cuh"

template <class T> DI void chunk_sums(double* part, const T* y, i64 rows, int cols) {
    SHARED(double, sum, [8][33]);
    SHARED(double, square, [8][33]);
    int c = blockIdx.x * 32 + threadIdx.x;
    i64 from = (i64)blockIdx.y * 256, to = from + 256 < rows ? from + 256 : rows;
    double s = 0, q = 0;
    if (c < cols)
        for (i64 r = from + threadIdx.y; r < to; r += 8) {
            double v = to_f32(y[r * cols + c]);
            s += v, q += v * v;
        }
    sum[threadIdx.y][threadIdx.x] = s, square[threadIdx.y][threadIdx.x] = q;
    __syncthreads();
    if (threadIdx.y != 0 || c >= cols) return;
    for (int k = 1; k < 8; k++) s += sum[k][threadIdx.x], q += square[k][threadIdx.x];
    part[(i64)blockIdx.y * 2 * cols + c] = s;
    part[((i64)blockIdx.y * 2 + 1) * cols + c] = q;
}
KERNEL(256) channelsums_part_f32(double* part, const float* y, i64 rows, int cols) {
    chunk_sums(part, y, rows, cols);
}
EXPORT(channelsums_part_f32)
KERNEL(256) channelsums_part_bf16(double* part, const bf16* y, i64 rows, int cols) {
    chunk_sums(part, y, rows, cols);
}
EXPORT(channelsums_part_bf16)
KERNEL(256) channelsums_last(double* sums, const double* part, int chunks, int n) {
    int i = blockIdx.x * 256 + threadIdx.x;
    if (i >= n) return;
    double s = 0;
    for (int k = 0; k < chunks; k++) s += part[(i64)k * n + i];
    sums[i] = s;
}
EXPORT(channelsums_last)
