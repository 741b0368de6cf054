// What happens to the sums of a product before they are stored:
//   y[m,n] = act(alpha·sum + bias[n] + residual[m,n]) (+ y[m,n] if acc)
#pragma once
#include "math.cuh"
#include "relu.cuh"

enum { NO_ACTIVATION = 0, WITH_RELU = 1, WITH_GELU = 2 }; // kernels.Activation

// Where the rows of a product lie among those of y: row m of the product is pixel (i, j) of down x across of
// a picture, and goes to pixel (i·sh + r0, j·sw + s0) of h x w; with across 0, row m is row m.
struct Places {
    int across, down, h, w, sh, sw, r0, s0;
};

template <class T> struct Epilogue {
    T* y;
    const T *bias, *residual; // or null
    i64 ld;                   // elements from one row to the next, of y and residual
    int act, acc;
    float alpha;
    float* sums; // or null: Σ y and Σ y² of 64 rows of a column each, (m/64, 2, n), where y is the sum alone
    Places at;
    DI_MEMBER i64 row(int m) const {
        if (!at.across) return m * ld;
        int j = m % at.across, bi = m / at.across, i = bi % at.down, b = bi / at.down;
        return (((i64)b * at.h + i * at.sh + at.r0) * at.w + j * at.sw + at.s0) * ld;
    }
    DI_MEMBER float activated(float v) const {
        if (act == WITH_RELU) v = relu(v);
        if (act == WITH_GELU) v = gelu<T>(v);
        return v;
    }
    DI_MEMBER void put_at(int m, int n, float sum) const {
        i64 i = row(m) + n;
        float v = alpha * sum;
        if (bias) v += to_f32(bias[n]);
        if (residual) v += to_f32(residual[i]);
        put(y + i, activated(v), acc);
    }
    // Eight columns from n on, a multiple of 8, at once; only if wide.
    DI_MEMBER void put8(int m, int n, const float* sums) const {
        i64 i = row(m) + n;
        float v[8], other[8];
        load8(v, sums);
#pragma unroll
        for (int k = 0; k < 8; k++) v[k] *= alpha;
        if (bias) {
            load8(other, bias + n);
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] += other[k];
        }
        if (residual) {
            load8(other, residual + i);
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] += other[k];
        }
        if (act)
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] = activated(v[k]);
        if (acc) {
            load8(other, y + i);
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] += other[k];
        }
        store8(y + i, v);
    }
    DI_MEMBER bool wide() const {
        return aligned16(y) && aligned16(bias) && aligned16(residual) && ld % 8 == 0;
    }
};

// 16 x COLS sums that a warp has laid out in shared memory, rows of LD, go to rows m ... and columns n ... of
// m1 x n1, eight neighbours a lane.
template <int COLS, int LD, class E>
DI void put_part(const E& e, const float* part, int m, int n, int m1, int n1, bool wide) {
    int lane = threadIdx.x & 31, c = lane % (COLS / 8) * 8;
#pragma unroll 1
    for (int r = lane / (COLS / 8); r < 16 && m + r < m1; r += 256 / COLS) {
        if (wide && n + c + 8 <= n1) {
            e.put8(m + r, n + c, part + r * LD + c);
            continue;
        }
#pragma unroll 1
        for (int k = c; k < c + 8 && n + k < n1; k++) e.put_at(m + r, n + k, part[r * LD + k]);
    }
}

// Adds up columns lane, lane + 32, ... of 16 rows that a warp has laid out, as y holds them.
template <int COLS, int LD, class T>
DI void add_columns(float (&s)[COLS / 32], float (&q)[COLS / 32], const Epilogue<T>& e, const float* part) {
#pragma unroll
    for (int i = 0; i < COLS / 32; i++)
        for (int r = 0; r < 16; r++) {
            float v = stored(part[r * LD + (threadIdx.x & 31) + 32 * i], e.y);
            s[i] += v, q[i] = fmaf(v, v, q[i]);
        }
}

// The 4x4 outputs of a thread of tile_product (tile.cuh).
template <class T>
DI void put_tile(const Epilogue<T>& e, const float (&acc)[4][4], int m0, int n0, int m1, int n1) {
    int ty = m0 + threadIdx.x / 16 * 4, tx = n0 + threadIdx.x % 16 * 4;
#pragma unroll 1
    for (int r = 0; r < 4 && ty + r < m1; r++) {
        float v[4];
#pragma unroll
        for (int i = 0; i < 16; i++)
            if (i / 4 == r) v[i % 4] = acc[i / 4][i % 4];
#pragma unroll
        for (int c = 0; c < 4; c++)
            if (tx + c < n1) e.put_at(ty + r, tx + c, v[c]);
    }
}
