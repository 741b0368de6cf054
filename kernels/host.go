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
	case U8:
		return Of(make([]uint8, n)), nil
	}
	panic(&ArgError{Op: "alloc", Field: "DType", Reason: fmt.Sprintf("%v is no element type", d)})
}

// At is element i of host memory, as it is stored.
func (b Buf) At(i int) float64 {
	switch b.dtype {
	case F32:
		return float64(Floats[float32](b)[i])
	case F64:
		return Floats[float64](b)[i]
	case BF16:
		return float64(BF16Float(Floats[uint16](b)[i]))
	case U8:
		return float64(Floats[uint8](b)[i])
	}
	return float64(Floats[int32](b)[i])
}

// Set stores v as element i of host memory, rounded to its type.
func (b Buf) Set(i int, v float64) {
	switch b.dtype {
	case F32:
		Floats[float32](b)[i] = float32(v)
	case F64:
		Floats[float64](b)[i] = v
	case BF16:
		Floats[uint16](b)[i] = BF16Bits(float32(v))
	case U8:
		Floats[uint8](b)[i] = uint8(v)
	default:
		Floats[int32](b)[i] = int32(v)
	}
}
