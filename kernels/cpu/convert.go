package cpu

import "truegrain/kernels"

// convertPart copies, or converts by way of float32: float64 to bfloat16 rounds twice, and both ways it is
// what the oracle does.
func (b *Backend) convertPart(dst, src kernels.Buf) {
	switch {
	case dst.DType() == src.DType() || dst.DType() == kernels.I32:
		copySame(dst, src)
	case src.DType() == kernels.I32:
		fromInts(dst, kernels.Floats[int32](src))
	case dst.DType() != kernels.F32 && src.DType() != kernels.F32:
		half := b.scratch.get(dst.Len())
		defer b.scratch.put(half)
		b.convertPart(kernels.Of(half), src)
		b.convertPart(dst, kernels.Of(half))
	default:
		b.level.stream.convert(dst, src)
	}
}

// convert converts between float32 and another type.
func (s *streamKernels) convert(dst, src kernels.Buf) {
	switch {
	case dst.DType() == kernels.F64:
		blocks(kernels.Floats[float64](dst), floats(src), s.float64From32, float64From32Go)
	case dst.DType() == kernels.BF16:
		blocks(kernels.Floats[uint16](dst), floats(src), s.float16From32, float16From32Go)
	case src.DType() == kernels.F64:
		blocks(floats(dst), kernels.Floats[float64](src), s.float32From64, float32From64Go)
	default:
		blocks(floats(dst), kernels.Floats[uint16](src), s.float32From16, float32From16Go)
	}
}

// blocks converts whole blocks of 16 by a kernel and the rest in Go.
func blocks[D, S any](dst []D, src []S, kernel, rest func(dst []D, src []S)) {
	whole := len(dst) / 16 * 16
	kernel(dst[:whole], src)
	rest(dst[whole:], src[whole:])
}

func copySame(dst, src kernels.Buf) {
	switch dst.DType() {
	case kernels.F32:
		copy(floats(dst), floats(src))
	case kernels.F64:
		copy(kernels.Floats[float64](dst), kernels.Floats[float64](src))
	case kernels.BF16:
		copy(kernels.Floats[uint16](dst), kernels.Floats[uint16](src))
	case kernels.I32:
		copy(kernels.Floats[int32](dst), kernels.Floats[int32](src))
	case kernels.U8:
		copy(kernels.Floats[uint8](dst), kernels.Floats[uint8](src))
	}
}

// fromInts converts indices to numbers.
func fromInts(dst kernels.Buf, src []int32) {
	switch dst.DType() {
	case kernels.F32:
		each(floats(dst), src, func(v int32) float32 { return float32(v) })
	case kernels.F64:
		each(kernels.Floats[float64](dst), src, func(v int32) float64 { return float64(v) })
	case kernels.BF16:
		each(kernels.Floats[uint16](dst), src, func(v int32) uint16 { return kernels.BF16Bits(float32(v)) })
	}
}

func each[D, S any](dst []D, src []S, f func(S) D) {
	for i := range dst {
		dst[i] = f(src[i])
	}
}

func float64From32Go(dst []float64, src []float32) {
	each(dst, src, func(v float32) float64 { return float64(v) })
}

func float32From64Go(dst []float32, src []float64) {
	each(dst, src, func(v float64) float32 { return float32(v) })
}

func float32From16Go(dst []float32, src []uint16) { each(dst, src, kernels.BF16Float) }

func float16From32Go(dst []uint16, src []float32) { each(dst, src, kernels.BF16Bits) }
