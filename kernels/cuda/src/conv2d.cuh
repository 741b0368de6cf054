// The operands of conv2d.cu and conv2dmma.cu: matrices that are read from pictures and filters in place.
#pragma once
#include "epilogue.cuh"

// The convolution that block z computes a group (and a chunk of k) of, for an output of type O.
struct Shape {
    int batch, h, w, c, oh, ow, oc, cg, og, kh, kw, sh, sw, ph, pw, dh, dw, chunk, act, acc;
};
struct Where { i64 at; int r, s; }; // a pixel: its picture's first element, its first row and column
struct Tap { int at, r, s; };       // an element of the kernel: its channel, its distance from these

// x(m = output pixel, k = tap and channel), or with PIXELS_IN_K the same with the roles of m and k exchanged
template <class T, bool PIXELS_IN_K> struct Patches {
    static const bool k_fast = !PIXELS_IN_K;
    typedef typename std_if<PIXELS_IN_K, Tap, Where>::type Row;
    typedef typename std_if<PIXELS_IN_K, Where, Tap>::type Col;
    const T* x;
    Shape s;
    int taps, pixels;
    DI_MEMBER void of(int k, Tap& t) const {
        int pq = k / s.cg, p = pq / s.kw;
        t = {k - pq * s.cg, k < taps ? p * s.dh : 1 << 29, (pq - p * s.kw) * s.dw};
    }
    DI_MEMBER void of(int m, Where& p) const {
        int j = m % s.ow, bi = m / s.ow, i = bi % s.oh, b = bi / s.oh;
        p = {(i64)b * s.h * s.w, m < pixels ? i * s.sh - s.ph : 1 << 29, j * s.sw - s.pw};
    }
    DI_MEMBER Row row(int m) const { Row r; of(m, r); return r; }
    DI_MEMBER Col col(int k) const { Col c; of(k, c); return c; }
    DI_MEMBER const T* find(Where p, Tap t) const {
        int r = p.r + t.r, c = p.s + t.s;
        if ((unsigned)r >= (unsigned)s.h || (unsigned)c >= (unsigned)s.w) return 0;
        return x + (p.at + (i64)r * s.w + c) * s.c + t.at;
    }
    DI_MEMBER const T* find(Tap t, Where p) const { return find(p, t); }
    DI_MEMBER const T* any() const { return x; }
};

// With strides, only some taps reach an input row: row r = r0 + stride·i those taps p with r + pad − p·dil a
// multiple of the stride, p = first + t·step, and tap t meets output row i + at − t·back. So the input pixels
// fall into sh·sw phases, each a convolution without strides and without products by inserted zeros.
struct Phase { // of rows, or of columns
    int r0, count, first, step, taps, at, back;
};
DI Phase phase(int r0, int n, int taps, int stride, int pad, int dil) {
    int step = 1, first = 0;
    while (step * dil % stride) step++;
    while (first < step && (r0 + pad - first * dil) % stride) first++;
    taps = first < step && first < taps ? (taps - first + step - 1) / step : 0;
    int count = r0 < n ? (n - r0 + stride - 1) / stride : 0;
    return {r0, count, first, step, taps, (r0 + pad - first * dil) / stride, step * dil / stride};
}

// dz(m = input pixel of the phase, k = tap and output channel)
template <class T> struct Spread {
    static const bool k_fast = true;
    typedef Where Row;
    typedef Tap Col;
    const T* dz;
    Shape s;
    Phase y, x;
    int taps, pixels;
    DI_MEMBER Row row(int m) const {
        int j = m % x.count, bi = m / x.count, i = bi % y.count, b = bi / y.count;
        return {(i64)b * s.oh * s.ow, m < pixels ? i + y.at : -(1 << 29), j + x.at};
    }
    DI_MEMBER Col col(int k) const {
        int pq = k / s.og, p = pq / x.taps;
        return {k - pq * s.og, k < taps ? p * y.back : 1 << 29, (pq - p * x.taps) * x.back};
    }
    DI_MEMBER const T* find(Row p, Col t) const {
        int i = p.r - t.r, j = p.s - t.s;
        if ((unsigned)i >= (unsigned)s.oh || (unsigned)j >= (unsigned)s.ow) return 0;
        return dz + (p.at + (i64)i * s.ow + j) * s.oc + t.at;
    }
    DI_MEMBER const T* any() const { return dz; }
};

