// Just enough CUDA for `clang -x cuda --cuda-device-only -nocudainc -nocudalib`: no header and no library of
// the SDK. Everything maps to builtins of clang. nvcc brings all of this itself and does not read this file.
#pragma once
#define __host__ __attribute__((host))
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __align__(n) __attribute__((aligned(n)))
#define __forceinline__ __inline__ __attribute__((always_inline))
#define DI static __device__ __forceinline__

typedef __SIZE_TYPE__ size_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef int int32_t;
typedef long int64_t;

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };
#include <__clang_cuda_builtin_vars.h> // threadIdx, blockIdx, blockDim, gridDim

// Vectors, not structs: clang splits the copy of a 16-byte struct into two accesses; a vector's stays one.
typedef float float2 __attribute__((ext_vector_type(2)));
typedef float float4 __attribute__((ext_vector_type(4)));
typedef unsigned uint2 __attribute__((ext_vector_type(2)));
typedef unsigned uint4 __attribute__((ext_vector_type(4)));
DI float2 make_float2(float a, float b) { float2 r = {a, b}; return r; }
DI float4 make_float4(float a, float b, float c, float d) { float4 r = {a, b, c, d}; return r; }
DI uint2 make_uint2(unsigned a, unsigned b) { uint2 r = {a, b}; return r; }
DI uint4 make_uint4(unsigned a, unsigned b, unsigned c, unsigned d) { uint4 r = {a, b, c, d}; return r; }

// __syncthreads is a builtin itself.
DI void __syncwarp(unsigned mask = 0xffffffffu) { __nvvm_bar_warp_sync(mask); }

// Shuffles: the last operand holds the width of a segment and the clamp.
#define SHUFFLE(NAME, I32, F32, CLAMP, AT)                                                                   \
    DI int NAME(unsigned m, int v, AT a, int w = 32) { return I32(m, v, a, ((32 - w) << 8) | CLAMP); }       \
    DI unsigned NAME(unsigned m, unsigned v, AT a, int w = 32) {                                             \
        return (unsigned)I32(m, (int)v, a, ((32 - w) << 8) | CLAMP);                                         \
    }                                                                                                        \
    DI float NAME(unsigned m, float v, AT a, int w = 32) { return F32(m, v, a, ((32 - w) << 8) | CLAMP); }
SHUFFLE(__shfl_sync, __nvvm_shfl_sync_idx_i32, __nvvm_shfl_sync_idx_f32, 0x1f, int)
SHUFFLE(__shfl_xor_sync, __nvvm_shfl_sync_bfly_i32, __nvvm_shfl_sync_bfly_f32, 0x1f, int)
SHUFFLE(__shfl_down_sync, __nvvm_shfl_sync_down_i32, __nvvm_shfl_sync_down_f32, 0x1f, unsigned)
SHUFFLE(__shfl_up_sync, __nvvm_shfl_sync_up_i32, __nvvm_shfl_sync_up_f32, 0, unsigned)
#undef SHUFFLE

DI float fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
DI float fminf(float a, float b) { return __builtin_fminf(a, b); }
DI float fabsf(float a) { return __builtin_fabsf(a); }
DI float floorf(float a) { return __builtin_floorf(a); }
DI float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DI float sqrtf(float a) { return __nvvm_sqrt_rn_f(a); } // IEEE
DI double sqrt(double a) { return __nvvm_sqrt_rn_d(a); }
DI double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
DI int min(int a, int b) { return a < b ? a : b; }
DI int max(int a, int b) { return a > b ? a : b; }
DI unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
DI unsigned __float_as_uint(float f) { return __builtin_bit_cast(unsigned, f); }
DI float __uint_as_float(unsigned u) { return __builtin_bit_cast(float, u); }
DI size_t __cvta_generic_to_shared(const void* p) {
    return (size_t)(__attribute__((address_space(3))) const void*)p;
}
