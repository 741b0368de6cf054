// With p[t,s] = exp(q[t]·k[s]/√hd − lse[t]), δ[t] = dy[t]·y[t], ds[t,s] = p[t,s]·(dy[t]·v[s] − δ[t])/√hd:
//   dq[t] = Σ_s ds[t,s]·k[s],  dk[s] = Σ_t ds[t,s]·q[t],  dv[s] = Σ_t p[t,s]·dy[t]   (added, if acc)
// Layouts as in attention.cu; dq, dk, dv as q, k, v; dy as y. A block keeps 64 queries (dq) or 64 keys (dk
// and dv) and walks over the others: p is computed twice, and nothing is added up by atomics. Launch: delta:
// grid (ceil(b·tq·nh/32)), block (256). dq: grid (ceil(tq/64), nh, b), dkv: grid (ceil(tk/64), nh, b), block
// (256), 4·(hd·68·4 + 64·68) bytes of dynamic shared memory.
#include "attention.cuh"

// Eight lanes per token and head, 16 bytes a lane if the rows are aligned; delta: (b,nh,tq).
template <class T> DI void dots(float* delta, const T* dy, const T* y, const Shape& o) {
    const int V = per16<T>::n;
    int r = blockIdx.x * 32 + threadIdx.x / 8, lane = threadIdx.x % 8; // (b,tq,nh)
    bool in = r < o.b * o.tq * o.nh;
    const T *u = dy + (i64)r * o.hd, *w = y + (i64)r * o.hd;
    float s = 0.0f;
    if (o.hd % V == 0 && aligned16(dy) && aligned16(y)) {
        for (int d = lane * V; in && d < o.hd; d += 8 * V) {
            float a[V], b[V];
            load16(a, u + d);
            load16(b, w + d);
#pragma unroll
            for (int k = 0; k < V; k++) s = fmaf(a[k], b[k], s);
        }
    } else
        for (int d = lane; in && d < o.hd; d += 8) s = fmaf(to_f32(u[d]), to_f32(w[d]), s);
#pragma unroll
    for (int k = 4; k; k >>= 1) s += __shfl_xor_sync(ALL, s, k);
    int h = r % o.nh, t = r / o.nh % o.tq, b = r / o.nh / o.tq;
    if (in && lane == 0) delta[((i64)b * o.nh + h) * o.tq + t] = s;
}

// acc[i][j] += Σ_c tile[c][row + i]·panel[t%16 + 16j][c]
DI void add_product(float (&acc)[4][8], Panel tile, Panel panel, int hd) {
#pragma unroll
    for (int j = 0; j < 8; j++) {
        int d = threadIdx.x % 16 + 16 * j;
        if (d >= hd) break;
        for (int c = 0; c < 64; c++) {
            float4 p = *(const float4*)&tile[c][row()];
            float x = panel[d][c];
            acc[0][j] = fmaf(p.x, x, acc[0][j]), acc[1][j] = fmaf(p.y, x, acc[1][j]);
            acc[2][j] = fmaf(p.z, x, acc[2][j]), acc[3][j] = fmaf(p.w, x, acc[3][j]);
        }
    }
}
template <class T>
DI void put_rows(T* to, const float (&acc)[4][8], int t0, int n, int ld, int hd, int add) {
    for (int i = 0; i < 4 && t0 + row() + i < n; i++)
        for (int j = 0; j < 8 && 16 * j + (int)threadIdx.x % 16 < hd; j++)
            put(to + (i64)(t0 + row() + i) * ld + threadIdx.x % 16 + 16 * j, acc[i][j], add);
}

