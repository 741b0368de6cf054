// y[b,i,j,o] = act(bias[o] + residual + Σ_{p,q,c} x[b, i·sh−ph+p·dh, j·sw−pw+q·dw, g·cg+c]·weight[o,p,q,c])
// dx[b,r,s,g·cg+c] = Σ_{p,q,o} dz[b,i,j,g·og+o]·weight[g·og+o,p,q,c],  i·sh−ph+p·dh = r, j·sw−pw+q·dw = s
// dw[o,p,q,c] = Σ_{b,i,j} dz[b,i,j,o]·x[...]
// x: (batch,h,w,c), y, dz: (batch,oh,ow,oc), weight: (oc,kh,kw,cg), cg = c/groups, og = oc/groups. Implicit
// matrix products: the patches are never written. Launch: grid (tiles of m, tiles of n, groups · chunks of
// k), block (256):
//   fwd  m = batch·oh·ow, n = og,       k = kh·kw·cg      dx  m = batch·h·w, n = cg, k = kh·kw·og
//   dw   m = og,          n = kh·kw·cg, k = batch·oh·ow, in chunks, each into a dw of its own
// A transposed convolution is the convolution from its output to its input, run backwards: its forward is dx
// here, with an epilogue, its dx is fwd, and its dw is dw with x and dz exchanged.
#include "epilogue.cuh"
#include "tile.cuh"

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
    DI_MEMBER float at(Where p, Tap t) const {
        int r = p.r + t.r, c = p.s + t.s;
        if ((unsigned)r >= (unsigned)s.h || (unsigned)c >= (unsigned)s.w) return 0.0f;
        return to_f32(x[(p.at + (i64)r * s.w + c) * s.c + t.at]);
    }
    DI_MEMBER float at(Tap t, Where p) const { return at(p, t); }
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
    DI_MEMBER float at(Row p, Col t) const {
        int r = p.r - t.r, c = p.s - t.s, i = r / s.sh, j = c / s.sw;
        if (r < 0 || c < 0 || i * s.sh != r || j * s.sw != c || i >= s.oh || j >= s.ow) return 0.0f;
        return to_f32(dz[(p.at + (i64)i * s.ow + j) * s.oc + t.at]);
    }
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
    DI_MEMBER float at(Row r, Col c) const { return r.in && c.in ? to_f32(w[r.at + c.at]) : 0.0f; }
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
    DI_MEMBER float at(Row r, Col c) const { return r.in && c.in ? to_f32(w[r.at + c.at]) : 0.0f; }
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
    DI_MEMBER float at(Row r, Col c) const { return r.in && c.in ? to_f32(dz[r.at + c.at]) : 0.0f; }
};

template <class T>
DI void forward(T* y, const T* x, const T* w, const T* bias, const T* residual, const Shape& s) {
    int g = blockIdx.z, m = s.batch * s.oh * s.ow, k = s.kh * s.kw * s.cg;
    int m0 = blockIdx.x * TM, n0 = blockIdx.y * TN, o = g * s.og;
    Patches<T, false> a = {x + g * s.cg, s, k, m};
    Filter<T> b = {w + (i64)g * s.og * k, s.og, k};
    Epilogue<T> e = {y + o, bias ? bias + o : 0, residual ? residual + o : 0, s.oc, s.act, s.acc, 1};
    float acc[4][4] = {};
    tile_product(acc, a, b, m0, n0, 0, k);
    put_tile(e, acc, m0, n0, m, s.og);
}
template <class T>
DI void backward_x(T* dx, const T* dz, const T* w, const T* bias, const T* residual, const Shape& s) {
    int g = blockIdx.z, m = s.batch * s.h * s.w, k = s.kh * s.kw * s.og;
    int m0 = blockIdx.x * TM, n0 = blockIdx.y * TN, c = g * s.cg;
    Spread<T> a = {dz + g * s.og, s, k, m};
    FilterOfDX<T> b = {w + (i64)g * s.og * s.kh * s.kw * s.cg, s, k};
    Epilogue<T> e = {dx + c, bias ? bias + c : 0, residual ? residual + c : 0, s.c, s.act, s.acc, 1};
    float acc[4][4] = {};
    tile_product(acc, a, b, m0, n0, 0, k);
    put_tile(e, acc, m0, n0, m, s.cg);
}
template <class T> DI void backward_w(float* dw, const T* dz, const T* x, const Shape& s) {
    int groups = s.oc / s.og, g = blockIdx.z % groups, z = blockIdx.z / groups;
    int n = s.kh * s.kw * s.cg, k = s.batch * s.oh * s.ow, k0 = z * s.chunk, k1 = min(k, k0 + s.chunk);
    int m0 = blockIdx.x * TM, n0 = blockIdx.y * TN;
    Pixels<T> a = {dz + g * s.og, s.og, s.oc, k1};
    Patches<T, true> b = {x + g * s.cg, s, n, k1};
    Epilogue<float> e = {dw + ((i64)z * s.oc + g * s.og) * n, 0, 0, n, NO_ACTIVATION, s.acc, 1};
    float acc[4][4] = {};
    tile_product(acc, a, b, m0, n0, k0, k1);
    put_tile(e, acc, m0, n0, s.og, n);
}
KERNEL(256)
conv2d_fwd_f32(float* y, const float* x, const float* w, const float* bias, const float* res, Shape s) {
    forward(y, x, w, bias, res, s);
}
EXPORT(conv2d_fwd_f32)
KERNEL(256)
conv2d_dx_f32(float* dx, const float* dz, const float* w, const float* bias, const float* res, Shape s) {
    backward_x(dx, dz, w, bias, res, s);
}
EXPORT(conv2d_dx_f32)
KERNEL(256) conv2d_dw_f32(float* dw, const float* dz, const float* x, Shape s) { backward_w(dw, dz, x, s); }
EXPORT(conv2d_dw_f32)
