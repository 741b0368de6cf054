// Statistics of batch norm: mean[c] = 1/R·Σ_r x[r,c],  rstd[c] = 1/√(1/R·Σ_r (x[r,c] − mean[c])² + eps), and
// the running ones: run += momentum·(batch − run), the variance then unbiased, R/(R−1). x: (rows, C); mean,
// rstd, run_mean, run_var: (C) float32, the running ones optional.
#include "batchnorm.cuh"

// Mean and squared deviations of each chunk of rows: (chunks, C) each, eight rows at a time in registers.
// Launch: grid (ceil(C/32), chunks), block (32, 8).
template <class T> DI void chunks(float* means, float* m2s, const T* x, int rows, int channels, int chunk) {
    SHARED(float, parts, [3][8][33]);
    int tx = threadIdx.x, ty = threadIdx.y, c = blockIdx.x * 32 + tx, last = (blockIdx.y + 1) * chunk;
    last = min(last, rows);
    Moments all = {0.0f, 0.0f, 0.0f};
    if (c < channels)
        for (int r = blockIdx.y * chunk + ty; r < last; r += 64) {
            float v[8], sum = 0.0f, square = 0.0f;
            int n = min(8, (last - r + 7) / 8);
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] = k < n ? to_f32(x[(i64)(r + 8 * k) * channels + c]) : 0.0f;
#pragma unroll
            for (int k = 0; k < 8; k++) sum += v[k];
            float mean = sum / n;
#pragma unroll
            for (int k = 0; k < 8; k++) square += k < n ? (v[k] - mean) * (v[k] - mean) : 0.0f;
            all = together(all, {(float)n, mean, square});
        }
    parts[0][ty][tx] = all.n, parts[1][ty][tx] = all.mean, parts[2][ty][tx] = all.m2;
    __syncthreads();
    if (ty != 0 || c >= channels) return;
    for (int k = 1; k < 8; k++) all = together(all, {parts[0][k][tx], parts[1][k][tx], parts[2][k][tx]});
    means[(i64)blockIdx.y * channels + c] = all.mean, m2s[(i64)blockIdx.y * channels + c] = all.m2;
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
    KERNEL(256) NAME(float* means, float* m2s, const T* x, int rows, int channels, int chunk) {              \
        chunks(means, m2s, x, rows, channels, chunk);                                                        \
    }                                                                                                        \
    EXPORT(NAME)
CHUNKS(batchnorm_chunks_f32, float)
CHUNKS(batchnorm_chunks_bf16, bf16)
