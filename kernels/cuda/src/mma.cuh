// One 128x128 tile of a matrix product of bfloat16 operands on tensor cores, sums in float32: C[m,n] = Σ_k
// A(m,k)·B(n,k). Block (256) = 2x4 warps of 64x32 outputs. 32 of K at a time are copied to shared memory
// asynchronously, three parts in flight.
//
// Operands are those of tile.cuh, with find(Row, Col) pointing at 8 neighbours in memory (of k if k_fast,
// else of m or n), 16-byte aligned and all inside or all outside.
#pragma once
#include "epilogue.cuh"

#define KERNEL_MMA extern "C" __global__ void __launch_bounds__(256, 2)
const int MM = 128, MN = 128, MK = 32, STAGES = 3;
const int PART = 128 * (MK + 8);             // elements of one operand's part, in either layout
const int MMA_SHARED = STAGES * 2 * PART * 2; // bytes

// In shared memory: k_fast: [row][MK + 8], else [k][128 + 8]; the 8 keep ldmatrix off one bank.
template <class A> struct Fetch {
    static const int LD = A::k_fast ? MK + 8 : 128 + 8;
    typename A::Row rows[A::k_fast ? 2 : 1];
    DI_MEMBER void begin(const A& a, int m0) {
        int t = threadIdx.x;
        rows[0] = a.row(A::k_fast ? m0 + row_of(t) : m0 + t % 16 * 8);
        if (A::k_fast) rows[A::k_fast ? 1 : 0] = a.row(m0 + row_of(t) + 64);
    }
    // k_fast: four threads copy a row; eight, of rows 4 apart, meet all banks.
    DI_MEMBER static int row_of(int t) { return t / 32 * 8 + (t / 4 & 1) * 4 + (t / 8 & 3); }
    DI_MEMBER void copy(const A& a, bf16* to, int k0) {
        int t = threadIdx.x;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int r = A::k_fast ? row_of(t) + 64 * i : t / 16 + 16 * i, c = A::k_fast ? t % 4 * 8 : t % 16 * 8;
            const bf16* from = a.find(rows[A::k_fast ? i : 0], a.col(A::k_fast ? k0 + c : k0 + r));
            cp_async16(to + r * LD + c, from ? from : a.any(), from ? 16 : 0);
        }
    }
    // The fragment of 16 rows from m on, k to k+15, of a part that begins at s, less where the lane is in it.
    DI_MEMBER static void fragment(unsigned (&f)[4], Address s, int m, int k) {
        if (A::k_fast) ldmatrix_x4(f, s + 2 * (m * LD + k));
        else ldmatrix_x4_trans(f, s + 2 * (k * LD + m));
    }
    // Where the lane is, for mma's left operand, and for its right one, of two groups of 8 columns.
    DI_MEMBER static Address left_lane() {
        int l = threadIdx.x & 31;
        return 2 * (A::k_fast ? (l & 15) * LD + (l >> 4) * 8
                              : ((l & 7) + (l >> 4) * 8) * LD + ((l >> 3) & 1) * 8);
    }
    DI_MEMBER static Address right_lane() {
        int l = threadIdx.x & 31;
        return 2 * (A::k_fast ? ((l & 7) + (l >> 4) * 8) * LD + ((l >> 3) & 1) * 8
                              : ((l & 7) + ((l >> 3) & 1) * 8) * LD + (l >> 4) * 8);
    }
};

template <class A, class B>
DI void mma_product(float (&acc)[4][4][4], const A& a, const B& b, int m0, int n0, int k0, int k1) {
    DYNAMIC_SHARED(memory);
    bf16* as = (bf16*)memory;
    bf16* bs = as + STAGES * PART;
    int warp = threadIdx.x >> 5, wm = (warp & 1) * 64, wn = (warp >> 1) * 32, parts = (k1 - k0 + MK - 1) / MK;
    Address af = shared_address(as) + Fetch<A>::left_lane(), bf = shared_address(bs) + Fetch<B>::right_lane();
    Fetch<A> fa;
    Fetch<B> fb;
    fa.begin(a, m0);
    fb.begin(b, n0);
    for (int p = 0; p < STAGES - 1; p++) {
        if (p < parts) {
            fa.copy(a, as + p * PART, k0 + p * MK);
            fb.copy(b, bs + p * PART, k0 + p * MK);
        }
        cp_async_commit();
    }
    for (int p = 0; p < parts; p++) {
        cp_async_wait<STAGES - 2>();
        __syncthreads();
        int next = p + STAGES - 1, s = p % STAGES * PART;
        if (next < parts) {
            fa.copy(a, as + next % STAGES * PART, k0 + next * MK);
            fb.copy(b, bs + next % STAGES * PART, k0 + next * MK);
        }
        cp_async_commit();
#pragma unroll
        for (int k = 0; k < MK; k += 16) {
            unsigned x[4][4], y[2][4];
#pragma unroll
            for (int i = 0; i < 4; i++) Fetch<A>::fragment(x[i], af + 2 * s, wm + i * 16, k);
#pragma unroll
            for (int j = 0; j < 2; j++) Fetch<B>::fragment(y[j], bf + 2 * s, wn + j * 16, k);
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    mma_16x8x16(acc[i][j], x[i], y[j >> 1][(j & 1) * 2], y[j >> 1][(j & 1) * 2 + 1]);
        }
    }
}

// The outputs of mma_product through an epilogue: 16 rows of a warp at a time by way of shared memory.
template <class E> DI void put_mma(const E& e, const float (&acc)[4][4][4], int m0, int n0, int m1, int n1) {
    DYNAMIC_SHARED(memory);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int row = m0 + (warp & 1) * 64, col = n0 + (warp >> 1) * 32;
    float* part = (float*)memory + warp * placed<32>::size;
    bool wide = e.wide();
    float s[1] = {}, q[1] = {};
    cp_async_wait<0>();
    __syncthreads(); // all have read their operands
#pragma unroll 1
    for (int k = 0; k < 4; k++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if (i != k) continue; // so that the index into the registers is a constant
#pragma unroll
            for (int j = 0; j < 4; j++) {
                float* to = part + place<32>(lane >> 2, 8 * j + (lane & 3) * 2);
                *(float2*)to = make_float2(acc[i][j][0], acc[i][j][1]);
                *(float2*)(to + 2 * 32) = make_float2(acc[i][j][2], acc[i][j][3]);
            }
        }
        __syncwarp();
        put_part<32, 1>(e, part, row + 16 * k, col, m1, n1, wide);
        if (e.sums) add_columns<32>(s, q, e, part);
        __syncwarp();
    }
    if (!e.sums || row >= m1 || col + lane >= n1) return;
    float* to = e.sums + (i64)(row / 64) * 2 * n1 + col + lane;
    to[0] = s[0], to[n1] = q[0];
}
