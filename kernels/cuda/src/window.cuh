// Loops over the elements of pictures (B,rows,cols,C), for what slides or stretches over them. A thread has a
// column and channel; rows and pictures are strided over.
// Launch: grid (ceil(cols·C/256), rows, B) up to 65535 in y and z, block (256).
#pragma once
#include "common.cuh"

struct Window { // 16 ints, as windowArgs in window.go
    int batch, h, w, c, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw, unused[2];
};

struct Cell {
    int batch, rows, cols, channels; // of the pictures
    int b, row, col, c;              // this element
    __device__ bool inside() const { return col < cols && row < rows && b < batch; }
    __device__ i64 index() const { return (((i64)b * rows + row) * cols + col) * channels + c; }
    __device__ void next() {
        row += gridDim.y;
        if (row < rows) return;
        row = blockIdx.y, b += gridDim.z;
    }
};
DI Cell cell(int batch, int rows, int cols, int channels) {
    int i = blockIdx.x * 256 + threadIdx.x;
    Cell at = {batch, rows, cols, channels, (int)blockIdx.z, (int)blockIdx.y, i / channels, i % channels};
    return at;
}

// The window whose element lies t behind the first window's first one, or −1: t/stride, if it is whole and
// one of n.
DI int window_of(int t, int stride, int n) {
    return t < 0 || t % stride || t / stride >= n ? -1 : t / stride;
}
