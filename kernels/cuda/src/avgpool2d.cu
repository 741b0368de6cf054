// y[b,i,j,c] = 1/n·Σ_{p,q} x[b, i·sh−ph+p, j·sw−pw+q, c],  n = size of window ∩ padded picture
// dx[b,r,s,c] = Σ dy/n of the windows over r, s (+ dx if acc)
// x, dx: (B,H,W,C); y, dy: (B,OH,OW,C). Launch: window.cuh over y, and over dx.
#include "window.cuh"

// rows (columns) of window i that count: those of the padded picture
DI int counted(int i, int stride, int pad, int k, int n) {
    int from = i * stride - pad;
    return min(from + k, n + pad) - from;
}
template <class T> DI void forward(T* y, const T* x, Window w) {
    Cell at = cell(w.batch, w.oh, w.ow, w.c);
    for (; at.inside(); at.next()) {
        int r0 = at.row * w.sh - w.ph, s0 = at.col * w.sw - w.pw;
        float sum = 0.0f;
        for (int r = max(r0, 0); r < min(r0 + w.kh, w.h); r++)
            for (int s = max(s0, 0); s < min(s0 + w.kw, w.w); s++)
                sum += to_f32(x[(((i64)at.b * w.h + r) * w.w + s) * w.c + at.c]);
        int n = counted(at.row, w.sh, w.ph, w.kh, w.h) * counted(at.col, w.sw, w.pw, w.kw, w.w);
        put(y + at.index(), sum / n);
    }
}
template <class T> DI void backward(T* dx, const T* dy, Window w, int acc) {
    Cell at = cell(w.batch, w.h, w.w, w.c);
    for (; at.inside(); at.next()) {
        float sum = 0.0f;
        for (int p = w.kh - 1; p >= 0; p--) {
            int i = window_of(at.row + w.ph - p, w.sh, w.oh);
            if (i < 0) continue;
            int rows = counted(i, w.sh, w.ph, w.kh, w.h);
            for (int q = w.kw - 1; q >= 0; q--) {
                int j = window_of(at.col + w.pw - q, w.sw, w.ow);
                if (j < 0) continue;
                sum += to_f32(dy[(((i64)at.b * w.oh + i) * w.ow + j) * w.c + at.c]) /
                       (rows * counted(j, w.sw, w.pw, w.kw, w.w));
            }
        }
        put(dx + at.index(), sum, acc);
    }
}
#define AVG_POOL(SUFFIX, T)                                                                                  \
    KERNEL(256) avgpool2d_fwd_##SUFFIX(T* y, const T* x, Window w) { forward(y, x, w); }                     \
    EXPORT(avgpool2d_fwd_##SUFFIX)                                                                           \
    KERNEL(256) avgpool2d_bwd_##SUFFIX(T* dx, const T* dy, Window w, int acc) { backward(dx, dy, w, acc); }  \
    EXPORT(avgpool2d_bwd_##SUFFIX)
AVG_POOL(f32, float)
AVG_POOL(bf16, bf16)
