// z[r,c] = gamma[c]·(x[r,c] − mean[c])·rstd[c] + beta[c] + residual[r,c],  y = z, or max(z, 0)
// With dz = dy through the ReLU by rule, and x̂ = (x − mean)·rstd:
// dgamma = Σ_r dz·x̂,  dbeta = Σ_r dz,  dx = gamma·rstd·(dz − dbeta/R − x̂·dgamma/R) in training, or
// gamma·rstd·dz (+ dx if acc)
// x, residual, y, dy, dx: (rows, C); gamma, beta, mean, rstd, dgamma, dbeta: (C) float32.
// Launch of fwd and bwd: grid (ceil(C/V/bx), any), block (bx, 256/bx), a thread for V channels next to each
// other: 16 bytes if wide (C a multiple of them, all rows aligned), otherwise 1.
#include "batchnorm.cuh"

struct Slab { // the channels and rows of a thread
    int c, row, step;
};
template <int V> DI Slab slab() {
    return {(int)(blockIdx.x * blockDim.x + threadIdx.x) * V, (int)(blockIdx.y * blockDim.y + threadIdx.y),
            (int)(gridDim.y * blockDim.y)};
}

template <int V, class T>
DI void forward(T* y, const T* x, const T* residual, const float* gamma, const float* beta, const float* mean,
                const float* rstd, int rows, int channels, int with_relu) {
    Slab s = slab<V>();
    if (s.c >= channels) return;
    float m[V], scale[V], shift[V];
#pragma unroll
    for (int k = 0; k < V; k++) {
        int c = s.c + k;
        m[k] = mean[c], scale[k] = gamma[c] * rstd[c], shift[k] = beta[c];
    }
    for (int r = s.row; r < rows; r += s.step) {
        i64 at = (i64)r * channels + s.c;
        float v[V], add[V];
        get(v, x + at);
        if (residual) get(add, residual + at);
#pragma unroll
        for (int k = 0; k < V; k++) {
            v[k] = fmaf(v[k] - m[k], scale[k], shift[k]);
            if (residual) v[k] += add[k];
            if (with_relu) v[k] = relu(v[k]);
        }
        set(y + at, v);
    }
}
template <int V, class T>
DI void backward(T* dx, const T* dy, const T* x, const T* y, const float* gamma, const float* mean,
                 const float* rstd, const float* dgamma, const float* dbeta, int rows, int channels, int rule,
                 int acc) {
    Slab s = slab<V>();
    if (s.c >= channels) return;
    float m[V], scale[V], centre[V], slope[V]; // dx = scale·(dz − centre − (x − m)·slope)
#pragma unroll
    for (int k = 0; k < V; k++) {
        int c = s.c + k;
        m[k] = mean[c], scale[k] = gamma[c] * rstd[c];
        centre[k] = dbeta ? dbeta[c] / rows : 0.0f, slope[k] = dgamma ? rstd[c] * (dgamma[c] / rows) : 0.0f;
    }
    for (int r = s.row; r < rows; r += s.step) {
        i64 at = (i64)r * channels + s.c;
        float g[V], v[V], out[V], old[V];
        get(g, dy + at);
        get(v, x + at);
        if (y) get(out, y + at);
        if (acc) get(old, dx + at);
#pragma unroll
        for (int k = 0; k < V; k++) {
            if (y) g[k] = relu_rule(rule, g[k], out[k]);
            if (dbeta) g[k] -= centre[k] + (v[k] - m[k]) * slope[k];
            g[k] = acc ? fmaf(scale[k], g[k], old[k]) : scale[k] * g[k];
        }
        set(dx + at, g);
    }
}
// Partial sums of dgamma and dbeta over chunks of rows: (chunks, C) each; eight rows are added up before they
// join the rest. Launch: grid (ceil(C/32), chunks), block (32, 8).
template <class T>
DI void sums(float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* mean,
             const float* rstd, int rows, int channels, int chunk, int rule) {
    SHARED(float, parts, [2][8][33]);
    int tx = threadIdx.x, ty = threadIdx.y, c = blockIdx.x * 32 + tx;
    int last = min((int)(blockIdx.y + 1) * chunk, rows);
    float sum = 0.0f, dot = 0.0f, m = 0.0f;
    if (c < channels) {
        m = mean[c];
        for (int r = blockIdx.y * chunk + ty; r < last; r += 64) {
            float few = 0.0f, few_dot = 0.0f;
#pragma unroll
            for (int k = 0; k < 8; k++)
                if (r + 8 * k < last) {
                    i64 at = (i64)(r + 8 * k) * channels + c;
                    float g = to_f32(dy[at]);
                    if (y) g = relu_rule(rule, g, to_f32(y[at]));
                    few += g, few_dot = fmaf(g, to_f32(x[at]) - m, few_dot);
                }
            sum += few, dot += few_dot;
        }
        dot *= rstd[c];
    }
    parts[0][ty][tx] = dot, parts[1][ty][tx] = sum;
    __syncthreads();
    if (ty != 0 || c >= channels) return;
    for (int k = 1; k < 8; k++) dot += parts[0][k][tx], sum += parts[1][k][tx];
    dgamma[(i64)blockIdx.y * channels + c] = dot, dbeta[(i64)blockIdx.y * channels + c] = sum;
}
#define BATCH_NORM(SUFFIX, T)                                                                                \
    KERNEL(256)                                                                                              \
    batchnorm_fwd_##SUFFIX(T* y, const T* x, const T* residual, const float* gamma, const float* beta,       \
                           const float* mean, const float* rstd, int rows, int channels, int with_relu,      \
                           int wide) {                                                                       \
        if (wide)                                                                                            \
            forward<per16<T>::n>(y, x, residual, gamma, beta, mean, rstd, rows, channels, with_relu);        \
        else                                                                                                 \
            forward<1>(y, x, residual, gamma, beta, mean, rstd, rows, channels, with_relu);                  \
    }                                                                                                        \
    EXPORT(batchnorm_fwd_##SUFFIX)                                                                           \
    KERNEL(256)                                                                                              \
    batchnorm_bwd_##SUFFIX(T* dx, const T* dy, const T* x, const T* y, const float* gamma,                   \
                           const float* mean, const float* rstd, const float* dgamma, const float* dbeta,    \
                           int rows, int channels, int rule, int acc, int wide) {                            \
        if (wide)                                                                                            \
            backward<per16<T>::n>(dx, dy, x, y, gamma, mean, rstd, dgamma, dbeta, rows, channels, rule,      \
                                  acc);                                                                      \
        else                                                                                                 \
            backward<1>(dx, dy, x, y, gamma, mean, rstd, dgamma, dbeta, rows, channels, rule, acc);          \
    }                                                                                                        \
    EXPORT(batchnorm_bwd_##SUFFIX)                                                                           \
    KERNEL(256)                                                                                              \
    batchnorm_sums_##SUFFIX(float* dgamma, float* dbeta, const T* dy, const T* x, const T* y,                \
                            const float* mean, const float* rstd, int rows, int channels, int chunk,         \
                            int rule) {                                                                      \
        sums(dgamma, dbeta, dy, x, y, mean, rstd, rows, channels, chunk, rule);                              \
    }                                                                                                        \
    EXPORT(batchnorm_sums_##SUFFIX)
BATCH_NORM(f32, float)
BATCH_NORM(bf16, bf16)