// weight(n = output channel, k = tap and channel), and for dx weight(n = channel, k = tap and output channel)
template <class T> struct Filter {
    static const bool k_fast = true;
    struct Row { i64 at; bool in; };
    typedef Row Col;
    const T* w;
    int n, k;
    DI_MEMBER Row row(int o) const { return {(i64)o * k, o < n}; }
    DI_MEMBER Col col(int i) const { return {i, i < k}; }
    DI_MEMBER const T* find(Row r, Col c) const { return r.in && c.in ? w + r.at + c.at : 0; }
    DI_MEMBER const T* any() const { return w; }
};
template <class T> struct FilterOfDX {
    static const bool k_fast = false;
    struct Row { i64 at; bool in; };
    typedef Row Col;
    const T* w;
    Shape s;
    Phase y, x;
    int taps;
    DI_MEMBER Row row(int c) const { return {c, c < s.cg}; }
    DI_MEMBER Col col(int k) const {
        int pq = k / s.og, o = k - pq * s.og, p = pq / x.taps, q = pq - p * x.taps;
        int tap = (y.first + p * y.step) * s.kw + x.first + q * x.step;
        return {((i64)o * s.kh * s.kw + tap) * s.cg, k < taps};
    }
    DI_MEMBER const T* find(Row r, Col c) const { return r.in && c.in ? w + r.at + c.at : 0; }
    DI_MEMBER const T* any() const { return w; }
};

// dz(m = output channel, k = output pixel)
template <class T> struct Pixels {
    static const bool k_fast = false;
    struct Row { i64 at; bool in; };
    typedef Row Col;
    const T* dz;
    int n, ld, k;
    DI_MEMBER Row row(int o) const { return {o, o < n}; }
    DI_MEMBER Col col(int i) const { return {(i64)i * ld, i < k}; }
    DI_MEMBER const T* find(Row r, Col c) const { return r.in && c.in ? dz + r.at + c.at : 0; }
    DI_MEMBER const T* any() const { return dz; }
};

// forward, backward_x and backward_w set the operands up; `run` multiplies them and stores through the
// epilogue.
template <class RUN, class O, class T>
DI void forward(O* y, const T* x, const T* w, const O* bias, const O* residual, float* sums, const Shape& s) {
    int g = blockIdx.z, m = s.batch * s.oh * s.ow, k = s.kh * s.kw * s.cg, o = g * s.og;
    Patches<T, false> a = {x + g * s.cg, s, k, m};
    Filter<T> b = {w + (i64)o * k, s.og, k};
    Epilogue<O> e = {y + o, bias ? bias + o : 0, residual ? residual + o : 0, s.oc, s.act, s.acc, 1, sums,
                     {}};
    RUN::product(a, b, e, m, s.og, 0, k);
}
template <class RUN, class O, class T>
DI void backward_x(O* dx, const T* dz, const T* w, const O* bias, const O* residual, const Shape& s) {
    int phases = s.sh * s.sw, g = blockIdx.z / phases, z = blockIdx.z % phases, c = g * s.cg;
    Phase y = phase(z / s.sw, s.h, s.kh, s.sh, s.ph, s.dh), x = phase(z % s.sw, s.w, s.kw, s.sw, s.pw, s.dw);
    int m = s.batch * y.count * x.count, k = y.taps * x.taps * s.og;
    x.taps = max(x.taps, 1); // a divisor, also where there is nothing to add up
    Spread<T> a = {dz + g * s.og, s, y, x, k, m};
    FilterOfDX<T> b = {w + (i64)g * s.og * s.kh * s.kw * s.cg, s, y, x, k};
    Epilogue<O> e = {dx + c, bias ? bias + c : 0, residual ? residual + c : 0, s.c, s.act, s.acc, 1, 0,
                     {x.count, y.count, s.h, s.w, s.sh, s.sw, y.r0, x.r0}};
    RUN::product(a, b, e, m, s.cg, 0, k);
}
template <class RUN, class T> DI void backward_w(float* dw, const T* dz, const T* x, const Shape& s) {
    int groups = s.oc / s.og, g = blockIdx.z % groups, z = blockIdx.z / groups;
    int n = s.kh * s.kw * s.cg, k = s.batch * s.oh * s.ow, k0 = z * s.chunk, k1 = min(k, k0 + s.chunk);
    Pixels<T> a = {dz + g * s.og, s.og, s.oc, k1};
    Patches<T, true> b = {x + g * s.cg, s, n, k1};
    Epilogue<float> e = {dw + ((i64)z * s.oc + g * s.og) * n, 0, 0, n, NO_ACTIVATION, s.acc, 1, 0, {}};
    RUN::product(a, b, e, s.og, n, k0, k1);
}
