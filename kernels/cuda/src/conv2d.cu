// y[b,i,j,o] = act(bias[o] + residual + Σ_{p,q,c} x[b, i·sh−ph+p·dh, j·sw−pw+q·dw, g·cg+c]·weight[o,p,q,c])
// dx[b,r,s,g·cg+c] = Σ_{p,q,o} dz[b,i,j,g·og+o]·weight[g·og+o,p,q,c],  i·sh−ph+p·dh = r, j·sw−pw+q·dw = s
// dw[o,p,q,c] = Σ_{b,i,j} dz[b,i,j,o]·x[...]
// x: (batch,h,w,c), y, dz: (batch,oh,ow,oc), weight: (oc,kh,kw,cg), cg = c/groups, og = oc/groups. Implicit
// matrix products: the patches are never written. Launch: grid (tiles of m, tiles of n, groups · chunks of
// k), block (256):
//   fwd  m = batch·oh·ow, n = og,       k = kh·kw·cg      dx  m = batch·h·w, n = cg, k = kh·kw·og
// (dx: m of the largest phase, and z runs over groups · sh·sw phases: see Phase in conv2d.cuh)
//   dw   m = og,          n = kh·kw·cg, k = batch·oh·ow, in chunks, each into a dw of its own
// A transposed convolution is the convolution from its output to its input, run backwards: its forward is dx
// here, with an epilogue, its dx is fwd, and its dw is dw with x and dz exchanged.
#include "conv2d.cuh"
#include "tile.cuh"

struct Scalars {
    template <class A, class B, class E>
    DI_MEMBER static void product(const A& a, const B& b, const E& e, int m, int n, int k0, int k1) {
        int m0 = blockIdx.x * TM, n0 = blockIdx.y * TN;
        if (m0 >= m) return; // a phase with fewer pixels
        float acc[4][4] = {};
        tile_product(acc, a, b, m0, n0, k0, k1);
        put_tile(e, acc, m0, n0, m, n);
    }
};

#define CONV(SUFFIX, T)                                                                                      \
    KERNEL_TILE(2) conv2d_fwd_##SUFFIX(T* y, const T* x, const T* w, const T* bias, const T* res, Shape s) { \
        forward<Scalars>(y, x, w, bias, res, 0, s);                                                          \
    }                                                                                                        \
    EXPORT(conv2d_fwd_##SUFFIX)                                                                              \
    KERNEL_TILE(3) conv2d_dx_##SUFFIX(T* dx, const T* dz, const T* w, const T* bias, const T* res,           \
                                      Shape s) {                                                             \
        backward_x<Scalars>(dx, dz, w, bias, res, s);                                                        \
    }                                                                                                        \
    EXPORT(conv2d_dx_##SUFFIX)                                                                               \
    KERNEL_TILE(3) conv2d_dw_##SUFFIX(float* dw, const T* dz, const T* x, Shape s) {                         \
        backward_w<Scalars>(dw, dz, x, s);                                                                   \
    }                                                                                                        \
    EXPORT(conv2d_dw_##SUFFIX)
CONV(f32, float)
CONV(bf16, bf16)
