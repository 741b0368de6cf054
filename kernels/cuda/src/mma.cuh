// One 128x128 tile of a matrix product of bfloat16 operands on tensor cores, sums in float32: C[m,n] = Σ_k
// A(m,k)·B(n,k). Block (256) = 2x4 warps of 64x32 outputs. 32 of K at a time are copied to shared memory
// asynchronously, three parts in flight.
//
// Operands are those of tile.cuh, with find(Row, Col) pointing at 8 neighbours in memory (of k if k_fast,
// else of m or n), 16-byte aligned and all inside or all outside.
#pragma once
#include "common.cuh"

const int MM = 128, MN = 128, MK = 32, STAGES = 3;
const int PART = 128 * (MK + 8);             // elements of one operand's part, in either layout
const int MMA_SHARED = STAGES * 2 * PART * 2; // bytes

// In shared memory: k_fast: [row][MK + 8], else [k][128 + 8]; the 8 keep ldmatrix off one bank.
template <class A> struct Fetch {
    static const int LD = A::k_fast ? MK + 8 : 128 + 8;
    typename A::Row rows[A::k_fast ? 2 : 1];
    DI_MEMBER void begin(const A& a, int m0) {
        int t = threadIdx.x;
        rows[0] = a.row(A::k_fast ? m0 + t / 4 : m0 + t % 16 * 8);
        if (A::k_fast) rows[A::k_fast ? 1 : 0] = a.row(m0 + t / 4 + 64);
    }
    DI_MEMBER void copy(const A& a, bf16* to, int k0) {
        int t = threadIdx.x;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int r = A::k_fast ? t / 4 + 64 * i : t / 16 + 16 * i, c = A::k_fast ? t % 4 * 8 : t % 16 * 8;
            const bf16* from = a.find(rows[A::k_fast ? i : 0], a.col(A::k_fast ? k0 + c : k0 + r));
            cp_async16(to + r * LD + c, from ? from : a.any(), from ? 16 : 0);
        }
    }
    // The fragment of 16 rows from m on as mma's left operand, k to k+15.
    DI_MEMBER static void left(unsigned (&f)[4], const bf16* s, int m, int k) {
        int l = threadIdx.x & 31;
        if (A::k_fast) ldmatrix_x4(f, s + (m + (l & 15)) * LD + k + (l >> 4) * 8);
        else ldmatrix_x4_trans(f, s + (k + (l & 7) + (l >> 4) * 8) * LD + m + ((l >> 3) & 1) * 8);
    }
    // As its right operand, for two groups of 8 columns.
    DI_MEMBER static void right(unsigned (&f)[4], const bf16* s, int n, int k) {
        int l = threadIdx.x & 31;
        if (A::k_fast) ldmatrix_x4(f, s + (n + (l & 7) + (l >> 4) * 8) * LD + k + ((l >> 3) & 1) * 8);
        else ldmatrix_x4_trans(f, s + (k + (l & 7) + ((l >> 3) & 1) * 8) * LD + n + (l >> 4) * 8);
    }
};

template <class A, class B>
DI void mma_product(float (&acc)[4][4][4], const A& a, const B& b, int m0, int n0, int k0, int k1) {
    DYNAMIC_SHARED(memory);
    bf16* as = (bf16*)memory;
    bf16* bs = as + STAGES * PART;
    int warp = threadIdx.x >> 5, wm = (warp & 1) * 64, wn = (warp >> 1) * 32, parts = (k1 - k0 + MK - 1) / MK;
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
            for (int i = 0; i < 4; i++) Fetch<A>::left(x[i], as + s, wm + i * 16, k);
#pragma unroll
            for (int j = 0; j < 2; j++) Fetch<B>::right(y[j], bs + s, wn + j * 16, k);
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    mma_16x8x16(acc[i][j], x[i], y[j >> 1][(j & 1) * 2], y[j >> 1][(j & 1) * 2 + 1]);
        }
    }
}

// The outputs of a thread of mma_product through an epilogue (epilogue.cuh).
template <class E> DI void put_mma(const E& e, const float (&acc)[4][4][4], int m0, int n0, int m1, int n1) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int row = m0 + (warp & 1) * 64 + (lane >> 2), col = n0 + (warp >> 1) * 32 + (lane & 3) * 2;
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
#pragma unroll
            for (int h = 0; h < 4; h++) {
                int m = row + i * 16 + (h >> 1) * 8, n = col + j * 8 + (h & 1);
                if (m < m1 && n < n1) e.put_at(m, n, acc[i][j][h]);
            }
}
