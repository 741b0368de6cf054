// What a .cu sees in the emulator, in place of CUDA: the same names over plain C++. The threads of a block
// are fibers (fibers.cc), one block runs after another on one host thread, and everything that threads do
// together (barriers, shuffles, matrix products) parks the fiber until the last one arrives.
#pragma once
#include <math.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define DI static inline

// Every array in shared memory has its place in the block's arena, which is poisoned before every block. The
// key tells declarations apart, and those of one template's instances.
#define SHARED(type, name, dims)                                                                             \
    typedef type simt_type_##name dims;                                                                      \
    static char simt_key_##name;                                                                             \
    simt_type_##name& name =                                                                                 \
        *(simt_type_##name*)simt::shared_array(&simt_key_##name, sizeof(simt_type_##name))
#define DYNAMIC_SHARED(name) unsigned char* name = simt::now.dynamic

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
DI float2 make_float2(float a, float b) { return {a, b}; }
DI float4 make_float4(float a, float b, float c, float d) { return {a, b, c, d}; }
DI uint2 make_uint2(unsigned a, unsigned b) { return {a, b}; }
DI uint4 make_uint4(unsigned a, unsigned b, unsigned c, unsigned d) { return {a, b, c, d}; }
struct bf16 { unsigned short bits; };

// A tensor map as the emulator reads it: what its encoder is told, in the hardware's 128 bytes.
typedef unsigned long long mbarrier;
struct tensormap {
    char* base;
    unsigned rank, element, swizzle, box[5]; // of patches: box[0] channels of box[1] positions
    uint64_t dim[5], stride[4];
    int16_t lower[2], upper[2], step[2], unused[2]; // of patches: see tma_patches
};
static_assert(sizeof(tensormap) == 128, "a tensor map has 128 bytes");

namespace simt {
struct Now { // the running thread
    uint3 thread, block, block_dim, grid_dim;
    unsigned char* dynamic;
};
extern Now now;

enum Op {
    SYNCWARP, SHUFFLE_IDX, SHUFFLE_XOR, SHUFFLE_UP, SHUFFLE_DOWN, BALLOT, LDMATRIX, LDMATRIX_TRANS, MMA_16816
};
[[noreturn]] void stop(const char* why);
void* shared_array(const void* key, size_t bytes);
void barrier(int id, int threads); // threads < 0: all that are alive
// What a warp does together: lane's value, operand a and width, and pointers to fragments or rows.
uint64_t together(Op op, unsigned mask, uint64_t value, int a, int width, void* to = 0, const void* from = 0);
void cp_async(void* to, const void* from, int bytes, int total);
void cp_async_commit();
void cp_async_wait(int groups);
void mbarrier_init(mbarrier*, int count);
void mbarrier_arrive(mbarrier*, int bytes);
void mbarrier_wait(mbarrier*, int parity);
void tma_load(void* to, const tensormap*, mbarrier*, int rank, int c, int r, int z);
void tma_patches(void* to, const tensormap*, mbarrier*, int c, int x, int y, int n, int dx, int dy);
struct Described { // an operand as the instruction names it: its descriptor, and whether it is transposed
    uint64_t bits;
    bool across;
};
// d (64 x n) = or, if add, += a·bᵀ; a is in shared memory or, if held, in four registers of each thread.
void wgmma(int n, float* d, bool add, Described a, const unsigned* held, Described b);
void wgmma_fence();
void wgmma_commit();
void wgmma_wait(int groups);

typedef void (*Trampoline)(void** params);
struct Export { // one kernel of the list
    Export(const char* name, Trampoline, const char* params);
};
template <class T> constexpr char letter() {
    return std::is_pointer<T>::value                              ? 'p'
           : std::is_same<T, float>::value                        ? 'f'
           : std::is_same<T, double>::value                       ? 'd'
           : std::is_integral<T>::value && sizeof(T) == 4         ? 'i'
           : std::is_integral<T>::value && sizeof(T) == 8         ? 'l'
                                                                  : 's';
}
template <auto Kernel> struct Call;
template <class... A, void (*Kernel)(A...)> struct Call<Kernel> {
    template <size_t... I>
    __attribute__((no_sanitize("thread"))) static void at(void** p, std::index_sequence<I...>) {
        Kernel(*(std::remove_reference_t<A>*)p[I]...);
    }
    __attribute__((no_sanitize("thread"))) static void run(void** p) {
        at(p, std::index_sequence_for<A...>());
    }
    static const char* params() {
        static const char s[] = {letter<A>()..., 0};
        return s;
    }
};
} // namespace simt
#define EXPORT(kernel)                                                                                       \
    static simt::Export simt_export_##kernel(#kernel, simt::Call<&kernel>::run, simt::Call<&kernel>::params());
#define threadIdx (simt::now.thread)
#define blockIdx (simt::now.block)
#define blockDim (simt::now.block_dim)
#define gridDim (simt::now.grid_dim)

DI void __syncthreads() { simt::barrier(0, -1); }
DI void bar_sync(int id, int threads) { simt::barrier(id, threads); }
DI void prefetch_l2(const void*) {}
DI void __syncwarp(unsigned m = ~0u) { simt::together(simt::SYNCWARP, m, 0, 0, 32); }
namespace simt {
template <class T> inline T shuffle(Op op, unsigned m, T v, int a, int w) {
    uint64_t u = 0;
    memcpy(&u, &v, sizeof v);
    u = together(op, m, u, a, w);
    memcpy(&v, &u, sizeof v);
    return v;
}
} // namespace simt
template <class T> T __shfl_sync(unsigned m, T v, int a, int w = 32) {
    return simt::shuffle(simt::SHUFFLE_IDX, m, v, a, w);
}
template <class T> T __shfl_xor_sync(unsigned m, T v, int a, int w = 32) {
    return simt::shuffle(simt::SHUFFLE_XOR, m, v, a, w);
}
template <class T> T __shfl_up_sync(unsigned m, T v, unsigned a, int w = 32) {
    return simt::shuffle(simt::SHUFFLE_UP, m, v, (int)a, w);
}
template <class T> T __shfl_down_sync(unsigned m, T v, unsigned a, int w = 32) {
    return simt::shuffle(simt::SHUFFLE_DOWN, m, v, (int)a, w);
}

DI float __uint_as_float(unsigned u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
DI unsigned __float_as_uint(float f) {
    unsigned u;
    memcpy(&u, &f, 4);
    return u;
}
DI unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
DI int min(int a, int b) { return a < b ? a : b; }
DI int max(int a, int b) { return a > b ? a : b; }

// The instructions of ptx.cuh.
DI float bf16_to_f32(bf16 h) { return __uint_as_float((unsigned)h.bits << 16); }
DI bf16 f32_to_bf16(float f) {
    unsigned u = __float_as_uint(f);
    if ((u & 0x7fffffff) > 0x7f800000) return {0x7fff};
    return {(unsigned short)((u + 0x7fff + ((u >> 16) & 1)) >> 16)};
}
DI unsigned pack_bf16(float lo, float hi) {
    return f32_to_bf16(lo).bits | (unsigned)f32_to_bf16(hi).bits << 16;
}
DI float exp2_f32(float x) { return exp2f(x); }
DI float reciprocal_f32(float x) { return 1.0f / x; }
DI void cp_async16(void* to, const void* from, int bytes = 16) { simt::cp_async(to, from, bytes, 16); }
DI void cp_async4(void* to, const void* from, int bytes = 4) { simt::cp_async(to, from, bytes, 4); }
DI void cp_async_commit() { simt::cp_async_commit(); }
template <int N> inline void cp_async_wait() { simt::cp_async_wait(N); }
typedef uintptr_t Address;
DI Address shared_address(const void* p) { return (Address)p; }
DI void ldmatrix_x4(unsigned (&r)[4], Address p) {
    simt::together(simt::LDMATRIX, ~0u, 0, 4, 32, r, (const void*)p);
}
DI void ldmatrix_x4_trans(unsigned (&r)[4], Address p) {
    simt::together(simt::LDMATRIX_TRANS, ~0u, 0, 4, 32, r, (const void*)p);
}
DI void mma_16x8x16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    simt::together(simt::MMA_16816, ~0u, (uint64_t)b1 << 32 | b0, 0, 32, d, a);
}

// The instructions of hopper.cuh.
#define PARAMETER(kernel, INDEX, name) (&name)
DI void mbarrier_init(mbarrier* b, int count) { simt::mbarrier_init(b, count); }
DI void mbarrier_fence_init() {}
DI void mbarrier_expect(mbarrier* b, int bytes) { simt::mbarrier_arrive(b, bytes); }
DI void mbarrier_arrive(mbarrier* b) { simt::mbarrier_arrive(b, 0); }
DI void mbarrier_wait(mbarrier* b, int parity) { simt::mbarrier_wait(b, parity); }
DI void tma_load(void* to, const tensormap* m, mbarrier* b, int c, int r) {
    simt::tma_load(to, m, b, 2, c, r, 0);
}
DI void tma_load(void* to, const tensormap* m, mbarrier* b, int c, int r, int z) {
    simt::tma_load(to, m, b, 3, c, r, z);
}
DI void wgmma_fence() { simt::wgmma_fence(); }
DI void wgmma_commit() { simt::wgmma_commit(); }
template <int N> inline void wgmma_wait() { simt::wgmma_wait(N); }
template <int HALF> inline void wgmma_result(float (&)[HALF]) {}
template <int R> inline void more_registers() {}
template <int R> inline void fewer_registers() {}
DI void tma_patches(void* to, const tensormap* m, mbarrier* b, int c, int x, int y, int n, int dx, int dy) {
    simt::tma_patches(to, m, b, c, x, y, n, dx, dy);
}
typedef unsigned long long Operand;
template <bool A_ACROSS, bool B_ACROSS, int HALF> void wgmma(float (&d)[HALF], Operand a, Operand b) {
    static_assert(HALF == 8 || HALF == 32 || HALF == 64 || HALF == 128, "wgmma of 16, 64, 128, 256 columns");
    simt::wgmma(2 * HALF, d, true, {a, A_ACROSS}, 0, {b, B_ACROSS});
}
template <bool A_ACROSS, bool B_ACROSS, int HALF> void wgmma_first(float (&d)[HALF], Operand a, Operand b) {
    static_assert(HALF == 8 || HALF == 32, "wgmma_first of 16 or 64 columns");
    simt::wgmma(2 * HALF, d, false, {a, A_ACROSS}, 0, {b, B_ACROSS});
}
DI void wgmma_held(float (&d)[32], const unsigned (&a)[4], Operand b) {
    simt::wgmma(64, d, true, {}, a, {b, true});
}
