// y[b,r,i] = x[b,r,i] (+ y if acc) for i < n, the rows of both as far apart as they like: how tensors are
// joined, cut and framed. Launch: grid (any, rows, batches) up to 65535 in y and z, block (256).
#pragma once
#include "common.cuh"

struct Rows { // where row r of batch b begins, in elements
    i64 offset, batch, row;
};

template <class T>
DI void copy_rows(T* y, Rows to, const T* x, Rows from, int batches, int rows, i64 n, int acc) {
    const int V = per16<T>::n;
    i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x, step = (i64)gridDim.x * blockDim.x;
    for (int b = blockIdx.z; b < batches; b += gridDim.z)
        for (int r = blockIdx.y; r < rows; r += gridDim.y) {
            T* d = y + to.offset + b * to.batch + r * to.row;
            const T* s = x + from.offset + b * from.batch + r * from.row;
            i64 done = 0;
            if (!acc && aligned16(d) && aligned16(s)) {
                done = n / V * V;
                for (i64 i = first; i < n / V; i += step) ((uint4*)d)[i] = ((const uint4*)s)[i];
            }
            for (i64 i = done + first; i < n; i += step) put(d + i, to_f32(s[i]), acc);
        }
}

#define COPY_ROWS(NAME, T)                                                                                   \
    KERNEL(256)                                                                                              \
    NAME(T* y, i64 to_offset, i64 to_batch, i64 to_row, const T* x, i64 from_offset, i64 from_batch,         \
         i64 from_row, int batches, int rows, i64 n, int acc) {                                              \
        Rows to = {to_offset, to_batch, to_row}, from = {from_offset, from_batch, from_row};                 \
        copy_rows(y, to, x, from, batches, rows, n, acc);                                                    \
    }                                                                                                        \
    EXPORT(NAME)
