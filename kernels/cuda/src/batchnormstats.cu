// Statistics of batch norm: mean[c] = 1/R·Σ_r x[r,c],  rstd[c] = 1/√(1/R·Σ_r (x[r,c] − mean[c])² + eps), and
// the running ones: run += momentum·(batch − run), the variance then unbiased, R/(R−1). x: (rows, C); mean,
// rstd, run_mean, run_var: (C) float32, the running ones optional.
#include "batchnorm.cuh"

// Mean and squared deviations of each chunk of rows: (chunks, C) each, eight rows at a time in registers.
// Launch: grid (., chunks), columns.cuh.
template <int V, class T>
DI void chunks(float* means, float* m2s, const T* x, int rows, int channels, int chunk) {
    SHARED(float, parts, [3][256 * V]);
    int by = blockDim.y, n = blockDim.x * V, c = (blockIdx.x * blockDim.x + threadIdx.x) * V;
    int last = min((int)(blockIdx.y + 1) * chunk, rows);
    Moments all[V] = {};
    if (c < channels)
        for (int r = blockIdx.y * chunk + threadIdx.y; r < last; r += 8 * by) {
            float v[8][V];
            int few = min(8, (last - r + by - 1) / by);
#pragma unroll
            for (int k = 0; k < 8; k++) get(v[k], x + (i64)min(r + k * by, last - 1) * channels + c);
#pragma unroll
            for (int i = 0; i < V; i++) {
                float sum = 0.0f, square = 0.0f;
#pragma unroll
                for (int k = 0; k < 8; k++) sum += k < few ? v[k][i] : 0.0f;
                float mean = sum / few;
#pragma unroll
                for (int k = 0; k < 8; k++) square += k < few ? (v[k][i] - mean) * (v[k][i] - mean) : 0.0f;
                all[i] = together(all[i], {(float)few, mean, square});
            }
        }
#pragma unroll
    for (int i = 0; i < V; i++) {
        int at = thread_of_block() * V + i;
        parts[0][at] = all[i].n, parts[1][at] = all[i].mean, parts[2][at] = all[i].m2;
    }
    __syncthreads();
    for (int i = thread_of_block(); i < n && (int)blockIdx.x * n + i < channels; i += 256) {
        Moments m = {};
        for (int k = 0; k < by; k++)
            m = together(m, {parts[0][k * n + i], parts[1][k * n + i], parts[2][k * n + i]});
        i64 at = (i64)blockIdx.y * channels + blockIdx.x * n + i;
        means[at] = m.mean, m2s[at] = m.m2;
    }
}

DI void finish(float* mean, float* rstd, float* run_mean, float* run_var, int c, int rows, double m, double var,
               double eps, double momentum) {
    mean[c] = (float)m, rstd[c] = (float)(1.0 / sqrt(var + eps));
    if (!run_mean || rows == 0) return;
    run_mean[c] = (float)((1.0 - momentum) * run_mean[c] + momentum * m);
    run_var[c] = (float)((1.0 - momentum) * run_var[c] + momentum * (var * rows / (rows > 1 ? rows - 1 : 1)));
}

// The chunks together, in double. Launch: grid (ceil(C/32)), block (32, 8).
KERNEL(256)
batchnorm_finish(float* mean, float* rstd, float* run_mean, float* run_var, const float* means,
                 const float* m2s, int rows, int channels, int chunk, double eps, double momentum) {
    SHARED(double, parts, [8][33]);
    int tx = threadIdx.x, ty = threadIdx.y, c = blockIdx.x * 32 + tx, n = (rows + chunk - 1) / chunk;
    double sum = 0.0, square = 0.0;
    if (c < channels)
        for (int k = ty; k < n; k += 8)
            sum += (double)min(chunk, rows - k * chunk) * means[(i64)k * channels + c];
    parts[ty][tx] = sum;
    __syncthreads();
    sum = 0.0;
    for (int k = 0; k < 8; k++) sum += parts[k][tx];
    double m = sum / rows;
    __syncthreads();
    if (c < channels)
        for (int k = ty; k < n; k += 8) {
            double d = means[(i64)k * channels + c] - m;
            square += m2s[(i64)k * channels + c] + (double)min(chunk, rows - k * chunk) * d * d;
        }
    parts[ty][tx] = square;
    __syncthreads();
    if (ty != 0 || c >= channels) return;
    square = 0.0;
    for (int k = 0; k < 8; k++) square += parts[k][tx];
    finish(mean, rstd, run_mean, run_var, c, rows, m, square / rows, eps, momentum);
}
EXPORT(batchnorm_finish)

// The same from Σx and Σx² (2, C), or, without them, of no rows. Launch: grid (ceil(C/256)), block (256).
KERNEL(256)
batchnorm_from_sums(float* mean, float* rstd, float* run_mean, float* run_var, const double* sums, int rows,
                    int channels, double eps, double momentum) {
    int c = blockIdx.x * 256 + threadIdx.x;
    if (c >= channels) return;
    double m = 0.0, var = 0.0;
    if (sums) m = sums[c] / rows, var = sums[channels + c] / rows - m * m;
    if (var < 0.0) var = 0.0; // a NaN stays
    finish(mean, rstd, run_mean, run_var, c, rows, m, var, eps, momentum);
}
EXPORT(batchnorm_from_sums)

// mean and rstd from the running statistics. Launch: grid (ceil(C/256)), block (256).
KERNEL(256)
batchnorm_running(float* mean, float* rstd, const float* run_mean, const float* run_var, int channels,
                  double eps) {
    int c = blockIdx.x * 256 + threadIdx.x;
    if (c < channels) mean[c] = run_mean[c], rstd[c] = (float)(1.0 / sqrt(run_var[c] + eps));
}
EXPORT(batchnorm_running)

#define CHUNKS(NAME, T)                                                                                      \
    KERNEL(256) NAME(float* means, float* m2s, const T* x, int rows, int channels, int chunk, int wide) {    \
        WIDE_OR_NOT(T, wide, chunks, means, m2s, x, rows, channels, chunk);                                  \
    }                                                                                                        \
    EXPORT(NAME)
CHUNKS(batchnorm_chunks_f32, float)
CHUNKS(batchnorm_chunks_bf16, bf16)
