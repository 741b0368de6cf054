// p[m,k] = x[b, i·sh−ph+p·dh, j·sw−pw+q·dw, c],  m = (b,i,j) an output pixel, k = (p,q,c) a tap and channel
// Zeros outside the picture and for kh·kw·c <= k < ld. x: (·,h,w,c) float32 or bfloat16, p: (pixels, ld)
// bfloat16, ld a multiple of 8: what makes a matrix product for tensor cores of a convolution whose channels
// are no multiple of 8 (a picture's three). A thread per 8 elements. Launch: any grid, block (256).
#include "conv2d.cuh"

template <class T> DI void patches(bf16* out, const T* x, i64 pixels, int ld, const Shape& s) {
    i64 step = (i64)gridDim.x * blockDim.x, all = pixels * (ld / 8);
    int taps = s.kh * s.kw * s.c;
    for (i64 t = (i64)blockIdx.x * blockDim.x + threadIdx.x; t < all; t += step) {
        i64 m = t / (ld / 8), b = m / ((i64)s.oh * s.ow);
        int k = (int)(t - m * (ld / 8)) * 8, ij = (int)(m - b * s.oh * s.ow);
        int i = ij / s.ow, j = ij - i * s.ow;
        int pq = k / s.c, c = k - pq * s.c, p = pq / s.kw, q = pq - p * s.kw;
        float v[8];
#pragma unroll
        for (int e = 0; e < 8; e++) {
            int row = i * s.sh - s.ph + p * s.dh, col = j * s.sw - s.pw + q * s.dw;
            bool in = k + e < taps && (unsigned)row < (unsigned)s.h && (unsigned)col < (unsigned)s.w;
            v[e] = in ? to_f32(x[((b * s.h + row) * s.w + col) * s.c + c]) : 0.0f;
            if (++c == s.c) {
                c = 0;
                if (++q == s.kw) q = 0, p++;
            }
        }
        store16(out + t * 8, v);
    }
}
KERNEL(256) patches_f32(bf16* p, const float* x, i64 pixels, int ld, Shape s) {
    patches(p, x, pixels, ld, s);
}
EXPORT(patches_f32)
KERNEL(256) patches_bf16(bf16* p, const bf16* x, i64 pixels, int ld, Shape s) {
    patches(p, x, pixels, ld, s);
}
EXPORT(patches_bf16)
