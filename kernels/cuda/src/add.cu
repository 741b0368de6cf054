// y = a + b
// a, b, y: (n), y may be a. Launch: any grid, block (256).
#include "elementwise.cuh"

template <class T> DI void add(T* y, const T* a, const T* b, i64 n) {
    map2(y, a, b, n, 0, [](float u, float v) { return u + v; });
}
KERNEL(256) add_fwd_f32(float* y, const float* a, const float* b, i64 n) {
    add(y, a, b, n);
}
EXPORT(add_fwd_f32)
KERNEL(256) add_fwd_bf16(bf16* y, const bf16* a, const bf16* b, i64 n) {
    add(y, a, b, n);
}
EXPORT(add_fwd_bf16)
