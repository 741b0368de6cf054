// Thin wrappers over single PTX instructions, the same for clang and nvcc. emu/simt/simt.h has each of them
// once more, for the CPU. clang never looks into the strings: ptxas does (make ptxas), or the driver.
#pragma once
#ifndef DI
#define DI static __device__ __forceinline__
#endif
#define EXPORT(kernel) // the emulator's list of kernels
#define DYNAMIC_SHARED(name) extern __shared__ __align__(1024) unsigned char name[]

struct bf16 { unsigned short bits; };

DI float bf16_to_f32(bf16 h) { return __uint_as_float((unsigned)h.bits << 16); }
DI bf16 f32_to_bf16(float f) {
    bf16 h;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h.bits) : "f"(f));
    return h;
}
// Two bfloat16 in one register, lo in the lower half.
DI unsigned pack_bf16(float lo, float hi) {
    unsigned r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}
// 2^x to about two units in the last place, results below the normal numbers as 0: for probabilities that are
// rounded to bfloat16.
DI float exp2_f32(float x) {
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
}
// 1/x to one unit in the last place.
DI float reciprocal_f32(float x) {
    float r;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
}
// Addresses in shared memory, in bytes: 32 bits of arithmetic, and one conversion of a pointer.
typedef unsigned Address;
DI Address shared_address(const void* p) { return (Address)__cvta_generic_to_shared(p); }
DI void bar_sync(int id, int threads) { asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory"); }
// Brings the line of 128 bytes with this address to the second-level cache.
DI void prefetch_l2(const void* p) { asm volatile("prefetch.global.L2 [%0];" ::"l"(p)); }

// sm_80: copies from global to shared memory behind the threads' backs. bytes < 16 fills the rest with zeros.
DI void cp_async16(void* to, const void* from, int bytes = 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 ::"r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}
DI void cp_async4(void* to, const void* from, int bytes = 4) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                 ::"r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}
DI void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most N groups of this thread are still on their way.
template <int N> DI void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

// Four 8x8 matrices of bfloat16 from shared memory into the fragments of mma; lane l names row l%8 of matrix
// l/8.
DI void ldmatrix_x4(unsigned (&r)[4], Address p) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(p) : "memory");
}
DI void ldmatrix_x4_trans(unsigned (&r)[4], Address p) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(p) : "memory");
}
// d (16x8, fp32) += a (16x16) · b (16x8), bfloat16.
DI void mma_16x8x16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
