// y = a·b (+ y if acc)
// a, b, y: (n). The backward is the same kernel: da = dy·b, db = dy·a. Launch: any grid, block (256).
#include "elementwise.cuh"

template <class T> DI void mul(T* y, const T* a, const T* b, i64 n, int acc) {
    map2(y, a, b, n, acc, [](float u, float v) { return u * v; });
}
KERNEL(256)
mul_fwd_f32(float* y, const float* a, const float* b, i64 n, int acc) {
    mul(y, a, b, n, acc);
}
EXPORT(mul_fwd_f32)
KERNEL(256)
mul_fwd_bf16(bf16* y, const bf16* a, const bf16* b, i64 n, int acc) {
    mul(y, a, b, n, acc);
}
EXPORT(mul_fwd_bf16)
