// y[b,i,j,c] = max_{p,q} x[b, i·sh−ph+p·dh, j·sw−pw+q·dw, c], padding never wins, the first of equals does, a
// NaN wins; index (optional) = row·W + column of the winner
// dx[b,r,s,c] = Σ dy of the windows that r, s won, in row-major order (+ dx if acc)
// x, dx: (B,H,W,C); y, dy, index: (B,OH,OW,C). Launch: window.cuh over y, and over dx.
#include "window.cuh"

template <class T> DI void forward(T* y, int* index, const T* x, Window w) {
    Cell at = cell(w.batch, w.oh, w.ow, w.c);
    for (; at.inside(); at.next()) {
        float best = -INF;
        int where = -1;
        for (int p = 0; p < w.kh; p++) {
            int r = at.row * w.sh - w.ph + p * w.dh;
            if (r < 0 || r >= w.h) continue;
            for (int q = 0; q < w.kw; q++) {
                int s = at.col * w.sw - w.pw + q * w.dw;
                if (s < 0 || s >= w.w) continue;
                float v = to_f32(x[(((i64)at.b * w.h + r) * w.w + s) * w.c + at.c]);
                if (where < 0 || v > best || (v != v && best == best)) best = v, where = r * w.w + s;
            }
        }
        put(y + at.index(), best);
        if (index) index[at.index()] = where;
    }
}
template <class T> DI void backward(T* dx, const T* dy, const int* index, Window w, int acc) {
    Cell at = cell(w.batch, w.h, w.w, w.c);
    for (; at.inside(); at.next()) {
        float sum = 0.0f;
        int here = at.row * w.w + at.col;
        for (int p = w.kh - 1; p >= 0; p--) {
            int i = window_of(at.row + w.ph - p * w.dh, w.sh, w.oh);
            if (i < 0) continue;
            for (int q = w.kw - 1; q >= 0; q--) {
                int j = window_of(at.col + w.pw - q * w.dw, w.sw, w.ow);
                if (j < 0) continue;
                i64 k = (((i64)at.b * w.oh + i) * w.ow + j) * w.c + at.c;
                if (index[k] == here) sum += to_f32(dy[k]);
            }
        }
        put(dx + at.index(), sum, acc);
    }
}
#define MAX_POOL(SUFFIX, T)                                                                                  \
    KERNEL(256) maxpool2d_fwd_##SUFFIX(T* y, int* index, const T* x, Window w) { forward(y, index, x, w); }  \
    EXPORT(maxpool2d_fwd_##SUFFIX)                                                                           \
    KERNEL(256) maxpool2d_bwd_##SUFFIX(T* dx, const T* dy, const int* index, Window w, int acc) {            \
        backward(dx, dy, index, w, acc);                                                                     \
    }                                                                                                        \
    EXPORT(maxpool2d_bwd_##SUFFIX)
MAX_POOL(f32, float)
MAX_POOL(bf16, bf16)
