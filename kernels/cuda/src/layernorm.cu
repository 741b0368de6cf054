// y[r,d] = gamma[d]·(x[r,d] − mean[r])·rstd[r] + beta[d],  rstd = 1/√(var + eps), var biased
// With x̂ = (x − mean)·rstd and g = dy·gamma:
// dx = rstd·(g − mean_d(g) − x̂·mean_d(g·x̂)) (+ dx if acc),  dgamma = Σ_r dy·x̂,  dbeta = Σ_r dy
// x, y, dy, dx: (rows, cols); gamma, beta: (cols), mean, rstd: (rows) float32. A warp per row.
// Launch: grid (ceil(rows/8)), block (256).
#include "common.cuh"

template <class T>
DI void forward(T* y, float* means, float* rstds, const T* x, const float* gamma, const float* beta, int rows,
                int cols, float eps) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    x += (i64)r * cols, y += (i64)r * cols;
    float sum = 0.0f, rest = 0.0f, square = 0.0f;
    for (int c = lane; c < cols; c += 32) sum += to_f32(x[c]);
    float mean = warp_sum(sum) / cols;
    for (int c = lane; c < cols; c += 32) {
        float d = to_f32(x[c]) - mean;
        rest += d, square += d * d;
    }
    rest = warp_sum(rest) / cols; // what the mean was rounded by
    square = warp_sum(square) / cols - rest * rest;
    mean += rest;
    float rstd = 1.0f / sqrtf(fmaxf(square, 0.0f) + eps);
    if (square != square) rstd = square; // fmaxf drops a NaN
    if (lane == 0) means[r] = mean, rstds[r] = rstd;
    for (int c = lane; c < cols; c += 32) put(y + c, fmaf(gamma[c], (to_f32(x[c]) - mean) * rstd, beta[c]));
}
template <class T>
DI void backward(T* dx, const T* dy, const T* x, const float* gamma, const float* means, const float* rstds,
                 int rows, int cols, int acc) {
    int r = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (r >= rows) return;
    x += (i64)r * cols, dy += (i64)r * cols, dx += (i64)r * cols;
    float mean = means[r], rstd = rstds[r], sum = 0.0f, dot = 0.0f;
    for (int c = lane; c < cols; c += 32) {
        float g = to_f32(dy[c]) * gamma[c];
        sum += g, dot += g * ((to_f32(x[c]) - mean) * rstd);
    }
    sum = warp_sum(sum) / cols, dot = warp_sum(dot) / cols;
    for (int c = lane; c < cols; c += 32) {
        float hat = (to_f32(x[c]) - mean) * rstd;
        put(dx + c, rstd * (to_f32(dy[c]) * gamma[c] - sum - hat * dot), acc);
    }
}
// Partial sums of dgamma and dbeta over chunks of rows: (chunks, cols) each.
// Launch: grid (ceil(cols/32), chunks), block (32, 8).
template <class T>
DI void sums(float* dgamma, float* dbeta, const T* dy, const T* x, const float* means, const float* rstds,
             int rows, int cols, int chunk) {
    SHARED(float, parts, [2][8][33]);
    int c = blockIdx.x * 32 + threadIdx.x, from = blockIdx.y * chunk, to = min(from + chunk, rows);
    float sum = 0.0f, dot = 0.0f;
    if (c < cols)
        for (int r = from + threadIdx.y; r < to; r += 8) {
            float g = to_f32(dy[(i64)r * cols + c]);
            sum += g, dot += g * ((to_f32(x[(i64)r * cols + c]) - means[r]) * rstds[r]);
        }
    parts[0][threadIdx.y][threadIdx.x] = dot, parts[1][threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || c >= cols) return;
    for (int k = 1; k < 8; k++) dot += parts[0][k][threadIdx.x], sum += parts[1][k][threadIdx.x];
    dgamma[(i64)blockIdx.y * cols + c] = dot, dbeta[(i64)blockIdx.y * cols + c] = sum;
}
#define LAYER_NORM(SUFFIX, T)                                                                                \
    KERNEL(256)                                                                                              \
    layernorm_fwd_##SUFFIX(T* y, float* mean, float* rstd, const T* x, const float* gamma,                   \
                           const float* beta, int rows, int cols, float eps) {                               \
        forward(y, mean, rstd, x, gamma, beta, rows, cols, eps);                                             \
    }                                                                                                        \
    EXPORT(layernorm_fwd_##SUFFIX)                                                                           \
    KERNEL(256)                                                                                              \
    layernorm_bwd_##SUFFIX(T* dx, const T* dy, const T* x, const float* gamma, const float* mean,            \
                           const float* rstd, int rows, int cols, int acc) {                                 \
        backward(dx, dy, x, gamma, mean, rstd, rows, cols, acc);                                             \
    }                                                                                                        \
    EXPORT(layernorm_bwd_##SUFFIX)                                                                           \
    KERNEL(256)                                                                                              \
    layernorm_sums_##SUFFIX(float* dgamma, float* dbeta, const T* dy, const T* x, const float* mean,         \
                            const float* rstd, int rows, int cols, int chunk) {                              \
        sums(dgamma, dbeta, dy, x, mean, rstd, rows, cols, chunk);                                           \
    }                                                                                                        \
    EXPORT(layernorm_sums_##SUFFIX)
LAYER_NORM(f32, float)
LAYER_NORM(bf16, bf16)
