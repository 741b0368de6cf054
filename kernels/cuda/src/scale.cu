// y = alpha·x (+ y if acc)
// x, y: (n). With alpha = 1 it is the backward of add: dx = dy. Launch: any grid, block (256).
#include "elementwise.cuh"

template <class T> DI void scale(T* y, const T* x, i64 n, float alpha, int acc) {
    map1(y, x, n, acc, [alpha](float v) { return alpha * v; });
}
KERNEL(256)
scale_fwd_f32(float* y, const float* x, i64 n, float alpha, int acc) {
    scale(y, x, n, alpha, acc);
}
EXPORT(scale_fwd_f32)
KERNEL(256)
scale_fwd_bf16(bf16* y, const bf16* x, i64 n, float alpha, int acc) {
    scale(y, x, n, alpha, acc);
}
EXPORT(scale_fwd_bf16)
