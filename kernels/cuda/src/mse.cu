// y = 1/n·Σ (x − t)²;  dx = dy/n·2(x − t) (+ dx if acc)
// x, t, dx: (n). Launch: loss.cuh.
#include "loss.cuh"

DI float value(float x, float t) { return (x - t) * (x - t); }
DI float slope(float x, float t) { return 2.0f * (x - t); }
LOSS(mse, f32, float)
LOSS(mse, bf16, bf16)
