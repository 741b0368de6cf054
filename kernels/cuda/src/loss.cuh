// Means over elements: the values of losses. A block adds up f(i) over LOSS_CHUNK elements; the partial sums
// become the mean in the stages of sum.cu. Launch: grid (ceil(n/LOSS_CHUNK)), block (256).
#pragma once
#include "elementwise.cuh"
#include "math.cuh"

const int LOSS_CHUNK = 4096;

template <class F> DI void partial_sum(float* part, i64 n, F f) {
    i64 from = (i64)blockIdx.x * LOSS_CHUNK, to = from + LOSS_CHUNK < n ? from + LOSS_CHUNK : n;
    float s = 0.0f;
    for (i64 i = from + threadIdx.x; i < to; i += 256) s += f(i);
    s = block_sum(s);
    if (threadIdx.x == 0) part[blockIdx.x] = s;
}

// The two kernels of a loss over x and targets t, both (n): its partial sums by value(x, t), and
// dx = dy/n·slope(x, t) (+ dx if acc), dy (1) and the partial sums being float32. Launch of the second: any
// grid, block (256).
#define LOSS(STEM, SUFFIX, T)                                                                                \
    KERNEL(256) STEM##_fwd_##SUFFIX(float* part, const T* x, const T* t, i64 n) {                            \
        partial_sum(part, n, [=](i64 i) { return value(to_f32(x[i]), to_f32(t[i])); });                      \
    }                                                                                                        \
    EXPORT(STEM##_fwd_##SUFFIX)                                                                              \
    KERNEL(256) STEM##_bwd_##SUFFIX(T* dx, const T* x, const T* t, const float* dy, i64 n, int acc) {        \
        float g = dy[0] / (float)n;                                                                          \
        map2(dx, x, t, n, acc, [g](float v, float w) { return g * slope(v, w); });                           \
    }                                                                                                        \
    EXPORT(STEM##_bwd_##SUFFIX)
