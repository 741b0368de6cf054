// What the forward and the backward of attention on tensor cores share: tokens of one head in shared memory,
// products of them by mma.sync. A warp has 16 rows (queries, or keys) from beginning to end, so that the rows
// of a block are 16 a warp, and meets the others a part at a time. The head's hd elements are filled up with
// zeros to HD.
#pragma once
#include "attention.cuh"

// Copies tokens t0 ... t0+rows-1 of n to rows of HD + 8 elements (the 8 keep ldmatrix off one bank), zeros
// behind the last token and the last element.
template <int HD> DI void copy_tokens(bf16* to, const bf16* from, int t0, int rows, int n, int ld, int hd) {
    for (int i = threadIdx.x; i < rows * (HD / 8); i += blockDim.x) {
        int r = i / (HD / 8), c = i % (HD / 8) * 8;
        bool in = t0 + r < n && c < hd;
        cp_async16(to + r * (HD + 8) + c, in ? from + (i64)(t0 + r) * ld + c : from, in ? 16 : 0);
    }
}

// The 16 rows of a warp as left operand: in registers, or, where those do not suffice, read again each time.
template <int HD, bool HELD> struct WarpRows {
    unsigned f[HELD ? HD / 16 : 1][4];
    Address s;
    DI_MEMBER void load(const bf16* rows) {
        int l = threadIdx.x & 31;
        s = shared_address(rows + (l & 15) * (HD + 8) + (l >> 4) * 8);
#pragma unroll
        for (int k = 0; HELD && k < HD / 16; k++) ldmatrix_x4(f[HELD ? k : 0], s + 32 * k);
    }
    DI_MEMBER void get(unsigned (&x)[4], int k) const {
        if (!HELD) return ldmatrix_x4(x, s + 32 * k);
#pragma unroll
        for (int i = 0; i < 4; i++) x[i] = f[HELD ? k : 0][i];
    }
};

// s (16 x N) = a · bᵀ for the N tokens b.
template <int HD, int N, class A> DI void dot_tokens(float (&s)[N / 8][4], const A& a, const bf16* b) {
    int l = threadIdx.x & 31;
    Address at = shared_address(b + ((l & 7) + (l >> 4) * 8) * (HD + 8) + ((l >> 3) & 1) * 8);
#pragma unroll
    for (int j = 0; j < N / 8; j++) s[j][0] = s[j][1] = s[j][2] = s[j][3] = 0.0f;
#pragma unroll
    for (int k = 0; k < HD / 16; k++) {
        unsigned x[4], y[4];
        a.get(x, k);
#pragma unroll
        for (int j = 0; j < N / 16; j++) {
            ldmatrix_x4(y, at + 32 * j * (HD + 8) + 32 * k);
            mma_16x8x16(s[2 * j], x, y[0], y[1]);
            mma_16x8x16(s[2 * j + 1], x, y[2], y[3]);
        }
    }
}

// sum (16 x HD) += p · b for the N tokens b; p (16 x N) is rounded to bfloat16.
template <int HD, int N>
DI void add_tokens(float (&sum)[HD / 8][4], const float (&p)[N / 8][4], const bf16* b) {
    int l = threadIdx.x & 31;
    Address at = shared_address(b + ((l & 7) + ((l >> 3) & 1) * 8) * (HD + 8) + (l >> 4) * 8);
#pragma unroll
    for (int i = 0; i < N / 16; i++) {
        const float *u = p[2 * i], *v = p[2 * i + 1];
        unsigned x[4] = {pack_bf16(u[0], u[1]), pack_bf16(u[2], u[3]), pack_bf16(v[0], v[1]),
                         pack_bf16(v[2], v[3])};
#pragma unroll
        for (int d = 0; d < HD / 16; d++) {
            unsigned y[4];
            ldmatrix_x4_trans(y, at + 32 * i * (HD + 8) + 32 * d);
            mma_16x8x16(sum[2 * d], x, y[0], y[1]);
            mma_16x8x16(sum[2 * d + 1], x, y[2], y[3]);
        }
    }
}

// Over the four lanes that share a row.
DI float quad_max(float v) {
    v = fmaxf(v, __shfl_xor_sync(ALL, v, 1));
    return fmaxf(v, __shfl_xor_sync(ALL, v, 2));
}
DI float quad_sum(float v) {
    v += __shfl_xor_sync(ALL, v, 1);
    return v + __shfl_xor_sync(ALL, v, 2);
}

// Rows t and t+8 of a warp's result, times f[0] and f[1], to n tokens of ld elements (added, if acc).
template <int HD>
DI void put_tokens(bf16* to, const float (&v)[HD / 8][4], float f0, float f1, int t, int n, int ld, int hd,
                   int acc) {
    to += (i64)t * ld + (threadIdx.x & 3) * 2;
#pragma unroll
    for (int j = 0; j < HD / 8; j++) {
        if (8 * j >= hd) break;
        if (t < n) put2(to + 8 * j, v[j][0] * f0, v[j][1] * f0, acc);
        if (t + 8 < n) put2(to + (i64)8 * ld + 8 * j, v[j][2] * f1, v[j][3] * f1, acc);
    }
}
const float LOG2E = 1.44269504f;
