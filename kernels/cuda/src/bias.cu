// y[r,c] = x[r,c] + bias[c]
// x, y: (rows, cols) row-major, bias: (cols). Launch: grid (ceil(cols/256), at most 65535 of the rows), block
// (256).
#include "common.cuh"

template <class T> DI void add_row(T* y, const T* x, const T* bias, i64 rows, int cols) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= cols) return;
    float b = to_f32(bias[c]);
    for (i64 r = blockIdx.y; r < rows; r += gridDim.y) put(y + r * cols + c, to_f32(x[r * cols + c]) + b);
}
KERNEL(256)
bias_fwd_f32(float* y, const float* x, const float* bias, i64 rows, int cols) {
    add_row(y, x, bias, rows, cols);
}
EXPORT(bias_fwd_f32)
KERNEL(256)
bias_fwd_bf16(bf16* y, const bf16* x, const bf16* bias, i64 rows, int cols) {
    add_row(y, x, bias, rows, cols);
}
EXPORT(bias_fwd_bf16)
