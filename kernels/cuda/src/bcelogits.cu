// y = 1/n·Σ max(x,0) − x·t + log(1 + e^−|x|);  dx = dy/n·(sigmoid(x) − t) (+ dx if acc)
// x, t, dx: (n). Launch: loss.cuh.
#include "loss.cuh"

DI float value(float x, float t) {
    return (x < 0.0f ? 0.0f : x) - x * t + log1p_f32(exp_f32(-fabsf(x)));
}
DI float slope(float x, float t) { return sigmoid_f32(x) - t; }
LOSS(bcelogits, f32, float)
LOSS(bcelogits, bf16, bf16)
