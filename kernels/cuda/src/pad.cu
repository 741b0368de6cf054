// A frame of zeros around pictures: y[b, top + r, left + i] = x[b,r,i];  backward dx[b,r,i] = dy[b, top + r,
// left + i] (+ dx if acc). Launch: copies.cuh.
#include "copies.cuh"

COPY_ROWS(pad_rows_f32, float)
COPY_ROWS(pad_rows_bf16, bf16)
