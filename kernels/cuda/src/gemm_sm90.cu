// C = act(alpha·A·Bᵀ + bias + residual) (+ C if acc), A: (m, k), B: (n, k) bfloat16, sums in float32; sm_90a
// A linear layer's forward. Tile 128x256, 64 of k a stage. Warps 0-3 fetch: one thread sends the boxes of
// both operands on their way (TMA) as soon as a stage is empty. Two warpgroups multiply 64x256 each, with one
// product still running while the next is issued. Rows of A and B begin at multiples of 16 bytes; edges are
// filled with zeros by the tensor maps (box 64 columns x 128 or 256 rows, 128-byte swizzle). Launch: grid
// (ceil(m/128), ceil(n/256)), block (384), SLOTS·((128 + 256)·64·2 + 16) bytes of dynamic shared memory.
#include "gemm.cuh"
#include "hopper.cuh"

const int SM = 128, SN = 256, SK = 64, SLOTS = 4;
const int A_PART = SM * SK, B_PART = SN * SK; // elements

DI void fetch(const tensormap* ma, const tensormap* mb, bf16* as, bf16* bs, mbarrier* full, mbarrier* empty,
              int steps) {
    for (int k = 0; k < steps; k++) {
        int s = k % SLOTS, turn = k / SLOTS;
        if (turn > 0) mbarrier_wait(&empty[s], (turn - 1) & 1);
        mbarrier_expect(&full[s], (A_PART + B_PART) * 2);
        tma_load(as + s * A_PART, ma, &full[s], k * SK, blockIdx.x * SM);
        tma_load(bs + s * B_PART, mb, &full[s], k * SK, blockIdx.y * SN);
    }
}

DI void multiply(float (&d)[128], const bf16* as, const bf16* bs, mbarrier* full, mbarrier* empty,
                 int steps) {
    bool first = threadIdx.x % 128 == 0;
    for (int k = 0; k < steps; k++) {
        int s = k % SLOTS;
        mbarrier_wait(&full[s], (k / SLOTS) & 1);
        wgmma_fence();
#pragma unroll
        for (int i = 0; i < SK; i += 16)
            wgmma_64x256x16(d, wgmma_operand(as + s * A_PART + i), wgmma_operand(bs + s * B_PART + i));
        wgmma_commit();
        wgmma_wait<1>();
        if (first && k > 0) mbarrier_arrive(&empty[(k - 1) % SLOTS]);
    }
    wgmma_wait<0>();
}

template <class O>
DI void product(const tensormap* ma, const tensormap* mb, O* c, const O* bias, const O* residual,
                const Shape& s) {
    DYNAMIC_SHARED(memory);
    bf16* as = (bf16*)memory;
    bf16* bs = as + SLOTS * A_PART;
    mbarrier* full = (mbarrier*)(bs + SLOTS * B_PART);
    mbarrier* empty = full + SLOTS;
    int group = threadIdx.x / 128, steps = (s.k + SK - 1) / SK;
    if (threadIdx.x == 0) {
        for (int i = 0; i < SLOTS; i++) {
            mbarrier_init(&full[i], 1);
            mbarrier_init(&empty[i], 2);
        }
        mbarrier_fence_init();
    }
    __syncthreads();
    if (group == 0) {
        fewer_registers<24>();
        if (threadIdx.x == 0) fetch(ma, mb, as, bs, full, empty, steps);
        return;
    }
    more_registers<240>();
    float d[128];
#pragma unroll
    for (int i = 0; i < 128; i++) d[i] = 0.0f;
    multiply(d, as + (group - 1) * 64 * SK, bs, full, empty, steps);
    Epilogue<O> e = {c, bias, residual, s.ldc, s.act, s.acc, s.alpha};
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5 & 3;
    int row = blockIdx.x * SM + (group - 1) * 64 + warp * 16 + (lane >> 2);
    int col = blockIdx.y * SN + (lane & 3) * 2;
#pragma unroll
    for (int i = 0; i < 128; i++) {
        int m = row + (i >> 1 & 1) * 8, n = col + (i >> 2) * 8 + (i & 1);
        if (m < s.m && n < s.n) e.put_at(m, n, d[i]);
    }
}

#define GEMM(NAME, O)                                                                                        \
    extern "C" __global__ void __launch_bounds__(384, 1)                                                     \
    NAME(O* c, tensormap a, tensormap b, const O* bias, const O* res, Shape s) {                             \
        product(PARAMETER(NAME, 1, a), PARAMETER(NAME, 2, b), c, bias, res, s);                              \
    }                                                                                                        \
    EXPORT(NAME)
GEMM(gemm_nt_sm90_f32, float)
GEMM(gemm_nt_sm90_bf16, bf16)
