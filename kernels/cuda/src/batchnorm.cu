// z[r,c] = gamma[c]·(x[r,c] − mean[c])·rstd[c] + beta[c] + residual[r,c],  y = z, or max(z, 0)
// With dz = dy through the ReLU by rule, and x̂ = (x − mean)·rstd:
// dgamma = Σ_r dz·x̂,  dbeta = Σ_r dz,  dx = gamma·rstd·(dz − dbeta/R − x̂·dgamma/R) in training, or
// gamma·rstd·dz (+ dx if acc);  dres = dz (+ dres if acc_res), if there is one
// bwd with a ReLU reads y, or makes it again of x, which it reads anyway, where it is given beta instead: without a
// residual, to the same bits. (sums has no registers left for that.)
// x, residual, y, dy, dx, dres: (rows, C); gamma, beta, mean, rstd, dgamma, dbeta: (C) float32.
// Launch of fwd and bwd: grid (ceil(C/V/bx), any), columns.cuh, the parameters of its channels in a thread's
// registers.
#include "batchnorm.cuh"

struct Slab { // the channels and rows of a thread
    int c, row, step;
};
// What y was: v becomes what the forward made of it.
template <class T> DI float made_again(float v, float mean, float scale, float shift, const T* y) {
    return stored(fmaf(v - mean, scale, shift), y);
}
template <int V> DI Slab slab() {
    return {(int)(blockIdx.x * blockDim.x + threadIdx.x) * V, (int)(blockIdx.y * blockDim.y + threadIdx.y),
            (int)(gridDim.y * blockDim.y)};
}

