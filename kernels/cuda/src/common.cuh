// What every kernel includes. One source, three compilers: clang without the SDK, nvcc, and g++ for the
// emulator (TRUEGRAIN_EMU). A kernel is KERNEL(threads of a block) name(...) { ... } EXPORT(name).
#pragma once
#if defined(TRUEGRAIN_EMU)
#include "simt.h"
#else
#if defined(__clang__) && defined(__CUDA__)
#include "clang.cuh"
#else
#include <stdint.h>
#endif
#include "ptx.cuh"
#endif

// Functions are DI. Structs with member functions have names that no other source gives to another struct:
// the emulator links all sources into one library.
#define DI_MEMBER __device__ __forceinline__
// SHARED(type, name, [n]) is an array in shared memory.
#if !defined(TRUEGRAIN_EMU)
#define SHARED(type, name, dims) __shared__ type name dims
#endif
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)

typedef long long i64;
const unsigned ALL = 0xffffffffu; // the mask of a whole warp
const float INF = __builtin_inff();
template <bool, class A, class B> struct std_if { typedef A type; };
template <class A, class B> struct std_if<false, A, B> { typedef B type; };

// Values are computed in float, whatever they are stored as.
DI float to_f32(float v) { return v; }
DI float to_f32(bf16 v) { return bf16_to_f32(v); }
DI void put(float* p, float v) { *p = v; }
DI void put(bf16* p, float v) { *p = f32_to_bf16(v); }
// v as T holds it
DI float stored(float v, const float*) { return v; }
DI float stored(float v, const bf16*) { return __uint_as_float(pack_bf16(0.0f, v)); }
// Where a gradient goes: it is written, or added to what is there.
template <class T> DI void put(T* p, float v, int acc) { put(p, acc ? to_f32(*p) + v : v); }

// Two neighbours at an even place.
DI void put2(bf16* p, float a, float b, int acc = 0) {
    unsigned old = acc ? *(unsigned*)p : 0;
    if (acc) a += __uint_as_float(old << 16), b += __uint_as_float(old & 0xffff0000u);
    *(unsigned*)p = pack_bf16(a, b);
}

// 16 bytes at once: 4 float or 8 bfloat16. Addresses are multiples of 16.
template <class T> struct per16 { static const int n = 16 / sizeof(T); };
DI void load16(float (&v)[4], const float* p) {
    float4 x = *(const float4*)p;
    v[0] = x.x, v[1] = x.y, v[2] = x.z, v[3] = x.w;
}
DI void unpack(float (&v)[8], uint4 x) {
    unsigned w[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        v[2 * i] = __uint_as_float(w[i] << 16);
        v[2 * i + 1] = __uint_as_float(w[i] & 0xffff0000u);
    }
}
DI void unpack(float (&v)[8], float4 a, float4 b) {
    v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
}
DI void load16(float (&v)[8], const bf16* p) { unpack(v, *(const uint4*)p); }
DI void store16(float* p, const float (&v)[4]) { *(float4*)p = make_float4(v[0], v[1], v[2], v[3]); }
DI void store16(bf16* p, const float (&v)[8]) {
    *(uint4*)p = make_uint4(pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]), pack_bf16(v[4], v[5]),
                            pack_bf16(v[6], v[7]));
}
// 8 elements: 16 bytes, or twice 16.
DI void load8(float (&v)[8], const bf16* p) { load16(v, p); }
DI void store8(bf16* p, const float (&v)[8]) { store16(p, v); }
DI void load8(float (&v)[8], const float* a, const float* b) { // four from each
    unpack(v, *(const float4*)a, *(const float4*)b);
}
DI void load8(float (&v)[8], const float* p) { load8(v, p, p + 4); }
DI void store8(float* p, const float (&v)[8]) {
    *(float4*)p = make_float4(v[0], v[1], v[2], v[3]);
    *(float4*)(p + 4) = make_float4(v[4], v[5], v[6], v[7]);
}
DI bool aligned16(const void* a) { return ((uintptr_t)a & 15) == 0; }

// Reductions over a warp: every lane gets the result; the order of the sum is that of a tree, always the
// same.
DI float warp_sum(float v) {
#pragma unroll
    for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(ALL, v, o);
    return v;
}
DI float warp_max(float v) {
#pragma unroll
    for (int o = 16; o; o >>= 1) v = fmaxf(v, __shfl_xor_sync(ALL, v, o));
    return v;
}
// Reductions over a block of whole warps, the partials of the warps in shared memory; every thread gets the
// result.
DI float block_sum(float v) {
    SHARED(float, part, [32]);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    v = warp_sum(v);
    __syncthreads(); // the partials of an earlier call are read
    if (lane == 0) part[warp] = v;
    __syncthreads();
    return warp_sum(lane < warps ? part[lane] : 0.0f);
}
