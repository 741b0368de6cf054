package cpu

import (
	"fmt"

	"truegrain/kernels"
)

// Alloc gives zeroed host memory.
func (b *Backend) Alloc(d kernels.DType, n int) (kernels.Buf, error) {
	buf, err := kernels.AllocHost(d, n)
	if err == nil && d == kernels.F32 {
		onHugePages(floats(buf))
	}
	return buf, err
}

// Free does nothing: the garbage collector takes host memory back when its last handle is gone.
func (b *Backend) Free(kernels.Buf) {}

// Upload copies and converts; the memory of this backend is the host's.
func (b *Backend) Upload(dst, host kernels.Buf) { b.convert("upload", dst, host) }

// Download copies and converts.
func (b *Backend) Download(host, src kernels.Buf) { b.convert("download", host, src) }

// Copy copies src to dst.
func (b *Backend) Copy(dst, src kernels.Buf) {
	if dst.DType() != src.DType() {
		panic(&kernels.BufError{Got: src, Want: dst.DType()})
	}
	b.convert("copy", dst, src)
}

// Fill sets every element to v, rounded to the type of dst.
func (b *Backend) Fill(dst kernels.Buf, v float64) {
	switch dst.DType() {
	case kernels.F32:
		d, value := floats(dst), float32(v)
		flags := b.past(d)
		b.parallel(len(d), copyGrain, func(lo, hi int) { b.level.stream.fill(d[lo:hi], value, flags) })
	case kernels.F64:
		fill(b, kernels.Floats[float64](dst), v)
	case kernels.BF16:
		fill(b, kernels.Floats[uint16](dst), kernels.BF16Bits(float32(v)))
	case kernels.I32:
		fill(b, kernels.Floats[int32](dst), int32(v))
	case kernels.U8:
		fill(b, kernels.Floats[uint8](dst), uint8(v))
	}
}

// copyGrain is the number of elements of a chunk of a copy: some 50 µs.
const copyGrain = 1 << 18

// grainOfCopy is that for so many bytes: copy goes past the caches from 1 MiB a call on, which is good only
// for what they can't hold.
func grainOfCopy(bytes int) int {
	if bytes < pastBytes {
		return copyGrain / 4
	}
	return copyGrain
}

func fill[T kernels.Element](b *Backend, dst []T, v T) {
	b.parallel(len(dst), copyGrain, func(lo, hi int) {
		for i := range dst[lo:hi] {
			dst[lo+i] = v
		}
	})
}

func fillGo(dst []float32, value float32, _ int) {
	for i := range dst {
		dst[i] = value
	}
}

func (b *Backend) convert(op string, dst, src kernels.Buf) {
	if dst.Len() != src.Len() {
		panic(&kernels.ArgError{Op: op, Field: "dst",
			Reason: fmt.Sprintf("has %d elements, the source %d", dst.Len(), src.Len())})
	}
	over(b, dst.Len(), grainOfCopy(dst.Bytes()), [2]kernels.Buf{dst, src}, (*Backend).convertRange)
}

func (b *Backend) convertRange(to *[2]kernels.Buf, lo, hi int) {
	b.convertPart(to[0].Slice(lo, hi), to[1].Slice(lo, hi))
}

// floats is the float32 memory of a Buf, nil for the zero Buf.
func floats(b kernels.Buf) []float32 { return kernels.Floats[float32](b) }
