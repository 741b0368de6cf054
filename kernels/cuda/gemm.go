//go:build cuda || emu

package cuda

import (
	"unsafe"

	"truegrain/kernels"
)

// Edges of the piece of a product that one block computes: by scalar products, and on tensor cores.
const (
	tile    = 64
	mmaTile = 128
)

// gemmShape is struct Shape of src/gemm.cuh.
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
		LDC: int32(o.LDC), Chunk: int32(o.K), Acc: int32(index(o.Acc)), Alpha: float32(o.Alpha),
		StrideA: int64(o.StrideA), StrideB: int64(o.StrideB), StrideC: int64(o.StrideC)}
	if o.Alpha == 0 {
		s.Alpha = 1
	}
	d.multiply(matrices{c: o.C, a: o.A, b: o.B}, o.TransA, o.TransB, max(1, o.Batch), s)
}

// matrices are the operands of a product; bias and residual may be absent.
type matrices struct{ c, a, b, bias, residual kernels.Buf }

// multiply launches a product z times: on tensor cores if its operands are bfloat16 and lie as those want
// them.
func (d *Device) multiply(m matrices, transA, transB bool, z int, s gemmShape) {
	if d.hopper() && !transA && transB && z == 1 && s.Chunk >= s.K && s.K > 0 &&
		m.a.DType() == kernels.BF16 && mmaFits(m, transA, transB, s) {
		d.multiplySM90(m, s)
		return
	}
	edge := tile
	k := [2][2]typed{{gemmNN, gemmNT}, {gemmTN, gemmTT}}[index(transA)][index(transB)].of(m.a.DType())
	if m.a.DType() == kernels.BF16 && mmaFits(m, transA, transB, s) {
		edge = mmaTile
		all := [2][2]typed{{gemmNNMMA, gemmNTMMA}, {gemmTNMMA, gemmTTMMA}}
		k = all[index(transA)][index(transB)].of(m.c.DType())
	}
	d.launch(k, tiles(int(s.M), int(s.N), z, edge), block(256), m.c, m.a, m.b, m.bias, m.residual,
		structBytes(&s))
}

// hopper says that the device runs the kernels for sm_90a.
func (d *Device) hopper() bool { return d.drv.Info().Major == 9 }

// multiplySM90 is a product of (m,k) and (n,k) in bfloat16 by tensor maps and wgmma.
func (d *Device) multiplySM90(m matrices, s gemmShape) {
	a := boxes{of: m.a, rows: int(s.M), cols: int(s.K), ld: int(s.LDA), boxRows: 128, boxCols: 64}
	b := boxes{of: m.b, rows: int(s.N), cols: int(s.K), ld: int(s.LDB), boxRows: 256, boxCols: 64}
	d.launch(gemmNTSM90.of(m.c.DType()), grid(ceil(int(s.M), 128), ceil(int(s.N), 256)), block(384),
		m.c, a, b, m.bias, m.residual, structBytes(&s))
}

// mmaFits says that both operands can be copied 16 bytes at a time.
func mmaFits(m matrices, transA, transB bool, s gemmShape) bool {
	side := func(trans bool, outer int32) int32 { // what lies side by side in memory
		if trans {
			return outer
		}
		return s.K
	}
	return (m.a.Addr()|m.b.Addr())%16 == 0 && side(transA, s.M)%8 == 0 && side(!transB, s.N)%8 == 0 &&
		s.LDA%8 == 0 && s.LDB%8 == 0 && s.StrideA%8 == 0 && s.StrideB%8 == 0
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// tiles is the grid of a product of m rows and n columns, z times.
func tiles(m, n, z, edge int) dim { return grid(ceil(m, edge), ceil(n, edge), z) }

// chunks splits a sum of k products over blocks where the m x n outputs alone make few of them: how many
// pieces, and the length of each, a multiple of 32. They depend on the sizes alone, so that a run repeats on
// every GPU.
func chunks(m, n, k int) (count, length int) {
	count = max(1, min(ceil(k, 512), 256/(ceil(m, tile)*ceil(n, tile))))
	length = max(32, (ceil(k, count)+31)&^31)
	return max(1, ceil(k, length)), length
}

// weightGradient runs a product whose sum goes over many rows: f computes count partial results of n elements
// each, in float32, which are then added in their order.
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
