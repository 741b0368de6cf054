//go:build cuda || emu

package cuda

import (
	"unsafe"

	"truegrain/kernels"
)

// tile is the edge of the piece of a product that one block computes.
const tile = 64

// gemmShape is struct Shape of src/gemm.cu.
type gemmShape struct {
	M, N, K, LDA, LDB, LDC, Chunk, Act, Acc int32
	Alpha                                   float32
	StrideA, StrideB, StrideC               int64
}

// structBytes is the memory of a kernel's struct argument.
func structBytes[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// Gemm is C = α·op(A)·op(B) (+ C).
func (d *Device) Gemm(o kernels.Gemm) {
	if o.M*o.N == 0 {
		return
	}
	s := gemmShape{M: int32(o.M), N: int32(o.N), K: int32(o.K), LDA: int32(o.LDA), LDB: int32(o.LDB),
		LDC: int32(o.LDC), Chunk: int32(o.K), Alpha: float32(o.Alpha), StrideA: int64(o.StrideA),
		StrideB: int64(o.StrideB), StrideC: int64(o.StrideC)}
	if o.Alpha == 0 {
		s.Alpha = 1
	}
	if o.Acc {
		s.Acc = 1
	}
	k := [2][2]*kernel{{gemmNN, gemmNT}, {gemmTN, gemmTT}}[index(o.TransA)][index(o.TransB)]
	d.launch(k, tiles(o.M, o.N, max(1, o.Batch)), block(256), o.C, o.A, o.B, kernels.Buf{}, kernels.Buf{},
		structBytes(&s))
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// tiles is the grid of a product of m rows and n columns, z times.
func tiles(m, n, z int) dim { return grid(ceil(m, tile), ceil(n, tile), z) }

// chunks splits a sum of k products over blocks where the m x n outputs alone make few of them: how many
// pieces, and the length of each, a multiple of 16. They depend on the sizes alone, so that a run repeats on
// every GPU.
func chunks(m, n, k int) (count, length int) {
	count = max(1, min(ceil(k, 512), 256/(ceil(m, tile)*ceil(n, tile))))
	length = max(16, (ceil(k, count)+15)&^15)
	return max(1, ceil(k, length)), length
}

// weightGradient runs a product whose sum goes over many rows: f computes count partial results of n elements
// each, which are then added in their order.
func (d *Device) weightGradient(g kernels.Grad, count, n int, f func(y kernels.Buf, acc int32)) {
	if count == 1 && g.Buf.DType() == kernels.F32 {
		f(g.Buf, int32(index(g.Acc)))
		return
	}
	part := d.scratch(kernels.F32, count*n)
	defer d.Free(part)
	f(part, 0)
	d.sum(g, part, 1, count, n, 1)
}
