// y = x rounded to bfloat16 (to nearest, ties to even), and y = x of bfloat16 as float32
// x, y: (n). Launch: any grid, block (256).
#include "common.cuh"

DI void load8(float (&v)[8], const bf16* p) { load16(v, p); }
DI void store8(bf16* p, const float (&v)[8]) { store16(p, v); }
DI void load8(float (&v)[8], const float* p) {
    float4 a = *(const float4*)p, b = *(const float4*)(p + 4);
    v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
}
DI void store8(float* p, const float (&v)[8]) {
    *(float4*)p = make_float4(v[0], v[1], v[2], v[3]);
    *(float4*)(p + 4) = make_float4(v[4], v[5], v[6], v[7]);
}

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