template <int V, class T>
DI void forward(T* y, const T* x, const T* residual, const float* gamma, const float* beta, const float* mean,
                const float* rstd, int rows, int channels, int with_relu) {
    Slab s = slab<V>();
    if (s.c >= channels) return;
    float m[V], scale[V], shift[V], r[V];
    get(m, mean + s.c);
    get(scale, gamma + s.c);
    get(r, rstd + s.c);
    get(shift, beta + s.c);
#pragma unroll
    for (int k = 0; k < V; k++) scale[k] *= r[k];
    const int AT_ONCE = 2; // rows in flight
    for (int row = s.row; row < rows; row += AT_ONCE * s.step) {
        float v[AT_ONCE][V], add[AT_ONCE][V];
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            i64 at = (i64)min(row + i * s.step, rows - 1) * channels + s.c;
            get(v[i], x + at);
            if (residual) get(add[i], residual + at);
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
#pragma unroll
            for (int k = 0; k < V; k++) {
                v[i][k] = fmaf(v[i][k] - m[k], scale[k], shift[k]);
                if (residual) v[i][k] += add[i][k];
                if (with_relu) v[i][k] = relu(v[i][k]);
            }
            if (row + i * s.step < rows) set(y + (i64)(row + i * s.step) * channels + s.c, v[i]);
        }
    }
}
template <int V, class T>
DI void backward(T* dx, T* dres, const T* dy, const T* x, const T* y, const float* gamma, const float* beta,
                 const float* mean, const float* rstd, const float* dgamma, const float* dbeta, int rows,
                 int channels, int rule, int acc, int acc_res) {
    Slab s = slab<V>();
    if (s.c >= channels) return;
    float m[V], scale[V], r[V];
    float shift[V] = {}, centre[V] = {}, slope[V] = {}; // dx = scale·(dz − centre − (x − m)·slope)
    get(m, mean + s.c);
    get(scale, gamma + s.c);
    get(r, rstd + s.c);
    if (beta) get(shift, beta + s.c);
    if (dbeta) get(centre, dbeta + s.c);
    if (dgamma) get(slope, dgamma + s.c);
#pragma unroll
    for (int k = 0; k < V; k++) scale[k] *= r[k], centre[k] /= rows, slope[k] = r[k] * (slope[k] / rows);
    for (int row = s.row; row < rows; row += s.step) {
        i64 at = (i64)row * channels + s.c;
        float g[V], v[V], out[V], old[V] = {};
        get(g, dy + at);
        get(v, x + at);
        if (y) get(out, y + at);
        if (acc) get(old, dx + at);
#pragma unroll
        for (int k = 0; k < V; k++) {
            if (beta) out[k] = made_again(v[k], m[k], scale[k], shift[k], x);
            if (y || beta) g[k] = relu_rule(rule, g[k], out[k]);
            float d = dbeta ? g[k] - (centre[k] + (v[k] - m[k]) * slope[k]) : g[k];
            v[k] = acc ? fmaf(scale[k], d, old[k]) : scale[k] * d;
        }
        set(dx + at, v);
        if (!dres) continue;
        if (acc_res) get(old, dres + at); // after dx: it may be the same buffer
#pragma unroll
        for (int k = 0; k < V; k++) g[k] += acc_res ? old[k] : 0.0f;
        set(dres + at, g);
    }
}
// Partial sums of dgamma and dbeta over chunks of rows: (chunks, C) each. Launch: grid (., chunks),
// columns.cuh.
template <int V, class T>
DI void sums(float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* mean,
             const float* rstd, int rows, int channels, int chunk, int rule) {
    Slab s = slab<V>();
    float m[V];
#pragma unroll
    for (int k = 0; k < V; k++) m[k] = s.c + k < channels ? mean[s.c + k] : 0.0f;
    int from = blockIdx.y * chunk;
    column_sums<V, 2, float>(
        channels, from, min(from + chunk, rows),
        [=](i64 r, int c, float (&few)[2][V]) {
            float g[V], v[V], out[V];
            get(g, dy + r * channels + c);
            get(v, x + r * channels + c);
            if (y) get(out, y + r * channels + c);
#pragma unroll
            for (int k = 0; k < V; k++) {
                if (y) g[k] = relu_rule(rule, g[k], out[k]);
                few[0][k] = fmaf(g[k], v[k] - m[k], few[0][k]), few[1][k] += g[k];
            }
        },
        [=](int q, int c, float sum) {
            i64 at = (i64)blockIdx.y * channels + c;
            if (q == 0) dgamma[at] = sum * rstd[c];
            else dbeta[at] = sum;
        });
}
#define BATCH_NORM(SUFFIX, T)                                                                                \
    KERNEL(256)                                                                                              \
    batchnorm_fwd_##SUFFIX(T* y, const T* x, const T* residual, const float* gamma, const float* beta,       \
                           const float* mean, const float* rstd, int rows, int channels, int with_relu,      \
                           int wide) {                                                                       \
        WIDE_OR_NOT(T, wide, forward, y, x, residual, gamma, beta, mean, rstd, rows, channels, with_relu);   \
    }                                                                                                        \
    EXPORT(batchnorm_fwd_##SUFFIX)                                                                           \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                     \
    batchnorm_bwd_##SUFFIX(T* dx, T* dres, const T* dy, const T* x, const T* y, const float* gamma,          \
                           const float* beta, const float* mean, const float* rstd, const float* dgamma,     \
                           const float* dbeta, int rows, int channels, int rule, int acc, int acc_res,       \
                           int wide) {                                                                       \
        WIDE_OR_NOT(T, wide, backward, dx, dres, dy, x, y, gamma, beta, mean, rstd, dgamma, dbeta, rows,     \
                    channels, rule, acc, acc_res);                                                           \
    }                                                                                                        \
    EXPORT(batchnorm_bwd_##SUFFIX)                                                                           \
    extern "C" __global__ void __launch_bounds__(256, 2)                                                     \
    batchnorm_sums_##SUFFIX(float* dgamma, float* dbeta, const T* dy, const T* x, const T* y,                \
                            const float* mean, const float* rstd, int rows, int channels, int chunk,         \
                            int rule, int wide) {                                                            \
        WIDE_OR_NOT(T, wide, sums, dgamma, dbeta, dy, x, y, mean, rstd, rows, channels, chunk, rule);        \
    }                                                                                                        \
    EXPORT(batchnorm_sums_##SUFFIX)
BATCH_NORM(f32, float)
BATCH_NORM(bf16, bf16)
