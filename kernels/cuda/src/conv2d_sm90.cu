// The convolutions of conv2d.cu with bfloat16 operands, sm_90a: implicit products by tensor maps and wgmma
// One group, c a multiple of 64 (dx: of 8, and oc of 8), all at multiples of 16 bytes. The patches of a
// picture are fetched as they are multiplied: the tensor map walks over the positions of the window, and a
// tap is an offset of all of them. Zeros outside the picture are the padding. Launch: ring.cuh, at most a
// block per tile, for
//   fwd  m = batch·oh·ow, n = oc, 64 of c of one tap a step. Maps: x 64 channels x 128 positions, w N x 64
//   dx   of one phase (conv2d.cuh): m = its input pixels, n = c, 64 of oc of one tap a step. Maps: dz 64
//        channels x 128 positions, w 64 x 64
//   dw   m = oc, n = taps·c, 64 output pixels a step, in chunks, each into a dw of its own. Maps: dz 64 x 64,
//        x 64 channels x 64 positions
#include "conv2d.cuh"
#include "ring.cuh"

struct Start { // the position of a pixel of down x across: its picture, row and column
    int n, i, j;
};
DI Start start_of(int pixel, int down, int across) {
    int bi = pixel / across;
    return {bi / down, bi % down, pixel % across};
}

template <class O, int N> struct ConvJob {
    static const bool A_ACROSS = false, B_ACROSS = false;
    const tensormap *mx, *mw;
    O* y;
    const O *bias, *residual;
    float* sums;
    Shape s;
    int m, n, tiles;
    DI_MEMBER Tile tile(int i) const {
        Tile t = tile_of(i, m, n, N);
        t.steps = s.kh * s.kw * (s.c / 64);
        return t;
    }
    DI_MEMBER void fetch(bf16* a, bf16* b, mbarrier* full, const Tile& t, int step) const {
        int tap = step / (s.c / 64), c = (step - tap * (s.c / 64)) * 64, p = tap / s.kw, q = tap - p * s.kw;
        Start at = start_of(t.m0, s.oh, s.ow);
        tma_patches(a, mx, full, c, at.j * s.sw - s.pw, at.i * s.sh - s.ph, at.n, q * s.dw, p * s.dh);
        tma_load(b, mw, full, step * 64, t.n0);
    }
    DI_MEMBER Epilogue<O> epilogue(const Tile&) const {
        return {y, bias, residual, s.oc, s.act, s.acc, 1, sums, {}};
    }
};

template <class O, int N> struct ConvJobDX {
    static const bool A_ACROSS = false, B_ACROSS = true;
    const tensormap *mdz, *mw;
    O* dx;
    const O *bias, *residual;
    Shape s;
    Phase y, x;
    int m, n, tiles;
    DI_MEMBER Tile tile(int i) const {
        Tile t = tile_of(i, m, n, N);
        t.steps = y.taps * x.taps * ((s.oc + 63) / 64);
        return t;
    }
    // The map's first position is what the last tap meets.
    DI_MEMBER void fetch(bf16* a, bf16* b, mbarrier* full, const Tile& t, int step) const {
        int parts = (s.oc + 63) / 64, tap = step / parts, o = (step - tap * parts) * 64, p = tap / x.taps;
        int q = tap - p * x.taps, down = (y.taps - 1) * y.back, right = (x.taps - 1) * x.back;
        Start at = start_of(t.m0, y.count, x.count);
        tma_patches(a, mdz, full, o, at.j + x.at - right, at.i + y.at - down, at.n, right - q * x.back,
                    down - p * y.back);
        int c = ((y.first + p * y.step) * s.kw + x.first + q * x.step) * s.c + t.n0;
#pragma unroll
        for (int i = 0; i < N / 64; i++) tma_load(b + i * 64 * RK, mw, full, c + 64 * i, o);
    }
    DI_MEMBER Epilogue<O> epilogue(const Tile&) const {
        return {dx, bias, residual, s.c, s.act, s.acc, 1, 0,
                {x.count, y.count, s.h, s.w, s.sh, s.sw, y.r0, x.r0}};
    }
};

