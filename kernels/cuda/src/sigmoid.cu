// y = 1/(1 + e^−x);  dx = dy·y·(1 − y) (+ dx if acc)
// x, y, dy, dx: (n). Launch: any grid, block (256).
#include "elementwise.cuh"
#include "math.cuh"

template <class T> DI void forward(T* y, const T* x, i64 n) {
    map1(y, x, n, 0, [](float v) { return sigmoid_f32(v); });
}
template <class T> DI void backward(T* dx, const T* dy, const T* y, i64 n, int acc) {
    map2(dx, dy, y, n, acc, [](float g, float v) { return g * v * (1.0f - v); });
}
#define SIGMOID(SUFFIX, T)                                                                                   \
    KERNEL(256) sigmoid_fwd_##SUFFIX(T* y, const T* x, i64 n) { forward(y, x, n); }                          \
    EXPORT(sigmoid_fwd_##SUFFIX)                                                                             \
    KERNEL(256) sigmoid_bwd_##SUFFIX(T* dx, const T* dy, const T* y, i64 n, int acc) {                       \
        backward(dx, dy, y, n, acc);                                                                         \
    }                                                                                                        \
    EXPORT(sigmoid_bwd_##SUFFIX)
SIGMOID(f32, float)
SIGMOID(bf16, bf16)
