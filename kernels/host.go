package kernels

import "fmt"

// maxHost bounds one buffer in host memory: beyond it no machine has the memory, and Go would panic instead
// of answering.
const maxHost = 1 << 43

// AllocHost gives zeroed host memory, for backends that compute there. The error wraps ErrOutOfMemory.
func AllocHost(d DType, n int) (Buf, error) {
	if n < 0 || n > maxHost {
		return Buf{}, fmt.Errorf("%d elements of %s: %w", n, d, ErrOutOfMemory)
	}
	switch d {
	case F32:
		return Of(make([]float32, n)), nil
	case F64:
		return Of(make([]float64, n)), nil
	case BF16:
		return Of(make([]uint16, n)), nil
	case I32:
		return Of(make([]int32, n)), nil
	}
	panic(&ArgError{Op: "alloc", Field: "DType", Reason: fmt.Sprintf("%v is no element type", d)})
}
