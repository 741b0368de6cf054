package cpu

import (
	"fmt"

	"truegrain/kernels"
)

// exactly panics with *kernels.ArgError unless a buffer has n elements: assembly does not look at lengths.
func exactly(op, field string, b kernels.Buf, n int) {
	if b.Len() != n {
		panic(&kernels.ArgError{Op: op, Field: field, Reason: fmt.Sprintf("has %d elements, needs %d",
			b.Len(), n)})
	}
}

// optionally is exactly for a buffer that may be absent.
func optionally(op, field string, b kernels.Buf, n int) {
	if !b.IsZero() {
		exactly(op, field, b, n)
	}
}

// holds panics unless a buffer has room for batch matrices of rows × cols, ld from row to row, stride from
// matrix to matrix.
func holds(op, field string, b kernels.Buf, batch, rows, cols, ld, stride int) {
	if rows == 0 || cols == 0 {
		return
	}
	if last := (batch-1)*stride + (rows-1)*ld + cols; ld < cols || stride < 0 || b.Len() < last {
		panic(&kernels.ArgError{Op: op, Field: field, Reason: fmt.Sprintf(
			"has %d elements for %d of %dx%d, rows %d and matrices %d apart", b.Len(), batch, rows,
			cols, ld, stride)})
	}
}
