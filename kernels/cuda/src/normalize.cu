// y[i,c] = (x[i,c]/255 − mean[c])/std[c], in float32, rounded to the type of y
// x: (n,3) bytes, y: (n,3). Four pixels a thread, 12 bytes and 12 values, where both are aligned; the rest one
// by one. Launch: any grid, block (256).
#include "common.cuh"

DI void store4(float* p, const float* v) { *(float4*)p = make_float4(v[0], v[1], v[2], v[3]); }
DI void store4(bf16* p, const float* v) {
    *(uint2*)p = make_uint2(pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]));
}

struct Channels {
    float mean[3], std[3];
    DI_MEMBER float of(int c, unsigned byte) const { return ((float)byte / 255.0f - mean[c]) / std[c]; }
};

template <class T> DI void normalize(T* y, const unsigned char* x, i64 n, const Channels& k) {
    i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x, step = (i64)gridDim.x * blockDim.x, done = 0;
    if (aligned16(x) && aligned16(y)) {
        for (i64 i = first; i < n / 4; i += step) {
#pragma unroll
            for (int w = 0; w < 3; w++) {
                unsigned four = ((const unsigned*)x)[i * 3 + w];
                float v[4];
#pragma unroll
                for (int b = 0; b < 4; b++) v[b] = k.of((4 * w + b) % 3, four >> 8 * b & 255);
                store4(y + i * 12 + 4 * w, v);
            }
        }
        done = n / 4 * 4;
    }
    for (i64 i = 3 * done + first; i < 3 * n; i += step) put(y + i, k.of(i % 3, x[i]));
}

#define NORMALIZE(SUFFIX, T)                                                                                 \
    KERNEL(256)                                                                                              \
    normalize_##SUFFIX(T* y, const unsigned char* x, i64 n, float m0, float m1, float m2, float s0,          \
                       float s1, float s2) {                                                                 \
        Channels k = {{m0, m1, m2}, {s0, s1, s2}};                                                           \
        normalize(y, x, n, k);                                                                               \
    }                                                                                                        \
    EXPORT(normalize_##SUFFIX)
NORMALIZE(f32, float)
NORMALIZE(bf16, bf16)
