package ref

import (
	"fmt"

	"truegrain/kernels"
)

// Alloc gives zeroed host memory.
func (b *Backend[T]) Alloc(d kernels.DType, n int) (kernels.Buf, error) {
	return kernels.AllocHost(d, n)
}

// Free does nothing: the garbage collector does.
func (b *Backend[T]) Free(kernels.Buf) {}

// Upload copies from host memory, converting.
func (b *Backend[T]) Upload(dst, host kernels.Buf) { convert(dst, host) }

// Download copies to host memory, converting.
func (b *Backend[T]) Download(host, src kernels.Buf) { convert(host, src) }

// Copy copies within the backend.
func (b *Backend[T]) Copy(dst, src kernels.Buf) {
	if dst.DType() != src.DType() {
		panic(&kernels.BufError{Got: src, Want: dst.DType()})
	}
	convert(dst, src)
}

// Fill sets every element.
func (b *Backend[T]) Fill(dst kernels.Buf, v float64) {
	for i := range dst.Len() {
		set(dst, i, v)
	}
}

func convert(dst, src kernels.Buf) {
	if dst.Len() != src.Len() {
		panic(&kernels.ArgError{Op: "copy", Field: "dst",
			Reason: fmt.Sprintf("has %d elements, the source %d", dst.Len(), src.Len())})
	}
	for i := range dst.Len() {
		set(dst, i, get(src, i))
	}
}

func get(b kernels.Buf, i int) float64 {
	switch b.DType() {
	case kernels.F32:
		return float64(kernels.Floats[float32](b)[i])
	case kernels.F64:
		return kernels.Floats[float64](b)[i]
	case kernels.BF16:
		return float64(kernels.BF16Float(kernels.Floats[uint16](b)[i]))
	}
	return float64(kernels.Floats[int32](b)[i])
}

func set(b kernels.Buf, i int, v float64) {
	switch b.DType() {
	case kernels.F32:
		kernels.Floats[float32](b)[i] = float32(v)
	case kernels.F64:
		kernels.Floats[float64](b)[i] = v
	case kernels.BF16:
		kernels.Floats[uint16](b)[i] = kernels.BF16Bits(float32(v))
	default:
		kernels.Floats[int32](b)[i] = int32(v)
	}
}
