// loss[r] = lse[r] − x[r,t[r]],  lse[r] = log Σ_d exp(x[r,d]), the mean of loss being the value
// dx[r,d] = dy/rows·(exp(x[r,d] − lse[r]) − [d = t[r]]) (+ dx if acc)
// x, dx: (rows, cols); t: (rows) int32; loss, lse: (rows), dy: (1) float32. A warp per row.
// Launch: grid (ceil(rows/8)), block (256).
#include "math.cuh"

template <class T> DI void forward(float* loss, float* lse, const T* x, const int* t, int rows, int cols) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    x += (i64)r * cols;
    float m = -INF, sum = 0.0f;
    for (int c = lane; c < cols; c += 32) m = fmaxf(m, to_f32(x[c]));
    m = warp_max(m);
    for (int c = lane; c < cols; c += 32) sum += exp_f32(to_f32(x[c]) - m);
    float l = m + log_f32(warp_sum(sum));
    if (lane == 0) lse[r] = l, loss[r] = l - to_f32(x[t[r]]);
}
template <class T>
DI void backward(T* dx, const T* x, const int* t, const float* lse, const float* dy, int rows, int cols,
                 int acc) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    x += (i64)r * cols, dx += (i64)r * cols;
    float g = dy[0] / (float)rows, l = lse[r];
    int hit = t[r];
    for (int c = lane; c < cols; c += 32)
        put(dx + c, g * (exp_f32(to_f32(x[c]) - l) - (c == hit ? 1.0f : 0.0f)), acc);
}
#define CROSS_ENTROPY(SUFFIX, T)                                                                             \
    KERNEL(256)                                                                                              \
    crossentropy_fwd_##SUFFIX(float* loss, float* lse, const T* x, const int* t, int rows, int cols) {       \
        forward(loss, lse, x, t, rows, cols);                                                                \
    }                                                                                                        \
    EXPORT(crossentropy_fwd_##SUFFIX)                                                                        \
    KERNEL(256)                                                                                              \
    crossentropy_bwd_##SUFFIX(T* dx, const T* x, const int* t, const float* lse, const float* dy, int rows,  \
                              int cols, int acc) {                                                           \
        backward(dx, x, t, lse, dy, rows, cols, acc);                                                        \
    }                                                                                                        \
    EXPORT(crossentropy_bwd_##SUFFIX)
CROSS_ENTROPY(f32, float)
CROSS_ENTROPY(bf16, bf16)
