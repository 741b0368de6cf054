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
		dst.Set(i, v)
	}
}

func convert(dst, src kernels.Buf) {
	if dst.Len() != src.Len() {
		panic(&kernels.ArgError{Op: "copy", Field: "dst",
			Reason: fmt.Sprintf("has %d elements, the source %d", dst.Len(), src.Len())})
	}
	for i := range dst.Len() {
		dst.Set(i, src.At(i))
	}
}
