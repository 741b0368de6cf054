// exp, log and the normal distribution in float32, to about one unit in the last place. There is no
// libdevice, and the emulator computes the same.
#pragma once
#include "common.cuh"

// e^x = 2^k·e^r, k = round(x·log2 e), r = x − k·ln 2 in two parts; e^r by its series to r^7/7!, 2^k in two
// steps so that results below the normal numbers come out right.
DI float exp_f32(float x) {
    const float ROUND = 12582912.0f; // 1.5·2^23: added to a number, it leaves its integer part
    float c = x > 89.0f ? 89.0f : x < -104.0f ? -104.0f : x; // a NaN stays
    float k = fmaf(c, 1.44269504f, ROUND) - ROUND;
    float r = fmaf(k, -0.693359375f, c);
    r = fmaf(k, 2.12194440e-4f, r);
    float p = fmaf(r, 1.98412698e-4f, 1.38888889e-3f);
    p = fmaf(p, r, 8.33333333e-3f);
    p = fmaf(p, r, 4.16666667e-2f);
    p = fmaf(p, r, 1.66666667e-1f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p * r, r, r) + 1.0f;
    int e = (int)k, half = e >> 1;
    float a = __uint_as_float((unsigned)(half + 127) << 23);
    float b = __uint_as_float((unsigned)(e - half + 127) << 23);
    return c != c ? c : p * a * b;
}

// log x = k·ln 2 + log m, m in [√½, √2); with s = (m−1)/(m+1), log m = 2s(1 + s²/3 + s⁴/5 + ...).
DI float log_f32(float x) {
    if (!(x > 0.0f)) return x == 0.0f ? -INF : x != x ? x : __uint_as_float(0x7fc00000u);
    if (x == INF) return x;
    float k = 0.0f;
    if (x < 1.17549435e-38f) x *= 8388608.0f, k = -23.0f; // below the normal numbers
    unsigned u = __float_as_uint(x);
    int e = (int)(u - 0x3f3504f3u) >> 23; // √½ begins a step
    float m = __uint_as_float(u - ((unsigned)e << 23));
    k += (float)e;
    float s = (m - 1.0f) / (m + 1.0f), z = s * s;
    float p = fmaf(z, 0.153846154f, 0.181818182f);
    p = fmaf(p, z, 0.222222222f);
    p = fmaf(p, z, 0.285714286f);
    p = fmaf(p, z, 0.4f);
    p = fmaf(p, z, 0.666666667f);
    float l = fmaf(p * z, s, 2.0f * s);
    return fmaf(k, 0.693359375f, fmaf(k, -2.12194440e-4f, l));
}

// log(1 + x): the logarithm of u = 1 + x, and what u lost of x, to first order.
DI float log1p_f32(float x) {
    float u = 1.0f + x;
    if (!(u > 0.0f) || u == INF) return log_f32(u);
    return log_f32(u) + (x - (u - 1.0f)) / u;
}

// 1/(1 + e^−x), e^ never of a positive number
DI float sigmoid_f32(float x) {
    float e = exp_f32(-fabsf(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

// Φ(x), the normal distribution: Φ(−a) = e^(−a²/2)·M(a), and M, a quotient of two polynomials with positive
// coefficients, minimax in relative error (1.6e-8); the CPU's kernels have the same ones. density = φ(x). For a
// T of bfloat16, e^ and the quotient are approximate (1e-5): half the instructions, and no result notices.
template <class T> DI float normal(float x, float* density) {
    float a = fminf(fabsf(x), 14.6f); // beyond it, Φ(−a) is 0 in float32
    float n = fmaf(a, 0.004123856779187918f, 0.04068395867943764f);
    n = fmaf(n, a, 0.1833854466676712f);
    n = fmaf(n, a, 0.43849754333496094f);
    n = fmaf(n, a, 0.5f);
    float d = fmaf(a, 0.010336858220398426f, 0.10198593884706497f);
    d = fmaf(d, a, 0.469867467880249f);
    d = fmaf(d, a, 1.2031270265579224f);
    d = fmaf(d, a, 1.674880027770996f);
    d = fmaf(d, a, 1.0f);
    float h = a * a, e, tail;
    if (sizeof(T) == 2) {
        e = exp2_f32(h * -0.72134752f);
        tail = e * n * reciprocal_f32(d);
    } else {
        float low = fmaf(a, a, -h); // a² in two parts: its rounding would be magnified by e^
        e = exp_f32(-0.5f * h) * fmaf(-0.5f, low, 1.0f);
        tail = e * (n / d);
    }
    *density = e * 0.398942280f;
    return x != x ? x : x > 0.0f ? 1.0f - tail : tail;
}

// gelu(x) = x·Φ(x)
template <class T> DI float gelu(float x) {
    float density;
    return x * normal<T>(x, &density);
}
