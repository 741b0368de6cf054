// g ← g + decay·p,  v ← momentum·v + g (v ← g on the first step),  p ← p − lr·v;  p ← p − lr·g without v
// p, v: (n) float32, g: (n). Launch: any grid, block (256).
#include "common.cuh"

template <class G>
DI void sgd(float* p, const G* g, float* v, i64 n, float lr, float momentum, float decay, int first) {
    i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        float x = p[i], d = fmaf(decay, x, to_f32(g[i]));
        if (v) {
            if (!first) d = fmaf(momentum, v[i], d);
            v[i] = d;
        }
        p[i] = fmaf(-lr, d, x);
    }
}
#define SGD(SUFFIX, G)                                                                                       \
    KERNEL(256)                                                                                              \
    sgd_##SUFFIX(float* p, const G* g, float* v, i64 n, float lr, float momentum, float decay, int first) {  \
        sgd(p, g, v, n, lr, momentum, decay, first);                                                         \
    }                                                                                                        \
    EXPORT(sgd_##SUFFIX)
SGD(f32, float)
SGD(bf16, bf16)