// KEYS: rows are keys and the block walks over queries; else the other way round. a1, a2 stay (k, v or q,
// dy), b1, b2 are walked over (q, dy or k, v); g1 is dk or dq, g2 is dv.
template <bool KEYS, class T>
DI void backward(T* g1, T* g2, const T* a1, const T* a2, const T* b1, const T* b2, int ld_a1, int ld_a2,
                 int ld_b1, int ld_b2, const float* lse, const float* delta, const Shape& o, int add1,
                 int add2) {
    DYNAMIC_SHARED(memory);
    Panel r1 = (Panel)memory, r2 = r1 + o.hd, c1 = r2 + o.hd, c2 = c1 + o.hd, tile = c2 + o.hd;
    int n = KEYS ? o.tk : o.tq, other = KEYS ? o.tq : o.tk;
    int t0 = blockIdx.x * 64, h = blockIdx.y, b = blockIdx.z;
    lse += ((i64)b * o.nh + h) * o.tq, delta += ((i64)b * o.nh + h) * o.tq;
    load_panel(r1, a1 + (i64)b * n * ld_a1 + h * o.hd, t0, n, ld_a1, o.hd);
    load_panel(r2, a2 + (i64)b * n * ld_a2 + h * o.hd, t0, n, ld_a2, o.hd);
    float d1[4][8] = {}, d2[4][8] = {};
    for (int s0 = 0; s0 < other; s0 += 64) {
        __syncthreads();
        load_panel(c1, b1 + (i64)b * other * ld_b1 + h * o.hd, s0, other, ld_b1, o.hd);
        load_panel(c2, b2 + (i64)b * other * ld_b2 + h * o.hd, s0, other, ld_b2, o.hd);
        __syncthreads();
        float p[4][4] = {}, ds[4][4] = {};
        dot_panels(p, r1, c1, o.hd);
        dot_panels(ds, r2, c2, o.hd);
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int r = t0 + row() + i, c = s0 + col() + j, t = KEYS ? c : r;
                bool in = r < n && c < other;
                p[i][j] = in ? exp_f32(p[i][j] * o.scale - lse[t]) : 0.0f;
                ds[i][j] = in ? p[i][j] * (ds[i][j] - delta[t]) * o.scale : 0.0f;
            }
        if (KEYS) {
            store_tile(tile, p);
            __syncthreads();
            add_product(d2, tile, c2, o.hd);
            __syncthreads();
        }
        store_tile(tile, ds);
        __syncthreads();
        add_product(d1, tile, c1, o.hd);
    }
    if (g1) put_rows(g1 + (i64)b * n * ld_a1 + h * o.hd, d1, t0, n, ld_a1, o.hd, add1);
    if (KEYS && g2) put_rows(g2 + (i64)b * n * ld_a2 + h * o.hd, d2, t0, n, ld_a2, o.hd, add2);
}

#define BACKWARD(SUFFIX, T)                                                                                  \
    KERNEL(256) attention_delta_##SUFFIX(float* delta, const T* dy, const T* y, Shape o) {                   \
        dots(delta, dy, y, o);                                                                               \
    }                                                                                                        \
    EXPORT(attention_delta_##SUFFIX)                                                                         \
    KERNEL(256) attention_dq_##SUFFIX(T* dq, const T* q, const T* k, const T* v, const T* dy,                \
                                      const float* lse, const float* delta, Shape o, int acc) {              \
        backward<false>(dq, (T*)0, q, dy, k, v, o.ldq, o.nh * o.hd, o.ldk, o.ldv, lse, delta, o, acc, 0);    \
    }                                                                                                        \
    EXPORT(attention_dq_##SUFFIX)                                                                            \
    KERNEL(256) attention_dkv_##SUFFIX(T* dk, T* dv, const T* q, const T* k, const T* v, const T* dy,        \
                                       const float* lse, const float* delta, Shape o, int acc_k,             \
                                       int acc_v) {                                                          \
        backward<true>(dk, dv, k, v, q, dy, o.ldk, o.ldv, o.ldq, o.nh * o.hd, lse, delta, o, acc_k, acc_v);  \
    }                                                                                                        \
    EXPORT(attention_dkv_##SUFFIX)
BACKWARD(f32, float)
BACKWARD(bf16, bf16)
