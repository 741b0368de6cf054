// The operands of gemm.cu and gemmmma.cu.
#pragma once
#include "epilogue.cuh"

struct Shape {
    int m, n, k, lda, ldb, ldc, chunk, act, acc;
    float alpha;
    i64 stride_a, stride_b, stride_c; // from one matrix of the batch to the next
};

// An operand (outer, k): ROWS says that its stored rows are the outer dimension.
template <class T, bool ROWS> struct Matrix {
    static const bool k_fast = ROWS;
    struct Row { i64 at; bool in; };
    typedef Row Col;
    const T* p;
    int outer, k, ld;
    DI_MEMBER Row row(int m) const { return {ROWS ? (i64)m * ld : m, m < outer}; }
    DI_MEMBER Col col(int i) const { return {ROWS ? i : (i64)i * ld, i < k}; }
    DI_MEMBER const T* find(Row r, Col c) const { return r.in && c.in ? p + r.at + c.at : 0; }
    DI_MEMBER const T* any() const { return p; }
};

// The part of the product that block z has: its matrices of the batch, or its chunk of k.
template <class O, class T>
DI void part_of(const Shape& s, O*& c, const T*& a, const T*& b, int& k0, int& k1) {
    int z = blockIdx.z;
    k0 = 0, k1 = s.k;
    if (s.chunk < s.k) k0 = z * s.chunk, k1 = min(s.k, k0 + s.chunk);
    else a += z * s.stride_a, b += z * s.stride_b;
    c += z * s.stride_c;
}
