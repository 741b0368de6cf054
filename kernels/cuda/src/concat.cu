// Parts joined along an axis: y[o, at_k + i] = x_k[o,i];  backward dx_k[o,i] = dy[o, at_k + i] (+ dx if acc).
// Launch: copies.cuh.
#include "copies.cuh"

COPY_ROWS(concat_rows_f32, float)
COPY_ROWS(concat_rows_bf16, bf16)
