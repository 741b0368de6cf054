// y[r,c] = exp(x[r,c] − m[r]) / Σ_c exp(x[r,c] − m[r]),  m[r] = max_c x[r,c]
// dx[r,c] = y[r,c]·(dy[r,c] − Σ_c dy[r,c]·y[r,c]) (+ dx if acc)
// x, y, dy, dx: (rows, cols) row-major, not overlapping. A warp per row. Launch: grid (ceil(rows/8)), block
// (256).
#include "math.cuh"

template <class T> DI void forward(T* y, const T* x, int rows, int cols) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    x += (i64)r * cols, y += (i64)r * cols;
    float m = -INF, sum = 0.0f;
    for (int c = lane; c < cols; c += 32) m = fmaxf(m, to_f32(x[c]));
    m = warp_max(m);
    for (int c = lane; c < cols; c += 32) sum += exp_f32(to_f32(x[c]) - m);
    float scale = 1.0f / warp_sum(sum);
    for (int c = lane; c < cols; c += 32) put(y + c, exp_f32(to_f32(x[c]) - m) * scale);
}
template <class T> DI void backward(T* dx, const T* dy, const T* y, int rows, int cols, int acc) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    y += (i64)r * cols, dy += (i64)r * cols, dx += (i64)r * cols;
    float dot = 0.0f;
    for (int c = lane; c < cols; c += 32) dot += to_f32(dy[c]) * to_f32(y[c]);
    dot = warp_sum(dot);
    for (int c = lane; c < cols; c += 32) put(dx + c, to_f32(y[c]) * (to_f32(dy[c]) - dot), acc);
}
KERNEL(256) softmax_fwd_f32(float* y, const float* x, int rows, int cols) {
    forward(y, x, rows, cols);
}
EXPORT(softmax_fwd_f32)
KERNEL(256) softmax_fwd_bf16(bf16* y, const bf16* x, int rows, int cols) {
    forward(y, x, rows, cols);
}
EXPORT(softmax_fwd_bf16)
KERNEL(256)
softmax_bwd_f32(float* dx, const float* dy, const float* y, int rows, int cols, int acc) {
    backward(dx, dy, y, rows, cols, acc);
}
EXPORT(softmax_bwd_f32)
KERNEL(256)
softmax_bwd_bf16(bf16* dx, const bf16* dy, const bf16* y, int rows, int cols, int acc) {
    backward(dx, dy, y, rows, cols, acc);
}
EXPORT(softmax_bwd_bf16)
