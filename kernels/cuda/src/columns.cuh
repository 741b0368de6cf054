// Loops over the columns of a matrix, V of them next to each other a thread: one, or 16 bytes where all rows
// are aligned ("wide"). Block (bx, 256/bx), bx threads for columns, the others for rows (columnGrid in
// columns.go).
#pragma once
#include "common.cuh"

template <class T> DI void get(float (&v)[1], const T* p) { v[0] = to_f32(*p); }
template <class T> DI void get(float (&v)[per16<T>::n], const T* p) { load16(v, p); }
DI void get(float (&v)[8], const float* p) { load8(v, p); } // beside 16 bytes of bfloat16
template <class T> DI void set(T* p, const float (&v)[1]) { put(p, v[0]); }
template <class T> DI void set(T* p, const float (&v)[per16<T>::n]) { store16(p, v); }
DI void set(float* p, const float (&v)[8]) { store8(p, v); }

DI int thread_of_block() { return threadIdx.y * blockDim.x + threadIdx.x; }

// Q sums over the rows from ... to-1 of every column, in A. add(row, column, few) adds what V columns of a
// row give to few[Q][V]; put(q, column, sum) takes a sum. Eight rows are added up before they join the rest.
template <int V, int Q, class A, class ADD, class PUT>
DI void column_sums(int columns, i64 from, i64 to, ADD add, PUT put) {
    SHARED(A, parts, [256 * V]);
    int by = blockDim.y, c = (blockIdx.x * blockDim.x + threadIdx.x) * V, n = blockDim.x * V;
    A sum[Q][V] = {};
    if (c < columns)
        for (i64 r = from + threadIdx.y; r < to; r += 8 * by) {
            A few[Q][V] = {};
            if (r + 7 * by < to) {
#pragma unroll 2 // rows in flight: more do not fit into registers
                for (int k = 0; k < 8; k++) add(r + k * by, c, few);
            } else
#pragma unroll 1
                for (i64 k = r; k < to; k += by) add(k, c, few);
#pragma unroll
            for (int i = 0; i < Q * V; i++) sum[i / V][i % V] += few[i / V][i % V];
        }
#pragma unroll
    for (int q = 0; q < Q; q++) {
        __syncthreads(); // what was there is read
#pragma unroll
        for (int k = 0; k < V; k++) parts[thread_of_block() * V + k] = sum[q][k];
        __syncthreads();
        for (int i = thread_of_block(); i < n && (int)blockIdx.x * n + i < columns; i += 256) {
            A s = 0;
            for (int k = 0; k < by; k++) s += parts[k * n + i];
            put(q, blockIdx.x * n + i, s);
        }
    }
}
// f<V>() with 16 bytes a thread, or one element.
#define WIDE_OR_NOT(T, wide, f, ...)                                                                         \
    do {                                                                                                     \
        if (wide) f<per16<T>::n>(__VA_ARGS__);                                                               \
        else f<1>(__VA_ARGS__);                                                                              \
    } while (0)
