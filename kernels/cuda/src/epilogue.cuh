// What happens to the sums of a product before they are stored:
//   y[m,n] = act(alpha·sum + bias[n] + residual[m,n]) (+ y[m,n] if acc)
#pragma once
#include "math.cuh"
#include "relu.cuh"

enum { NO_ACTIVATION = 0, WITH_RELU = 1, WITH_GELU = 2 }; // kernels.Activation

template <class T> struct Epilogue {
    T* y;
    const T *bias, *residual; // or null
    i64 ld;                   // elements from one row to the next, of y and residual
    int act, acc;
    float alpha;
    DI_MEMBER void put_at(int m, int n, float sum) const {
        i64 i = (i64)m * ld + n;
        float v = alpha * sum;
        if (bias) v += to_f32(bias[n]);
        if (residual) v += to_f32(residual[i]);
        if (act == WITH_RELU) v = relu(v);
        if (act == WITH_GELU) v = gelu_f32(v);
        put(y + i, v, acc);
    }
};

// The 4x4 outputs of a thread of tile_product (tile.cuh).
template <class T>
DI void put_tile(const Epilogue<T>& e, const float (&acc)[4][4], int m0, int n0, int m1, int n1) {
    int ty = m0 + threadIdx.x / 16 * 4, tx = n0 + threadIdx.x % 16 * 4;
#pragma unroll
    for (int r = 0; r < 4; r++)
#pragma unroll
        for (int c = 0; c < 4; c++)
            if (ty + r < m1 && tx + c < n1) e.put_at(ty + r, tx + c, acc[r][c]);
}
