// A range of an axis: y[o,i] = x[o, start + i];  backward dx[o, start + i] = dy[o,i] (+ dx if acc).
// Launch: copies.cuh.
#include "copies.cuh"

COPY_ROWS(slice_rows_f32, float)
COPY_ROWS(slice_rows_bf16, bf16)