template <int N> struct ConvJobDW {
    static const bool A_ACROSS = true, B_ACROSS = true;
    const tensormap *mdz, *mx;
    float* dw;
    Shape s;
    int m, n, tiles;
    DI_MEMBER Tile tile(int i) const {
        Tile t = tile_of(i, m, n, N);
        int pixels = s.batch * s.oh * s.ow;
        t.steps = (min(s.chunk, pixels - t.z * s.chunk) + RK - 1) / RK;
        return t;
    }
    DI_MEMBER void fetch(bf16* a, bf16* b, mbarrier* full, const Tile& t, int step) const {
        int k = t.z * s.chunk + step * RK;
        Start at = start_of(k, s.oh, s.ow);
#pragma unroll
        for (int i = 0; i < RM / 64; i++) tma_load(a + i * 64 * RK, mdz, full, t.m0 + 64 * i, k);
#pragma unroll
        for (int i = 0; i < N / 64; i++) {
            int box = t.n0 / 64 + i, tap = box / (s.c / 64), c = (box - tap * (s.c / 64)) * 64;
            int p = tap / s.kw;
            if (tap >= s.kh * s.kw) p = tap = 0, c = s.c; // zeros
            tma_patches(b + i * 64 * RK, mx, full, c, at.j * s.sw - s.pw, at.i * s.sh - s.ph, at.n,
                        (tap - p * s.kw) * s.dw, p * s.dh);
        }
    }
    DI_MEMBER Epilogue<float> epilogue(const Tile& t) const {
        return {dw + (i64)t.z * m * n, 0, 0, n, NO_ACTIVATION, s.acc, 1, 0, {}};
    }
};

#define CONV(N, SUFFIX, O)                                                                                   \
    KERNEL_SM90                                                                                              \
    conv2d_fwd_##N##_sm90_##SUFFIX(O* y, tensormap x, tensormap w, const O* bias, const O* res, float* sums, \
                                   Shape s) {                                                                \
        int m = s.batch * s.oh * s.ow;                                                                       \
        ConvJob<O, N> job = {PARAMETER(conv2d_fwd_##N##_sm90_##SUFFIX, 1, x),                                \
                             PARAMETER(conv2d_fwd_##N##_sm90_##SUFFIX, 2, w), y, bias, res, sums, s, m,      \
                             s.oc, tiles_of(m, s.oc, N)};                                                    \
        run<N>(job);                                                                                         \
    }                                                                                                        \
    EXPORT(conv2d_fwd_##N##_sm90_##SUFFIX)                                                                   \
    KERNEL_SM90                                                                                              \
    conv2d_dx_##N##_sm90_##SUFFIX(O* dx, tensormap dz, tensormap w, const O* bias, const O* res, Shape s,    \
                                  int row, int col) {                                                        \
        Phase py = phase(row, s.h, s.kh, s.sh, s.ph, s.dh), px = phase(col, s.w, s.kw, s.sw, s.pw, s.dw);    \
        int m = s.batch * py.count * px.count;                                                               \
        ConvJobDX<O, N> job = {PARAMETER(conv2d_dx_##N##_sm90_##SUFFIX, 1, dz),                              \
                               PARAMETER(conv2d_dx_##N##_sm90_##SUFFIX, 2, w), dx, bias, res, s, py, px, m,  \
                               s.c, tiles_of(m, s.c, N)};                                                    \
        run<N>(job);                                                                                         \
    }                                                                                                        \
    EXPORT(conv2d_dx_##N##_sm90_##SUFFIX)
#define WIDTH(N)                                                                                             \
    CONV(N, f32, float)                                                                                      \
    CONV(N, bf16, bf16)                                                                                      \
    KERNEL_SM90 conv2d_dw_##N##_sm90(float* dw, tensormap dz, tensormap x, Shape s) {                        \
        int n = s.kh * s.kw * s.c, pixels = s.batch * s.oh * s.ow, parts = (pixels + s.chunk - 1) / s.chunk; \
        ConvJobDW<N> job = {PARAMETER(conv2d_dw_##N##_sm90, 1, dz), PARAMETER(conv2d_dw_##N##_sm90, 2, x),   \
                            dw, s, s.oc, n, parts * tiles_of(s.oc, n, N)};                                   \
        run<N>(job);                                                                                         \
    }                                                                                                        \
    EXPORT(conv2d_dw_##N##_sm90)
WIDTH(64)
WIDTH(128)
WIDTH(256)
