// Loops over elements: the grid strides over n, 16 bytes a thread where every operand is aligned, one by one
// where not and at the end. Launch: any grid, block (256).
#pragma once
#include "common.cuh"

// y[i] = f(a[i], b[i]) (+ y[i] if acc)
template <class T, class F>
DI void map2(T* y, const T* a, const T* b, i64 n, int acc, F f) {
    const int V = per16<T>::n;
    i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x, step = (i64)gridDim.x * blockDim.x, done = 0;
    if (aligned16(y) && aligned16(a) && aligned16(b)) {
        for (i64 i = first; i < n / V; i += step) {
            float u[V], v[V], old[V];
            load16(u, a + i * V);
            load16(v, b + i * V);
            if (acc) load16(old, y + i * V);
#pragma unroll
            for (int k = 0; k < V; k++) u[k] = f(u[k], v[k]) + (acc ? old[k] : 0.0f);
            store16(y + i * V, u);
        }
        done = n / V * V;
    }
    for (i64 i = done + first; i < n; i += step) put(y + i, f(to_f32(a[i]), to_f32(b[i])), acc);
}

// y[i] = f(x[i]) (+ y[i] if acc)
template <class T, class F>
DI void map1(T* y, const T* x, i64 n, int acc, F f) {
    const int V = per16<T>::n;
    i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x, step = (i64)gridDim.x * blockDim.x, done = 0;
    if (aligned16(y) && aligned16(x)) {
        for (i64 i = first; i < n / V; i += step) {
            float u[V], old[V];
            load16(u, x + i * V);
            if (acc) load16(old, y + i * V);
#pragma unroll
            for (int k = 0; k < V; k++) u[k] = f(u[k]) + (acc ? old[k] : 0.0f);
            store16(y + i * V, u);
        }
        done = n / V * V;
    }
    for (i64 i = done + first; i < n; i += step) put(y + i, f(to_f32(x[i])), acc);
}
