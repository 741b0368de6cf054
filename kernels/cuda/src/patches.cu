// p[m,k] = x[b, i·sh−ph+p·dh, j·sw−pw+q·dw, c],  m = (b,i,j) an output pixel, k = (p,q,c) a tap and channel
// Zeros outside the picture and for kh·kw·c <= k < ld. x: (·,h,w,c) float32 or bfloat16, p: (pixels, ld)
// bfloat16, ld a multiple of 8: what makes a matrix product for tensor cores of a convolution whose channels
// are no multiple of 8 (a picture's three). A thread has 8 elements of a patch, which it divides into taps
// once, and walks over the pixels. Launch: grid (any), block (x up to ld/8, y for pixels), 256 threads at most.
#include "conv2d.cuh"

template <class T> DI void patches(bf16* out, const T* x, int pixels, int ld, const Shape& s) {
    for (int k = threadIdx.x * 8; k < ld; k += blockDim.x * 8) {
        int down[8], right[8], at[8]; // from a window's first element on
#pragma unroll
        for (int e = 0; e < 8; e++) {
            int pq = (k + e) / s.c, p = pq / s.kw, q = pq - p * s.kw;
            bool in = pq < s.kh * s.kw;
            down[e] = in ? p * s.dh : 1 << 29, right[e] = q * s.dw;
            at[e] = in ? (down[e] * s.w + right[e]) * s.c + k + e - pq * s.c : 0;
        }
        for (int m = blockIdx.x * blockDim.y + threadIdx.y; m < pixels; m += gridDim.x * blockDim.y) {
            int bi = m / s.ow, b = bi / s.oh;
            int row = (bi - b * s.oh) * s.sh - s.ph, col = (m - bi * s.ow) * s.sw - s.pw;
            const T* from = x + (((i64)b * s.h + row) * s.w + col) * s.c;
            float v[8];
#pragma unroll
            for (int e = 0; e < 8; e++) {
                bool below = (unsigned)(row + down[e]) < (unsigned)s.h;
                bool in = below && (unsigned)(col + right[e]) < (unsigned)s.w;
                v[e] = in ? to_f32(from[at[e]]) : 0.0f;
            }
            store16(out + (i64)m * ld + k, v);
        }
    }
}
KERNEL(256) patches_f32(bf16* p, const float* x, int pixels, int ld, Shape s) {
    patches(p, x, pixels, ld, s);
}
EXPORT(patches_f32)
KERNEL(256) patches_bf16(bf16* p, const bf16* x, int pixels, int ld, Shape s) {
    patches(p, x, pixels, ld, s);
}
EXPORT(patches_bf16)
