package cpu

import "truegrain/kernels"

// winograd are the weights of a 3×3 convolution of stride 1 for F(m×m, 3×3): transformed, G·g·Gᵀ, in float64
// and rounded once, and packed for n² products, [n²][panel][C][width], planes filterPlane apart.
type winograd struct {
	m       int
	weights []float32
	zero    []float32 // a pixel outside the picture
	depth   int       // k in a part of a sum at most
}

// n is the pixels of a tile, in one direction.
func (w *winograd) n() int { return w.m + 2 }

// Method is the algorithm.
func (w *winograd) Method() string {
	if w.m == 2 {
		return "Winograd 2x2"
	}
	return "Winograd 4x4"
}

// Bytes is the memory of the weights.
func (w *winograd) Bytes() int64 { return int64(4 * (len(w.weights) + len(w.zero))) }

// Free lets go of the memory.
func (w *winograd) Free() { w.weights, w.zero = nil, nil }

// winogradFits says that a convolution can be computed so.
func winogradFits(op kernels.Conv2D) bool {
	return op.KH == 3 && op.KW == 3 && op.StrideH == 1 && op.StrideW == 1 && op.Groups == 1 &&
		op.C%16 == 0 && op.C > 0 && op.OC%16 == 0 && op.OC > 0 && op.Act != kernels.WithGELU
}

// winogradLoad is what it takes to read a weight, in multiply-adds: measured, for weights that are in memory.
const winogradLoad = 16

// winogradFor is the m with which a convolution is computed fastest, or 0 if that is directly. Every method
// needs so many weights for a pair of channels, and multiplies each with so many rows: few rows do not pay
// for reading four times the weights. A tenth is for the transforms.
func winogradFor(op kernels.Conv2D) (best int) {
	if !winogradFits(op) {
		return 0
	}
	g := conv2DGeometry(op)
	least := 9 * (g.positions() + winogradLoad)
	for _, m := range []int{2, 4} {
		t := tilingOf(g, m)
		if cost := t.n * t.n * (t.tiles() + winogradLoad); 11*cost < 10*least {
			best, least = m, cost
		}
	}
	return best
}

// packWinograd transforms and packs the weights of op, which fits.
func (b *Backend) packWinograd(op kernels.Conv2D, m int) *winograd {
	g := conv2DGeometry(op)
	w := &winograd{m: m, depth: sumDepth, zero: make([]float32, op.C)}
	w.weights = make([]float32, b.winogradLen(g, m))
	b.packFilters(g, floats(op.Weight), w)
	return w
}

// tiling is how the positions of a convolution fall into tiles: picture by picture, and within a picture by
// the residues of rows and columns modulo the dilation, each of which is a convolution without dilation of
// its own.
type tiling struct {
	geometry
	m, n   int
	th, tw int // tiles of one residue
}

func tilingOf(g geometry, m int) tiling {
	along := func(n, dilation int) int { return ceil(ceil(n, dilation), m) }
	return tiling{g, m, m + 2, along(g.oh, g.DilH), along(g.ow, g.DilW)}
}

func (t *tiling) tiles() int { return t.b * t.DilH * t.DilW * t.th * t.tw }

// tilePlace is where a tile lies: its picture, its first position, and how many tiles from it on are left in
// its row of tiles.
type tilePlace struct{ b, i, j, left int }

func (t *tiling) place(tile int) tilePlace {
	tx := tile % t.tw
	tile /= t.tw
	ty := tile % t.th
	tile /= t.th
	return tilePlace{
		b: tile / (t.DilW * t.DilH), left: t.tw - tx,
		i: ty*t.m*t.DilH + tile/t.DilW%t.DilH, j: tx*t.m*t.DilW + tile%t.DilW,
	}
}

// whole is how many tiles of a row, each step elements after the one before, the first at from, lie below
// limit with their last element, reach behind their first.
func whole(from, reach, step, limit int) int {
	if room := limit - 1 - reach - from; room >= 0 {
		return room/step + 1
	}
	return 0
}
