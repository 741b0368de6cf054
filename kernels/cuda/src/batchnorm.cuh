// What the kernels of batch norm share. The rows of a channel are added up in chunks (batchnormstats.cu);
// what is done to every element runs over columns of channels, their parameters in registers (batchnorm.cu).
#pragma once
#include "common.cuh"
#include "relu.cuh"

// V elements next to each other: one, or 16 bytes.
template <class T> DI void get(float (&v)[1], const T* p) { v[0] = to_f32(*p); }
template <class T> DI void get(float (&v)[per16<T>::n], const T* p) { load16(v, p); }
template <class T> DI void set(T* p, const float (&v)[1]) { put(p, v[0]); }
template <class T> DI void set(T* p, const float (&v)[per16<T>::n]) { store16(p, v); }

// Mean and sum of squared deviations of n numbers, and those of two sets together (Chan et al. 1983).
struct Moments {
    float n, mean, m2;
};
DI Moments together(Moments a, Moments b) {
    if (b.n == 0.0f) return a;
    float n = a.n + b.n, d = b.mean - a.mean, share = b.n / n;
    return {n, fmaf(d, share, a.mean), a.m2 + b.m2 + d * d * (a.n * share)};
}
