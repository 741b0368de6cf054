// Bilinear interpolation, pixel centres at half integers: output row i reads the input at
// s = max(0, (i + ½)·H/OH − ½), between rows ⌊s⌋ and min(⌊s⌋+1, H−1); columns likewise
// dx[b,r,s,c] = Σ weight·dy of the outputs that read r, s (+ dx if acc)
// x, dx: (B,H,W,C); y, dy: (B,OH,OW,C); 2·OH·H and 2·OW·W below 2^31. Launch: window.cuh over y, and over dx.
#include "window.cuh"

struct Between { // two input rows and the weight of the second
    int lo, hi;
    float f;
};
DI Between between(int i, int n, int out) {
    int at = max(0, (2 * i + 1) * n - out); // s·2·out, a whole number
    int lo = min(at / (2 * out), n - 1);
    return {lo, min(lo + 1, n - 1), (float)(at - lo * 2 * out) / (float)(2 * out)};
}
// The weight with which an output reads row r.
DI float weight(Between at, int r) {
    return (at.lo == r ? 1.0f - at.f : 0.0f) + (at.hi == r ? at.f : 0.0f);
}
// The outputs that may read row r: those whose s lies within 1 of it.
DI int first_reader(int r, int n, int out) { return r == 0 ? 0 : (int)((2LL * r - 1) * out / (2LL * n)); }
DI int last_reader(int r, int n, int out) {
    return r == n - 1 ? out - 1 : min(out - 1, (int)((2LL * r + 3) * out / (2LL * n)));
}

template <class T> DI void forward(T* y, const T* x, int batch, int h, int w, int c, int oh, int ow) {
    Cell at = cell(batch, oh, ow, c);
    if (at.col >= ow) return;
    Between s = between(at.col, w, ow);
    for (; at.inside(); at.next()) {
        Between r = between(at.row, h, oh);
        const T* lo = x + ((i64)at.b * h + r.lo) * w * c + at.c;
        const T* hi = x + ((i64)at.b * h + r.hi) * w * c + at.c;
        i64 left = (i64)s.lo * c, right = (i64)s.hi * c;
        float a = (1.0f - s.f) * to_f32(lo[left]) + s.f * to_f32(lo[right]);
        float b = (1.0f - s.f) * to_f32(hi[left]) + s.f * to_f32(hi[right]);
        put(y + at.index(), (1.0f - r.f) * a + r.f * b);
    }
}
template <class T>
DI void backward(T* dx, const T* dy, int batch, int h, int w, int c, int oh, int ow, int acc) {
    Cell at = cell(batch, h, w, c);
    if (at.col >= w) return;
    int j0 = first_reader(at.col, w, ow), j1 = last_reader(at.col, w, ow);
    for (; at.inside(); at.next()) {
        float sum = 0.0f;
        int i1 = last_reader(at.row, h, oh);
        for (int i = first_reader(at.row, h, oh); i <= i1; i++) {
            float line = 0.0f, wr = weight(between(i, h, oh), at.row);
            if (wr == 0.0f) continue;
            const T* g = dy + ((i64)at.b * oh + i) * ow * c + at.c;
            for (int j = j0; j <= j1; j++) {
                float ws = weight(between(j, w, ow), at.col);
                if (ws != 0.0f) line += ws * to_f32(g[(i64)j * c]);
            }
            sum += wr * line;
        }
        put(dx + at.index(), sum, acc);
    }
}
#define RESIZE(SUFFIX, T)                                                                                    \
    KERNEL(256)                                                                                              \
    resize_fwd_##SUFFIX(T* y, const T* x, int batch, int h, int w, int c, int oh, int ow) {                  \
        forward(y, x, batch, h, w, c, oh, ow);                                                               \
    }                                                                                                        \
    EXPORT(resize_fwd_##SUFFIX)                                                                              \
    KERNEL(256)                                                                                              \
    resize_bwd_##SUFFIX(T* dx, const T* dy, int batch, int h, int w, int c, int oh, int ow, int acc) {       \
        backward(dx, dy, batch, h, w, c, oh, ow, acc);                                                       \
    }                                                                                                        \
    EXPORT(resize_bwd_##SUFFIX)
RESIZE(f32, float)
RESIZE(bf16, bf16)
