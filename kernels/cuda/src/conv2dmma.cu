// The convolutions of conv2d.cu with bfloat16 operands on tensor cores; outputs, bias and residual in float32
// or bfloat16. cg and og, where they lie side by side in an operand, are multiples of 8, and operands begin
// at multiples of 16 bytes. Launch: as conv2d.cu with tiles of 128, MMA_SHARED bytes.
#include "conv2d.cuh"
#include "mma.cuh"

struct TensorCores {
    template <class A, class B, class E>
    DI_MEMBER static void product(const A& a, const B& b, const E& e, int m, int n, int k0, int k1) {
        int m0 = blockIdx.x * MM, n0 = blockIdx.y * MN;
        if (m0 >= m) return; // a phase with fewer pixels
        float acc[4][4][4] = {};
        mma_product(acc, a, b, m0, n0, k0, k1);
        put_mma(e, acc, m0, n0, m, n);
    }
};

#define CONV(SUFFIX, O)                                                                                      \
    KERNEL_MMA                                                                                               \
    conv2d_fwd_mma_##SUFFIX(O* y, const bf16* x, const bf16* w, const O* bias, const O* res, float* sums,    \
                            Shape s) {                                                                       \
        forward<TensorCores>(y, x, w, bias, res, sums, s);                                                   \
    }                                                                                                        \
    EXPORT(conv2d_fwd_mma_##SUFFIX)                                                                          \
    KERNEL_MMA                                                                                               \
    conv2d_dx_mma_##SUFFIX(O* dx, const bf16* dz, const bf16* w, const O* bias, const O* res, Shape s) {     \
        backward_x<TensorCores>(dx, dz, w, bias, res, s);                                                    \
    }                                                                                                        \
    EXPORT(conv2d_dx_mma_##SUFFIX)
CONV(f32, float)
CONV(bf16, bf16)
KERNEL_MMA conv2d_dw_mma(float* dw, const bf16* dz, const bf16* x, Shape s) {
    backward_w<TensorCores>(dw, dz, x, s);
}
EXPORT(conv2d_dw_mma)
