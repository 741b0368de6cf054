// y[t] = Σ_s p[t,s]·v[s],  p[t,:] = softmax_s(q[t]·k[s]/√hd),  lse[t] = log Σ_s exp(q[t]·k[s]/√hd), head by
// head q: (b,tq,·), k, v: (b,tk,·) with ldq, ldk, ldv elements from one token to the next, a head's hd side
// by side; y: (b,tq,nh,hd); lse: (b,nh,tq) or null; p: (b,nh,tq,tk). hd at most 128. A block keeps 64 queries
// and walks over the keys, 64 at a time, with a running maximum and sum (Dao et al. 2022). Launch: grid
// (ceil(tq/64), nh, b), block (256), 4·(hd·68·2 + 64·68·2) bytes of dynamic shared memory at most.
#include "attention.cuh"

// Scaled scores of 64 queries against 64 keys from s0 on, −∞ behind the last key; row maxima and sums are
// those of a half warp, which shares its rows.
DI void masked(float (&s)[4][4], const Shape& o, int s0) {
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) s[i][j] = s0 + col() + j < o.tk ? s[i][j] * o.scale : -INF;
}

// Moves the running maximum m and sum l on by a tile of scores, which becomes exp(s − m); gives what the sums
// so far must be multiplied by.
DI float4 online(float (&s)[4][4], float (&m)[4], float (&l)[4]) {
    float f[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float top = half_max(fmaxf(fmaxf(s[i][0], s[i][1]), fmaxf(s[i][2], s[i][3])));
        top = fmaxf(m[i], top);
        f[i] = exp_f32(m[i] - top), m[i] = top;
        float sum = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++) s[i][j] = exp_f32(s[i][j] - top), sum += s[i][j];
        l[i] = l[i] * f[i] + half_sum(sum);
    }
    return make_float4(f[0], f[1], f[2], f[3]);
}

template <class T> DI void forward(T* y, float* lse, const T* q, const T* k, const T* v, const Shape& o) {
    DYNAMIC_SHARED(memory);
    Panel qs = (Panel)memory, ks = qs + o.hd, ps = ks + o.hd;
    float* vs = (float*)(ps + 64);
    int t0 = blockIdx.x * 64, h = blockIdx.y, b = blockIdx.z;
    load_panel(qs, q + (i64)b * o.tq * o.ldq + h * o.hd, t0, o.tq, o.ldq, o.hd);
    float m[4] = {-INF, -INF, -INF, -INF}, l[4] = {}, acc[4][8] = {};
    for (int s0 = 0; s0 < o.tk; s0 += 64) {
        __syncthreads();
        load_panel(ks, k + (i64)b * o.tk * o.ldk + h * o.hd, s0, o.tk, o.ldk, o.hd);
        for (int i = threadIdx.x; i < 64 * o.hd; i += 256) {
            int s = i / o.hd, d = i % o.hd;
            const T* from = v + ((i64)b * o.tk + s0 + s) * o.ldv + h * o.hd + d;
            vs[s * 128 + d] = s0 + s < o.tk ? to_f32(*from) : 0.0f;
        }
        __syncthreads();
        float s[4][4] = {};
        dot_panels(s, qs, ks, o.hd);
        masked(s, o, s0);
        float4 f = online(s, m, l);
        float scale[4] = {f.x, f.y, f.z, f.w};
        store_tile(ps, s);
        __syncthreads();
#pragma unroll
        for (int j = 0; j < 8; j++) {
            int d = threadIdx.x % 16 + 16 * j;
            if (d >= o.hd) break;
#pragma unroll
            for (int i = 0; i < 4; i++) acc[i][j] *= scale[i];
            for (int c = 0; c < 64; c++) {
                float4 p = *(const float4*)&ps[c][row()];
                float x = vs[c * 128 + d];
                acc[0][j] = fmaf(p.x, x, acc[0][j]), acc[1][j] = fmaf(p.y, x, acc[1][j]);
                acc[2][j] = fmaf(p.z, x, acc[2][j]), acc[3][j] = fmaf(p.w, x, acc[3][j]);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int t = t0 + row() + i;
        if (t >= o.tq) break;
        float inv = 1.0f / l[i];
        if (lse && threadIdx.x % 16 == 0) lse[((i64)b * o.nh + h) * o.tq + t] = m[i] + log_f32(l[i]);
        for (int j = 0; j < 8 && 16 * j + (int)threadIdx.x % 16 < o.hd; j++)
            put(y + (((i64)b * o.tq + t) * o.nh + h) * o.hd + threadIdx.x % 16 + 16 * j, acc[i][j] * inv);
    }
}

// Twice over the keys: for the maximum and the sum, and for the probabilities.
template <class T> DI void map(T* p, const T* q, const T* k, const Shape& o) {
    DYNAMIC_SHARED(memory);
    Panel qs = (Panel)memory, ks = qs + o.hd;
    int t0 = blockIdx.x * 64, h = blockIdx.y, b = blockIdx.z;
    load_panel(qs, q + (i64)b * o.tq * o.ldq + h * o.hd, t0, o.tq, o.ldq, o.hd);
    float m[4] = {-INF, -INF, -INF, -INF}, l[4] = {};
    for (int pass = 0; pass < 2; pass++)
        for (int s0 = 0; s0 < o.tk; s0 += 64) {
            __syncthreads();
            load_panel(ks, k + (i64)b * o.tk * o.ldk + h * o.hd, s0, o.tk, o.ldk, o.hd);
            __syncthreads();
            float s[4][4] = {};
            dot_panels(s, qs, ks, o.hd);
            masked(s, o, s0);
            if (pass == 0) {
                online(s, m, l);
                continue;
            }
            for (int i = 0; i < 4 && t0 + row() + i < o.tq; i++)
                for (int j = 0; j < 4 && s0 + col() + j < o.tk; j++)
                    put(p + (((i64)b * o.nh + h) * o.tq + t0 + row() + i) * o.tk + s0 + col() + j,
                        exp_f32(s[i][j] - m[i]) / l[i]);
        }
}

KERNEL(256) attention_fwd_f32(float* y, float* lse, const float* q, const float* k, const float* v, Shape o) {
    forward(y, lse, q, k, v, o);
}
EXPORT(attention_fwd_f32)
KERNEL(256) attention_fwd_bf16(bf16* y, float* lse, const bf16* q, const bf16* k, const bf16* v, Shape o) {
    forward(y, lse, q, k, v, o);
}
EXPORT(attention_fwd_bf16)
KERNEL(256) attention_map_f32(float* p, const float* q, const float* k, Shape o) { map(p, q, k, o); }
EXPORT(attention_map_f32)
KERNEL(256) attention_map_bf16(bf16* p, const bf16* q, const bf16* k, Shape o) { map(p, q, k, o); }
EXPORT(attention_map_bf16)
