// y[b,i,j,c] = max_{p,q} x[b, i·sh−ph+p·dh, j·sw−pw+q·dw, c], padding never wins, the first of equals does, a
// NaN wins; index (optional) = row·W + column of the winner
// dx[b,r,s,c] = Σ dy of the windows that r, s won, in row-major order (+ dx if acc)
// x, dx: (B,H,W,C); y, dy, index: (B,OH,OW,C). A thread has V channels next to each other: 16 bytes if wide (C
// a multiple of them, everything aligned), otherwise 1. Launch: window.cuh over y, and over dx, with C/V
// channels.
#include "columns.cuh"
#include "window.cuh"

DI void get_index(int (&v)[1], const int* p) { v[0] = p[0]; }
DI void set_index(int* p, const int (&v)[1]) { p[0] = v[0]; }
template <int V> DI void get_index(int (&v)[V], const int* p) {
#pragma unroll
    for (int k = 0; k < V; k += 4) {
        uint4 i = *(const uint4*)(p + k);
        v[k] = i.x, v[k + 1] = i.y, v[k + 2] = i.z, v[k + 3] = i.w;
    }
}
template <int V> DI void set_index(int* p, const int (&v)[V]) {
#pragma unroll
    for (int k = 0; k < V; k += 4) *(uint4*)(p + k) = make_uint4(v[k], v[k + 1], v[k + 2], v[k + 3]);
}

template <int V, class T> DI void forward(T* y, int* index, const T* x, Window w) {
    Cell at = cell(w.batch, w.oh, w.ow, w.c / V);
    for (; at.inside(); at.next()) {
        float best[V], v[V];
        int where[V];
#pragma unroll
        for (int k = 0; k < V; k++) best[k] = -INF, where[k] = -1;
        for (int p = 0; p < w.kh; p++) {
            int r = at.row * w.sh - w.ph + p * w.dh;
            if (r < 0 || r >= w.h) continue;
            for (int q = 0; q < w.kw; q++) {
                int s = at.col * w.sw - w.pw + q * w.dw;
                if (s < 0 || s >= w.w) continue;
                get(v, x + (((i64)at.b * w.h + r) * w.w + s) * w.c + at.c * V);
#pragma unroll
                for (int k = 0; k < V; k++)
                    if (where[k] < 0 || v[k] > best[k] || (v[k] != v[k] && best[k] == best[k]))
                        best[k] = v[k], where[k] = r * w.w + s;
            }
        }
        set(y + at.index() * V, best);
        if (index) set_index(index + at.index() * V, where);
    }
}
template <int V, class T> DI void backward(T* dx, const T* dy, const int* index, Window w, int acc) {
    Cell at = cell(w.batch, w.h, w.w, w.c / V);
    for (; at.inside(); at.next()) {
        float sum[V] = {}, v[V];
        int here = at.row * w.w + at.col, won[V];
        for (int p = w.kh - 1; p >= 0; p--) {
            int i = window_of(at.row + w.ph - p * w.dh, w.sh, w.oh);
            if (i < 0) continue;
            for (int q = w.kw - 1; q >= 0; q--) {
                int j = window_of(at.col + w.pw - q * w.dw, w.sw, w.ow);
                if (j < 0) continue;
                i64 from = (((i64)at.b * w.oh + i) * w.ow + j) * w.c + at.c * V;
                get_index(won, index + from);
                get(v, dy + from);
#pragma unroll
                for (int k = 0; k < V; k++) sum[k] += won[k] == here ? v[k] : 0.0f;
            }
        }
        if (acc) {
            get(v, dx + at.index() * V);
#pragma unroll
            for (int k = 0; k < V; k++) sum[k] += v[k];
        }
        set(dx + at.index() * V, sum);
    }
}
#define MAX_POOL(SUFFIX, T)                                                                                  \
    extern "C" __global__ void __launch_bounds__(256, 4)                                                     \
    maxpool2d_fwd_##SUFFIX(T* y, int* index, const T* x, Window w, int wide) {                               \
        WIDE_OR_NOT(T, wide, forward, y, index, x, w);                                                       \
    }                                                                                                        \
    EXPORT(maxpool2d_fwd_##SUFFIX)                                                                           \
    extern "C" __global__ void __launch_bounds__(256, 4)                                                     \
    maxpool2d_bwd_##SUFFIX(T* dx, const T* dy, const int* index, Window w, int acc, int wide) {              \
        WIDE_OR_NOT(T, wide, backward, dx, dy, index, w, acc);                                               \
    }                                                                                                        \
    EXPORT(maxpool2d_bwd_##SUFFIX)
MAX_POOL(f32, float)
MAX_POOL(bf16, bf16)
