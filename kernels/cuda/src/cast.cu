// y = x rounded to bfloat16 (to nearest, ties to even), and y = x of bfloat16 as float32
// x, y: (n). Launch: any grid, block (256).
#include "common.cuh"

template <class O, class T> DI void cast(O* y, const T* x, i64 n) {
    i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x, step = (i64)gridDim.x * blockDim.x, done = 0;
    if (aligned16(x) && aligned16(y)) {
        for (i64 i = first; i < n / 8; i += step) {
            float v[8];
            load8(v, x + i * 8);
            store8(y + i * 8, v);
        }
        done = n / 8 * 8;
    }
    for (i64 i = done + first; i < n; i += step) put(y + i, to_f32(x[i]));
}
KERNEL(256) cast_f32_bf16(bf16* y, const float* x, i64 n) { cast(y, x, n); }
EXPORT(cast_f32_bf16)
KERNEL(256) cast_bf16_f32(float* y, const bf16* x, i64 n) { cast(y, x, n); }
EXPORT(cast_bf16_f32)
