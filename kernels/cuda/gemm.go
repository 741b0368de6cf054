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

// matrices are the operands of a product; bias, residual and sums (Σ c and Σ c² of 64 rows of a column each,
// (m/64,2,n), of a product on tensor cores without bias and residual) may be absent.
type matrices struct{ c, a, b, bias, residual, sums kernels.Buf }

// multiply launches a product z times: on tensor cores, and then it says so, if its operands are bfloat16 and
// lie as those want them.
func (d *Device) multiply(m matrices, transA, transB bool, z int, s gemmShape) bool {
	fits := m.a.DType() == kernels.BF16 && mmaFits(m, transA, transB, s)
	switch {
	case fits && d.multiplySM90(m, transA, transB, z, s):
	case fits:
		all := [2][2]typed{{gemmNNMMA, gemmNTMMA}, {gemmTNMMA, gemmTTMMA}}
		d.launch(all[index(transA)][index(transB)].of(m.c.DType()), tiles(int(s.M), int(s.N), z, mmaTile),
			block(256), m.c, m.a, m.b, m.bias, m.residual, m.sums, structBytes(&s))
	default:
		all := [2][2]typed{{gemmNN, gemmNT}, {gemmTN, gemmTT}}
		d.launch(all[index(transA)][index(transB)].of(m.a.DType()), tiles(int(s.M), int(s.N), z, tile),
			block(256), m.c, m.a, m.b, m.bias, m.residual, structBytes(&s))
	}
	return fits
}

// multiplySM90 is a product by tensor maps and wgmma, if the device has them and a kernel has this layout: no
// batches, and results of a transposed A in float32.
func (d *Device) multiplySM90(m matrices, transA, transB bool, z int, s gemmShape) bool {
	parts := ceil(int(s.K), int(max(1, s.Chunk)))
	if !d.hopper() || s.K == 0 || parts != z || (z > 1 && s.Chunk%64 != 0) || (transA && transB) ||
		(transA && m.c.DType() != kernels.F32) {
		return false
	}
	width := d.ringWidth(int(s.M), int(s.N), parts)
	k := gemmTNSM90.of(width)
	if !transA {
		k = [2]widths[typed]{gemmNNSM90, gemmNTSM90}[index(transB)].of(width).of(m.c.DType())
	}
	a := operandBoxes(m.a, transA, int(s.M), int(s.K), int(s.LDA), 128)
	b := operandBoxes(m.b, !transB, int(s.N), int(s.K), int(s.LDB), width)
	d.launchRing(k, width, int(s.M), int(s.N), parts, m.c, a, b, m.bias, m.residual, m.sums,
		structBytes(&s))
	return true
}

// operandBoxes is an operand of n rows (or, across, columns) and k as src/gemm_sm90.cu fetches it.
func operandBoxes(of kernels.Buf, across bool, n, k, ld, rows int) boxes {
	if across {
		return boxes{of: of, rows: k, cols: n, ld: ld, boxRows: 64, boxCols: 64}
	}
	return boxes{of: of, rows: n, cols: k, ld: ld, boxRows: rows, boxCols: 64}
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

// chunks splits a sum of k products over blocks where the tiles of the outputs alone make too few of them to
// fill `room` at a time: how many pieces, and the length of each, a multiple of 64. They depend on the sizes
// and on the generation alone, so that a run repeats on every GPU of it.
func chunks(tiles, room, k int) (count, length int) {
	best := 0
	for n := 1; n == 1 || (n <= 64 && n*512 <= k); n++ {
		l := max(64, (ceil(k, n)+63)&^63)
		if cost := ceil(tiles*ceil(k, l), room) * (l + 256); best == 0 || cost < best { // 256: what a tile costs
			best, length = cost, l
		}
	}
	return max(1, ceil(k, length)), length
}

// Blocks that run at once on a GPU of 132 multiprocessors.
const (
	roomScalar = 132 * 3
	roomMMA    = 132 * 2
	roomSM90   = 132
)

// weightChunks are the chunks of a weight gradient of m x n, summed over k rows.
func (d *Device) weightChunks(onTensorCores bool, m, n, k int) (count, length int) {
	switch {
	case !onTensorCores:
		return chunks(ceil(m, tile)*ceil(n, tile), roomScalar, k)
	case d.hopper():
		return chunks(ceil(m, 128)*ceil(n, 256), roomSM90, k)
	}
	return chunks(ceil(m, mmaTile)*ceil(n, mmaTile), roomMMA, k)
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
