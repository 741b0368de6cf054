// One 64x64 tile of a matrix product in float32: C[m,n] = Σ_k A(m,k)·B(n,k), for operands of any layout.
// Block (256): thread (t/16, t%16) keeps 4x4 outputs in registers; 16 of K at a time go through shared
// memory, in two buffers, so that the next part is on its way while this one is multiplied.
//
// An operand is a struct with
//   static const bool k_fast   neighbours in memory are neighbours in k (else in m or n)
//   Row row(int m)             what an index of the outer dimension needs once; m may lie behind the end
//   Col col(int k)             the same for k
//   const T* find(Row, Col)    where the element lies, null outside: it is then 0
#pragma once
#include "common.cuh"

// Products are added up TSUM at a time, and then the sums of these: of 4608 products, a 3x3 layer's of 512 channels,
// the rounding is a quarter of that of one long sum.
const int TM = 64, TN = 64, TK = 16, TPAD = 68, TSUM = 256;

// BLOCKS a multiprocessor, so that registers hold two sets of sums and no more.
#define KERNEL_TILE(BLOCKS) extern "C" __global__ void __launch_bounds__(256, BLOCKS)

template <class T> DI float value(const T* p) { return p ? to_f32(*p) : 0.0f; }

// The four elements of a thread: k_fast: one k, rows t/16 + 16i; else one row, k = t/64 + 4i.
template <class A> struct Part {
    typename A::Row rows[A::k_fast ? 4 : 1];
    float v[4];
    DI_MEMBER void begin(const A& a, int m0) {
        int t = threadIdx.x;
#pragma unroll
        for (int i = 0; i < (A::k_fast ? 4 : 1); i++)
            rows[i] = a.row(A::k_fast ? m0 + t / 16 + 16 * i : m0 + t % 64);
    }
    DI_MEMBER void load(const A& a, int k0) {
        int t = threadIdx.x;
        if (A::k_fast) {
            typename A::Col c = a.col(k0 + t % 16);
#pragma unroll
            for (int i = 0; i < 4; i++) v[i] = value(a.find(rows[A::k_fast ? i : 0], c));
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; i++) v[i] = value(a.find(rows[0], a.col(k0 + t / 64 + 4 * i)));
    }
    DI_MEMBER void store(float (*s)[TPAD]) {
        int t = threadIdx.x;
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (A::k_fast) s[t % 16][t / 16 + 16 * i] = v[i];
            else s[t / 64 + 4 * i][t % 64] = v[i];
    }
};

// acc += part, part = 0
DI void move_sums(float (&acc)[4][4], float (&part)[4][4]) {
#pragma unroll
    for (int r = 0; r < 4; r++)
#pragma unroll
        for (int c = 0; c < 4; c++) acc[r][c] += part[r][c], part[r][c] = 0.0f;
}

template <class A, class B>
DI void tile_product(float (&acc)[4][4], const A& a, const B& b, int m0, int n0, int k0, int k1) {
    SHARED(__align__(16) float, as, [2][TK][TPAD]);
    SHARED(__align__(16) float, bs, [2][TK][TPAD]);
    int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4, buf = 0;
    Part<A> pa;
    Part<B> pb;
    pa.begin(a, m0);
    pb.begin(b, n0);
    pa.load(a, k0);
    pb.load(b, k0);
    pa.store(as[0]);
    pb.store(bs[0]);
    __syncthreads();
    float part[4][4] = {};
#pragma unroll 1
    for (int k = k0, left = TSUM; k < k1; k += TK, buf ^= 1) {
        bool more = k + TK < k1;
        if (more) {
            pa.load(a, k + TK);
            pb.load(b, k + TK);
        }
#pragma unroll
        for (int i = 0; i < TK; i++) {
            float4 u = *(const float4*)&as[buf][i][ty], v = *(const float4*)&bs[buf][i][tx];
            float x[4] = {u.x, u.y, u.z, u.w}, y[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
            for (int r = 0; r < 4; r++)
#pragma unroll
                for (int c = 0; c < 4; c++) part[r][c] = fmaf(x[r], y[c], part[r][c]);
        }
        if ((left -= TK) == 0) {
            move_sums(acc, part);
            left = TSUM;
        }
        if (more) {
            pa.store(as[buf ^ 1]);
            pb.store(bs[buf ^ 1]);
        }
        __syncthreads();
    }
    move_sums(acc, part);
}
