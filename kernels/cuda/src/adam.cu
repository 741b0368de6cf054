// p ← shrink·p,  g ← g + decay·p,  m ← b1·m + (1−b1)·g,  v ← b2·v + (1−b2)·g²
// p ← p − rate·m/(√(v/c2) + eps),  c2 = 1 − b2^step,  rate = lr/(1 − b1^step)
// AdamW: shrink = 1 − lr·decay and then decay = 0; Adam: shrink = 1.
// p, m, v: (n) float32, g: (n). Launch: any grid, block (256).
#include "common.cuh"

struct Rates {
    float rate, b1, keep1, b2, keep2, c2, eps, decay, shrink; // keep = 1 − b
};

template <class G> DI void adam(float* p, const G* g, float* m, float* v, i64 n, Rates a) {
    i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        float x = p[i], d = fmaf(a.decay, x, to_f32(g[i]));
        float m1 = fmaf(a.b1, m[i], a.keep1 * d), v1 = fmaf(a.b2, v[i], a.keep2 * d * d);
        m[i] = m1, v[i] = v1;
        p[i] = fmaf(-a.rate, m1 / (sqrtf(v1 / a.c2) + a.eps), a.shrink * x);
    }
}
#define ADAM(SUFFIX, G)                                                                                      \
    KERNEL(256)                                                                                              \
    adam_##SUFFIX(float* p, const G* g, float* m, float* v, i64 n, float rate, float b1, float keep1,        \
                  float b2, float keep2, float c2, float eps, float decay, float shrink) {                   \
        adam(p, g, m, v, n, {rate, b1, keep1, b2, keep2, c2, eps, decay, shrink});                           \
    }                                                                                                        \
    EXPORT(adam_##SUFFIX)
ADAM(f32, float)
ADAM(bf16, bf16)
