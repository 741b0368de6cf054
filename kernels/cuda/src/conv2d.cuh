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

// dz(m = input pixel, k = tap and output channel)
template <class T> struct Spread {
    static const bool k_fast = true;
    typedef Where Row;
    typedef Tap Col;
    const T* dz;
    Shape s;
    int taps, pixels;
    DI_MEMBER Row row(int m) const {
        int c = m % s.w, br = m / s.w, r = br % s.h, b = br / s.h;
        return {(i64)b * s.oh * s.ow, m < pixels ? r + s.ph : -(1 << 29), c + s.pw};
    }
    DI_MEMBER Col col(int k) const {
        int pq = k / s.og, p = pq / s.kw;
        return {k - pq * s.og, k < taps ? p * s.dh : 1 << 29, (pq - p * s.kw) * s.dw};
    }
    DI_MEMBER const T* find(Row p, Col t) const {
        int r = p.r - t.r, c = p.s - t.s, i = r / s.sh, j = c / s.sw;
        if (r < 0 || c < 0 || i * s.sh != r || j * s.sw != c || i >= s.oh || j >= s.ow) return 0;
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
    int taps;
    DI_MEMBER Row row(int c) const { return {c, c < s.cg}; }
    DI_MEMBER Col col(int k) const {
        int pq = k / s.og, o = k - pq * s.og;
        return {((i64)o * s.kh * s.kw + pq) * s.cg, k < taps};
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
DI void forward(O* y, const T* x, const T* w, const O* bias, const O* residual, const Shape& s) {
    int g = blockIdx.z, m = s.batch * s.oh * s.ow, k = s.kh * s.kw * s.cg, o = g * s.og;
    Patches<T, false> a = {x + g * s.cg, s, k, m};
    Filter<T> b = {w + (i64)o * k, s.og, k};
    Epilogue<O> e = {y + o, bias ? bias + o : 0, residual ? residual + o : 0, s.oc, s.act, s.acc, 1};
    RUN::product(a, b, e, m, s.og, 0, k);
}
template <class RUN, class O, class T>
DI void backward_x(O* dx, const T* dz, const T* w, const O* bias, const O* residual, const Shape& s) {
    int g = blockIdx.z, m = s.batch * s.h * s.w, k = s.kh * s.kw * s.og, c = g * s.cg;
    Spread<T> a = {dz + g * s.og, s, k, m};
    FilterOfDX<T> b = {w + (i64)g * s.og * s.kh * s.kw * s.cg, s, k};
    Epilogue<O> e = {dx + c, bias ? bias + c : 0, residual ? residual + c : 0, s.c, s.act, s.acc, 1};
    RUN::product(a, b, e, m, s.cg, 0, k);
}
template <class RUN, class T> DI void backward_w(float* dw, const T* dz, const T* x, const Shape& s) {
    int groups = s.oc / s.og, g = blockIdx.z % groups, z = blockIdx.z / groups;
    int n = s.kh * s.kw * s.cg, k = s.batch * s.oh * s.ow, k0 = z * s.chunk, k1 = min(k, k0 + s.chunk);
    Pixels<T> a = {dz + g * s.og, s.og, s.oc, k1};
    Patches<T, true> b = {x + g * s.cg, s, n, k1};
    Epilogue<float> e = {dw + ((i64)z * s.oc + g * s.og) * n, 0, 0, n, NO_ACTIVATION, s.acc, 1};
    RUN::product(a, b, e, s.og, n, k0, k1);
}
