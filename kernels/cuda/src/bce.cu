// y = −1/n·Σ t·max(log p, −100) + (1−t)·max(log(1−p), −100)
// dp = dy/n·(p − t)/max(p·(1−p), 1e−12) (+ dp if acc)
// p, t, dp: (n). Launch: loss.cuh.
#include "loss.cuh"

DI float held(float l) { return l < -100.0f ? -100.0f : l; }
DI float value(float p, float t) { return -(t * held(log_f32(p)) + (1.0f - t) * held(log1p_f32(-p))); }
DI float slope(float p, float t) {
    float d = p * (1.0f - p);
    return (p - t) / (d < 1e-12f ? 1e-12f : d);
}
LOSS(bce, f32, float)
LOSS(bce, bf16, bf16)
