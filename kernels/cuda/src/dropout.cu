// y[i] = x[i]·scale if u[i] ≥ drop, else x[i]·0 (+ y if acc); u[i]: the top 24 bits of word i of the stream
// (seed, step, node), the step *step_in where that is no null, drop = ⌈P·2²⁴⌉, scale = 1/(1−P). The backward is the same with dy for x.
// x, y: (n). A thread draws the four words of a block. Launch: any grid, block (256).
#include "philox.cuh"

template <class T>
DI void dropout(T* y, const T* x, const int* step_in, i64 n, i64 seed, i64 step, i64 node, int drop, float scale, int acc) {
    if (step_in) step = *step_in;
    i64 stride = (i64)gridDim.x * blockDim.x;
    for (i64 b = (i64)blockIdx.x * blockDim.x + threadIdx.x; 4 * b < n; b += stride) {
        uint4 w = philox((unsigned)seed, (unsigned)(seed >> 32),
                         make_uint4((unsigned)b, (unsigned)(b >> 32), (unsigned)node, (unsigned)step));
        unsigned u[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
        for (int k = 0; k < 4; k++)
            if (4 * b + k < n)
                put(y + 4 * b + k, to_f32(x[4 * b + k]) * ((int)(u[k] >> 8) < drop ? 0.0f : scale), acc);
    }
}
#define DROPOUT(SUFFIX, T)                                                                                   \
    KERNEL(256)                                                                                              \
    dropout_##SUFFIX(T* y, const T* x, const int* step_in, i64 n, i64 seed, i64 step, i64 node, int drop,    \
                     float scale, int acc) {                                                                 \
        dropout(y, x, step_in, n, seed, step, node, drop, scale, acc);                                                \
    }                                                                                                        \
    EXPORT(dropout_##SUFFIX)
DROPOUT(f32, float)
DROPOUT(bf16, bf16)
