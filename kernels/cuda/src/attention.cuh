// What the forward and the backward of attention share: 64 tokens of one head in shared memory, the products
// of two such panels, and a 64x64 tile of them. Thread t has rows t/16·4 ... and columns t%16·4 ... of a
// tile.
#pragma once
#include "math.cuh"

struct Shape {
    int b, tq, tk, nh, hd, ldq, ldk, ldv;
    float scale;
};
typedef float (*Panel)[68]; // [element of the head][token]; of a tile [column][row]

DI int row() { return threadIdx.x / 16 * 4; }
DI int col() { return threadIdx.x % 16 * 4; }

// Tokens t0 ... t0+63 of n, zeros behind the last one.
template <class T> DI void load_panel(Panel to, const T* from, int t0, int n, int ld, int hd) {
    for (int i = threadIdx.x; i < 64 * hd; i += 256) {
        int t = i / hd, d = i % hd;
        to[d][t] = t0 + t < n ? to_f32(from[(i64)(t0 + t) * ld + d]) : 0.0f;
    }
}

// s[i][j] += a[row + i]·b[col + j]
DI void dot_panels(float (&s)[4][4], Panel a, Panel b, int hd) {
    for (int d = 0; d < hd; d++) {
        float4 u = *(const float4*)&a[d][row()], v = *(const float4*)&b[d][col()];
        float x[4] = {u.x, u.y, u.z, u.w}, y[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) s[i][j] = fmaf(x[i], y[j], s[i][j]);
    }
}
DI void store_tile(Panel to, const float (&s)[4][4]) {
#pragma unroll
    for (int j = 0; j < 4; j++)
        *(float4*)&to[col() + j][row()] = make_float4(s[0][j], s[1][j], s[2][j], s[3][j]);
}

// Over the 16 lanes that share their rows.
DI float half_max(float v) {
#pragma unroll
    for (int o = 8; o; o >>= 1) v = fmaxf(v, __shfl_xor_sync(ALL, v, o));
    return v;
}
DI float half_sum(float v) {
#pragma unroll
    for (int o = 8; o; o >>= 1) v += __shfl_xor_sync(ALL, v, o);
    return v;
}
