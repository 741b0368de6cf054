// y[b,i,j,c] = the mean of rows ⌊i·H/OH⌋ ... ⌈(i+1)·H/OH⌉−1 of x, columns likewise
// dx[b,r,s,c] = Σ dy/n of the outputs that cover r, s (+ dx if acc)
// x, dx: (B,H,W,C); y, dy: (B,OH,OW,C). Launch: window.cuh over y, and over dx.
// One output for the whole picture (OH = OW = 1) is a sum over the middle axis and goes through sum.cu.
#include "window.cuh"

DI int first_of(int i, int n, int out) { return (int)((i64)i * n / out); }
DI int behind(int i, int n, int out) { return (int)(((i64)(i + 1) * n + out - 1) / out); }

template <class T> DI void forward(T* y, const T* x, int batch, int h, int w, int c, int oh, int ow) {
    Cell at = cell(batch, oh, ow, c);
    for (; at.inside(); at.next()) {
        int r0 = first_of(at.row, h, oh), r1 = behind(at.row, h, oh);
        int s0 = first_of(at.col, w, ow), s1 = behind(at.col, w, ow);
        float sum = 0.0f;
        for (int r = r0; r < r1; r++) {
            float line = 0.0f;
            for (int s = s0; s < s1; s++) line += to_f32(x[(((i64)at.b * h + r) * w + s) * c + at.c]);
            sum += line;
        }
        put(y + at.index(), sum / ((r1 - r0) * (s1 - s0)));
    }
}
template <class T>
DI void backward(T* dx, const T* dy, int batch, int h, int w, int c, int oh, int ow, int acc) {
    Cell at = cell(batch, h, w, c);
    for (; at.inside(); at.next()) {
        float sum = 0.0f;
        // the first output that covers row r is ⌊r·OH/H⌋
        for (int i = first_of(at.row, oh, h); i < oh && first_of(i, h, oh) <= at.row; i++)
            for (int j = first_of(at.col, ow, w); j < ow && first_of(j, w, ow) <= at.col; j++) {
                int n = (behind(i, h, oh) - first_of(i, h, oh)) * (behind(j, w, ow) - first_of(j, w, ow));
                sum += to_f32(dy[(((i64)at.b * oh + i) * ow + j) * c + at.c]) / n;
            }
        put(dx + at.index(), sum, acc);
    }
}
#define ADAPTIVE(SUFFIX, T)                                                                                  \
    KERNEL(256)                                                                                              \
    adaptiveavgpool2d_fwd_##SUFFIX(T* y, const T* x, int batch, int h, int w, int c, int oh, int ow) {       \
        forward(y, x, batch, h, w, c, oh, ow);                                                               \
    }                                                                                                        \
    EXPORT(adaptiveavgpool2d_fwd_##SUFFIX)                                                                   \
    KERNEL(256)                                                                                              \
    adaptiveavgpool2d_bwd_##SUFFIX(T* dx, const T* dy, int batch, int h, int w, int c, int oh, int ow,       \
                                   int acc) {                                                                \
        backward(dx, dy, batch, h, w, c, oh, ow, acc);                                                       \
    }                                                                                                        \
    EXPORT(adaptiveavgpool2d_bwd_##SUFFIX)
ADAPTIVE(f32, float)
ADAPTIVE(bf16, bf16)
