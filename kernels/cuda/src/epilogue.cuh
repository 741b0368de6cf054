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

// Eight neighbours as they lie in memory.
template <class T> struct Eight;
template <> struct Eight<bf16> {
    uint4 a;
    DI_MEMBER void load(const bf16* p) { a = *(const uint4*)p; }
    DI_MEMBER void get(float (&v)[8]) const { unpack(v, a); }
};
template <> struct Eight<float> {
    float4 a, b;
    DI_MEMBER void load(const float* p) { a = *(const float4*)p, b = *(const float4*)(p + 4); }
    DI_MEMBER void get(float (&v)[8]) const { unpack(v, a, b); }
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
        float v = fmaf(alpha, sum, bias ? to_f32(bias[n]) : 0.0f);
        if (residual) v += to_f32(residual[i]);
        put(y + i, activated(v), acc);
    }
    // What is read early, besides the bias: the residual, or else y itself if it is added to (in float32 there
    // are no registers to keep it).
    static const bool KEPT = sizeof(T) == 2;
    DI_MEMBER void read(Eight<T>& to, i64 i) const {
        if (residual) to.load(residual + i);
        else if (KEPT && acc) to.load(y + i);
    }
    // Eight neighbours from y[i] on, 16-byte aligned, with what was read before.
    DI_MEMBER void put8(i64 i, float (&v)[8], const float (&add)[8], const Eight<T>& before) const {
        float other[8] = {};
#pragma unroll
        for (int k = 0; k < 8; k++) v[k] = fmaf(alpha, v[k], add[k]);
        if (residual || (KEPT && acc)) before.get(other);
        if (residual)
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] += other[k];
        if (KEPT && act == WITH_GELU) { // eight side by side
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] = gelu<T>(v[k]);
        } else if (act)
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] = activated(v[k]);
        if (acc) {
            if (residual || !KEPT) load8(other, y + i);
#pragma unroll
            for (int k = 0; k < 8; k++) v[k] += other[k];
        }
        store8(y + i, v);
    }
    // Asks the second-level cache for what these rows will read, by `threads` threads.
    DI_MEMBER void ahead(int t, int threads, int m, int rows, int m1, int n, int cols, int n1) const {
        const int LINE = 128 / sizeof(T);
        const T* from = residual ? residual : acc ? y : 0;
        for (int i = t; from && i < rows * (cols / LINE); i += threads) {
            int r = m + i / (cols / LINE), c = n + i % (cols / LINE) * LINE;
            if (r < m1 && c < n1) prefetch_l2(from + row(r) + c);
        }
    }
    DI_MEMBER bool wide() const {
        return aligned16(y) && aligned16(bias) && aligned16(residual) && ld % 8 == 0;
    }
};

// Where column c of row r lies among 16 x COLS sums that a warp lays out in shared memory. Rows 0, 4, 8, 12
// come first, then 8 unused places, then rows 1, 5 ...; fours of columns change places. So lanes that store
// pairs of four rows, and lanes that load fours, 8 columns apart, of one row or two, meet different banks.
template <int COLS> DI int place(int r, int c) {
    return (r & 3) * (4 * COLS + 8) + (r >> 2) * COLS + (c ^ (COLS == 64 ? c >> 3 & 4 : (r & 1) << 2));
}
template <int COLS> struct placed {
    static const int size = 16 * COLS + 24; // floats of a warp
};

// These sums go to rows m ... and columns n ... of m1 x n1, eight neighbours a lane; what AT_ONCE rows read is
// under way together.
template <int COLS, int AT_ONCE, class T>
DI void put_part(const Epilogue<T>& e, const float* part, int m, int n, int m1, int n1, bool wide) {
    const int DOWN = 256 / COLS;
    int lane = threadIdx.x & 31, c = lane % (COLS / 8) * 8, r = lane / (COLS / 8);
    if (!wide || n + c + 8 > n1) {
#pragma unroll 1
        for (; r < 16 && m + r < m1; r += DOWN)
#pragma unroll 1
            for (int k = c; k < c + 8 && n + k < n1; k++) e.put_at(m + r, n + k, part[place<COLS>(r, k)]);
        return;
    }
#pragma unroll 1
    for (; r < 16 && m + r < m1; r += AT_ONCE * DOWN) {
        Eight<T> before[AT_ONCE] = {};
        i64 at[AT_ONCE];
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            int row = m + r + i * DOWN;
            at[i] = e.row(row) + n + c;
            if (row < m1) e.read(before[i], at[i]);
        }
        float add[8] = {};
        if (e.bias) load8(add, e.bias + n + c);
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            float v[8];
            int row = r + i * DOWN;
            load8(v, part + place<COLS>(row, c), part + place<COLS>(row, c + 4));
            if (m + row < m1) e.put8(at[i], v, add, before[i]);
        }
    }
}

// Adds up columns lane, lane + 32, ... of 16 rows that a warp has laid out, as y holds them.
template <int COLS, class T>
DI void add_columns(float (&s)[COLS / 32], float (&q)[COLS / 32], const Epilogue<T>& e, const float* part) {
#pragma unroll
    for (int i = 0; i < COLS / 32; i++)
#pragma unroll
        for (int r = 0; r < 16; r++) {
            float v = stored(part[place<COLS>(r, (threadIdx.x & 31) + 32 * i)], e.y);
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
