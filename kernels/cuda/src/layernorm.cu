// y[r,d] = gamma[d]·(x[r,d] − mean[r])·rstd[r] + beta[d],  rstd = 1/√(var + eps), var biased
// With x̂ = (x − mean)·rstd and g = dy·gamma:
// dx = rstd·(g − mean_d(g) − x̂·mean_d(g·x̂)) (+ dx if acc),  dgamma = Σ_r dy·x̂,  dbeta = Σ_r dy
// x, dx (T) and y, dy (O, no wider than T): (rows, cols); gamma, beta: (cols), mean, rstd: (rows) float32. A
// warp per row, V columns next to each other a lane: 16 bytes of O if wide (cols a multiple of them, all rows
// aligned), otherwise 1.
// Launch: grid (ceil(rows/8)), block (256).
#include "columns.cuh"

template <int V, class O, class T>
DI void forward(O* y, float* means, float* rstds, const T* x, const float* gamma, const float* beta, int rows,
                int cols, float eps) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    x += (i64)r * cols, y += (i64)r * cols;
    float sum = 0.0f, rest = 0.0f, square = 0.0f, v[V];
    for (int c = lane * V; c < cols; c += 32 * V) {
        get(v, x + c);
#pragma unroll
        for (int k = 0; k < V; k++) sum += v[k];
    }
    float mean = warp_sum(sum) / cols;
    for (int c = lane * V; c < cols; c += 32 * V) {
        get(v, x + c);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float d = v[k] - mean;
            rest += d, square += d * d;
        }
    }
    rest = warp_sum(rest) / cols; // what the mean was rounded by
    square = warp_sum(square) / cols - rest * rest;
    mean += rest;
    float rstd = 1.0f / sqrtf(fmaxf(square, 0.0f) + eps);
    if (square != square) rstd = square; // fmaxf drops a NaN
    if (lane == 0) means[r] = mean, rstds[r] = rstd;
    for (int c = lane * V; c < cols; c += 32 * V) {
        float scale[V], shift[V];
        get(v, x + c);
        get(scale, gamma + c);
        get(shift, beta + c);
#pragma unroll
        for (int k = 0; k < V; k++) v[k] = fmaf(scale[k], (v[k] - mean) * rstd, shift[k]);
        set(y + c, v);
    }
}
template <int V, class O, class T>
DI void backward(T* dx, const O* dy, const T* x, const float* gamma, const float* means, const float* rstds,
                 int rows, int cols, int acc) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    x += (i64)r * cols, dy += (i64)r * cols, dx += (i64)r * cols;
    float mean = means[r], rstd = rstds[r], sum = 0.0f, dot = 0.0f, g[V], v[V], scale[V], old[V];
    for (int c = lane * V; c < cols; c += 32 * V) {
        get(g, dy + c);
        get(v, x + c);
        get(scale, gamma + c);
#pragma unroll
        for (int k = 0; k < V; k++) {
            g[k] *= scale[k];
            sum += g[k], dot += g[k] * ((v[k] - mean) * rstd);
        }
    }
    sum = warp_sum(sum) / cols, dot = warp_sum(dot) / cols;
    for (int c = lane * V; c < cols; c += 32 * V) {
        get(g, dy + c);
        get(v, x + c);
        get(scale, gamma + c);
        if (acc) get(old, dx + c);
#pragma unroll
        for (int k = 0; k < V; k++) {
            v[k] = rstd * (g[k] * scale[k] - sum - (v[k] - mean) * rstd * dot);
            if (acc) v[k] += old[k];
        }
        set(dx + c, v);
    }
}
// Partial sums of dgamma and dbeta over chunks of rows: (chunks, cols) each. Launch: grid (., chunks),
// columns.cuh.
template <int V, class O, class T>
DI void sums(float* dgamma, float* dbeta, const O* dy, const T* x, const float* means, const float* rstds,
             int rows, int cols, int chunk) {
    int from = blockIdx.y * chunk;
    column_sums<V, 2, float>(
        cols, from, min(from + chunk, rows),
        [=](i64 r, int c, float (&few)[2][V]) {
            float g[V], v[V], mean = means[r], rstd = rstds[r];
            get(g, dy + r * cols + c);
            get(v, x + r * cols + c);
#pragma unroll
            for (int k = 0; k < V; k++) few[0][k] += g[k] * ((v[k] - mean) * rstd), few[1][k] += g[k];
        },
        [=](int q, int c, float sum) { (q ? dbeta : dgamma)[(i64)blockIdx.y * cols + c] = sum; });
}
#define LAYER_NORM(SUFFIX, T, O)                                                                             \
    KERNEL(256)                                                                                              \
    layernorm_fwd_##SUFFIX(O* y, float* mean, float* rstd, const T* x, const float* gamma,                   \
                           const float* beta, int rows, int cols, float eps, int wide) {                     \
        WIDE_OR_NOT(O, wide, forward, y, mean, rstd, x, gamma, beta, rows, cols, eps);                       \
    }                                                                                                        \
    EXPORT(layernorm_fwd_##SUFFIX)                                                                           \
    KERNEL(256)                                                                                              \
    layernorm_bwd_##SUFFIX(T* dx, const O* dy, const T* x, const float* gamma, const float* mean,            \
                           const float* rstd, int rows, int cols, int acc, int wide) {                       \
        WIDE_OR_NOT(O, wide, backward, dx, dy, x, gamma, mean, rstd, rows, cols, acc);                       \
    }                                                                                                        \
    EXPORT(layernorm_bwd_##SUFFIX)                                                                           \
    KERNEL(256)                                                                                              \
    layernorm_sums_##SUFFIX(float* dgamma, float* dbeta, const O* dy, const T* x, const float* mean,         \
                            const float* rstd, int rows, int cols, int chunk, int wide) {                    \
        WIDE_OR_NOT(O, wide, sums, dgamma, dbeta, dy, x, mean, rstd, rows, cols, chunk);                     \
    }                                                                                                        \
    EXPORT(layernorm_sums_##SUFFIX)
LAYER_NORM(f32, float, float)
LAYER_NORM(bf16, bf16, bf16)
LAYER_NORM(f32_bf16, float, bf16)
