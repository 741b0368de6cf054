// What the kernels of batch norm share. The rows of a channel are added up in chunks (batchnormstats.cu);
// what is done to every element runs over columns of channels, their parameters in registers (batchnorm.cu).
#pragma once
#include "columns.cuh"
#include "relu.cuh"

// Mean and sum of squared deviations of n numbers, and those of two sets together (Chan et al. 1983).
struct Moments {
    float n, mean, m2;
};
DI Moments together(Moments a, Moments b) {
    if (b.n == 0.0f) return a;
    float n = a.n + b.n, d = b.mean - a.mean, share = b.n / n;
    return {n, fmaf(d, share, a.mean), a.m2 + b.m2 + d * d * (a.n * share)};
}
