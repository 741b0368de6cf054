// y = x·Φ(x);  dx = dy·(Φ(x) + x·φ(x)) (+ dx if acc)
// x, y, dy, dx: (n). Launch: any grid, block (256).
#include "elementwise.cuh"
#include "math.cuh"

template <class T> DI void forward(T* y, const T* x, i64 n) {
    map1(y, x, n, 0, [](float v) { return gelu<T>(v); });
}
template <class T> DI void backward(T* dx, const T* dy, const T* x, i64 n, int acc) {
    map2(dx, dy, x, n, acc, [](float g, float v) {
        float density, p = normal<T>(v, &density);
        return g * fmaf(v, density, p);
    });
}
#define GELU(SUFFIX, T)                                                                                      \
    KERNEL(256) gelu_fwd_##SUFFIX(T* y, const T* x, i64 n) { forward(y, x, n); }                             \
    EXPORT(gelu_fwd_##SUFFIX)                                                                                \
    KERNEL(256) gelu_bwd_##SUFFIX(T* dx, const T* dy, const T* x, i64 n, int acc) {                          \
        backward(dx, dy, x, n, acc);                                                                         \
    }                                                                                                        \
    EXPORT(gelu_bwd_##SUFFIX)
GELU(f32, float)
GELU(bf16, bf16)
