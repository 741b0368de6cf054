// y = max(x, 0), NaN staying NaN;  dx = dy through the ReLU by rule (+ dx if acc)
// x, y, dy, dx: (n), y may be x. Launch: any grid, block (256).
#include "elementwise.cuh"
#include "relu.cuh"

template <class T> DI void forward(T* y, const T* x, i64 n) {
    map1(y, x, n, 0, [](float v) { return relu(v); });
}
template <class T> DI void backward(T* dx, const T* dy, const T* y, i64 n, int rule, int acc) {
    map2(dx, dy, y, n, acc, [rule](float g, float v) { return relu_rule(rule, g, v); });
}
KERNEL(256) relu_fwd_f32(float* y, const float* x, i64 n) {
    forward(y, x, n);
}
EXPORT(relu_fwd_f32)
KERNEL(256) relu_fwd_bf16(bf16* y, const bf16* x, i64 n) {
    forward(y, x, n);
}
EXPORT(relu_fwd_bf16)
KERNEL(256)
relu_bwd_f32(float* dx, const float* dy, const float* y, i64 n, int rule, int acc) {
    backward(dx, dy, y, n, rule, acc);
}
EXPORT(relu_bwd_f32)
KERNEL(256)
relu_bwd_bf16(bf16* dx, const bf16* dy, const bf16* y, i64 n, int rule, int acc) {
    backward(dx, dy, y, n, rule, acc);
}
EXPORT(relu_bwd_bf16)
