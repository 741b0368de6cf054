// What sm_90a has over sm_80, as thin wrappers: mbarriers, copies of whole boxes by tensor map (TMA), and
// wgmma. The emulator has each of them once more, at the end of emu/simt/simt.h.
#pragma once
#include "common.cuh"

// Operands of wgmma in shared memory: boxes of 64 bfloat16 a row, 8 rows an atom of 1024 bytes, swizzled by 128
// bytes. The elements of a row are neighbours in k; or, with `across`, in m or n, a row is one k, and the next
// 64 of m or n are the next box, so many bytes on. The fields (PTX ISA, matrix descriptor), all in units of 16
// bytes: bits 0-13 the first element, 16-29 the next box, 32-45 the next atom; 62-63 the swizzle.
typedef unsigned long long Operand;
DI Operand wgmma_operand_across(const void* p, int next) {
    Operand a = shared_address(p);
    return ((a & 0x3ffff) >> 4) | ((Operand)(next >> 4) << 16) | ((1024ull >> 4) << 32) | (1ull << 62);
}
DI Operand wgmma_operand(const void* p) { return wgmma_operand_across(p, 16); } // without a next box: any

#if !defined(TRUEGRAIN_EMU)
typedef unsigned long long mbarrier;
struct __align__(128) tensormap { unsigned long long opaque[16]; };

// The address of a kernel's parameter: clang 19 has no __grid_constant__, and a tensor map that was copied to
// the stack can't be used. INDEX is the parameter's number.
#define PARAMETER(kernel, INDEX, name)                                                                       \
    ({                                                                                                       \
        const tensormap* p_;                                                                                 \
        asm("{\n.reg .b64 t;\nmov.b64 t, " #kernel "_param_" #INDEX ";\ncvta.param.u64 %0, t;\n}"            \
            : "=l"(p_));                                                                                     \
        p_;                                                                                                  \
    })

DI void mbarrier_init(mbarrier* b, int count) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(b)), "r"(count) : "memory");
}
DI void mbarrier_fence_init() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
// Arrives, and makes the phase wait for so many bytes more.
DI void mbarrier_expect(mbarrier* b, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
                 ::"r"(shared_address(b)), "r"(bytes) : "memory");
}
DI void mbarrier_arrive(mbarrier* b) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(b)) : "memory");
}
// Until the phase of this parity is over.
DI void mbarrier_wait(mbarrier* b, int parity) {
    asm volatile("{\n.reg .pred p;\nAGAIN:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
                 "@p bra DONE;\nbra AGAIN;\nDONE:\n}"
                 ::"r"(shared_address(b)), "r"(parity) : "memory");
}
// A box of a matrix, from column c and row r on; zeros outside the matrix. Done when the barrier has its
// bytes.
DI void tma_load(void* to, const tensormap* map, mbarrier* b, int c, int r) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
                 "[%1, {%3, %4}], [%2];"
                 ::"r"(shared_address(to)), "l"(map), "r"(shared_address(b)), "r"(c), "r"(r) : "memory");
}
// The same of matrix z of a map of several; zeros outside that matrix.
DI void tma_load(void* to, const tensormap* map, mbarrier* b, int c, int r, int z) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
                 "[%1, {%3, %4, %5}], [%2];"
                 ::"r"(shared_address(to)), "l"(map), "r"(shared_address(b)), "r"(c), "r"(r), "r"(z)
                 : "memory");
}
// Channels from c on of as many neighbouring positions as the map says, the first of them column x and row y
// of picture n, and of each the pixel (dx, dy) further; zeros outside the picture.
DI void tma_patches(void* to, const tensormap* map, mbarrier* b, int c, int x, int y, int n, int dx, int dy) {
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%0], "
                 "[%1, {%3, %4, %5, %6}], [%2], {%7, %8};"
                 ::"r"(shared_address(to)), "l"(map), "r"(shared_address(b)), "r"(c), "r"(x), "r"(y), "r"(n),
                 "h"((unsigned short)dx), "h"((unsigned short)dy) : "memory");
}
DI void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DI void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> DI void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
}
// Sums of products that were waited for are read after this.
template <int HALF> DI void wgmma_result(float (&d)[HALF]) {
#pragma unroll
    for (int i = 0; i < HALF; i++) asm volatile("" : "+f"(d[i]));
}
template <int R> DI void more_registers() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(R)); }
template <int R> DI void fewer_registers() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(R)); }
#define D8(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
              "+f"(d[i + 6]), "+f"(d[i + 7])
#define D32(i) D8(i), D8(i + 8), D8(i + 16), D8(i + 24)
#define R8 "%0,%1,%2,%3,%4,%5,%6,%7"
#define R32 R8 ",%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25," \
            "%26,%27,%28,%29,%30,%31"
#define R64 R32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,"  \
                "%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define R128 R64 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85," \
                 "%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106," \
                 "%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124," \
                 "%125,%126,%127"
#define O8(i) "=f"(d[i]), "=f"(d[i + 1]), "=f"(d[i + 2]), "=f"(d[i + 3]), "=f"(d[i + 4]), "=f"(d[i + 5]), \
              "=f"(d[i + 6]), "=f"(d[i + 7])
#define O32(i) O8(i), O8(i + 8), O8(i + 16), O8(i + 24)
// d (64xN, fp32, spread over the 128 threads of a warpgroup) += a (64x16) · b (Nx16)ᵀ, bfloat16; d has N/2
// elements. A sum begins with wgmma_first, which has = for +=, or with zeros: ptxas serialises the products
// otherwise.
#define PRODUCT(N, REGS, NEXT, ADD, TA, TB, ...)                                                             \
    asm volatile("wgmma.mma_async.sync.aligned.m64n" #N "k16.f32.bf16.bf16 {" REGS "}, " NEXT ", " ADD       \
                 ", 1, 1, " TA ", " TB ";"                                                                   \
                 : __VA_ARGS__                                                                               \
                 : "l"(a), "l"(b), "n"((int)A_ACROSS), "n"((int)B_ACROSS))
#define WGMMA(N, HALF, REGS, NEXT, TA, TB, ...)                                                              \
    template <bool A_ACROSS, bool B_ACROSS> DI void wgmma(float (&d)[HALF], Operand a, Operand b) {          \
        PRODUCT(N, REGS, NEXT, "1", TA, TB, __VA_ARGS__);                                                    \
    }
WGMMA(16, 8, R8, "%8, %9", "%10", "%11", D8(0))
WGMMA(64, 32, R32, "%32, %33", "%34", "%35", D32(0))
WGMMA(128, 64, R64, "%64, %65", "%66", "%67", D32(0), D32(32))
WGMMA(256, 128, R128, "%128, %129", "%130", "%131", D32(0), D32(32), D32(64), D32(96))
#undef WGMMA
#define WGMMA(N, HALF, REGS, NEXT, TA, TB, ...)                                                              \
    template <bool A_ACROSS, bool B_ACROSS> DI void wgmma_first(float (&d)[HALF], Operand a, Operand b) {    \
        PRODUCT(N, REGS, NEXT, "0", TA, TB, __VA_ARGS__);                                                    \
    }
WGMMA(16, 8, R8, "%8, %9", "%10", "%11", O8(0))
WGMMA(64, 32, R32, "%32, %33", "%34", "%35", O32(0))
#undef WGMMA
#undef PRODUCT
// d (64x64) += a (64x16) · b (16x64), a in registers, 16 rows a warp as mma's, b as of wgmma_operand_across.
// Neither d nor a may be touched before the product was waited for.
DI void wgmma_held(float (&d)[32], const unsigned (&a)[4], Operand b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" R32 "}, {%32,%33,%34,%35}, %36, 1, "
                 "1, 1, 1;"
                 : D32(0)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
#undef R128
#undef R64
#undef R32
#undef R8
#undef D8
#undef D32
#undef O8
#undef O32
#endif
