package cpu

import (
	"math"

	"truegrain/kernels"
)

// MaxPool2D takes the first largest element of each window, runs of equal windows at once.
func (b *Backend) MaxPool2D(op kernels.MaxPool2D) {
	t := b.tables(op.Window, op.H, op.W, op.OH, op.OW, op.C)
	if n := op.OW * op.C; n > 0 {
		over(b, op.B*op.OH, rowGrain(n*(1+op.KH*op.KW/4)), maxPool{op, t}, (*Backend).maxPoolRows)
	}
	b.poolings.put(t)
}

// maxPool is a MaxPool2D with its windows.
type maxPool struct {
	kernels.MaxPool2D
	*poolTables
}

// maxPoolRows computes the rows lo..hi-1 of all pictures' output.
func (b *Backend) maxPoolRows(op *maxPool, lo, hi int) {
	x, y, index := floats(op.X), floats(op.Y), kernels.Floats[int32](op.Index)
	kernel := b.level.stream.maxPool
	if index != nil {
		kernel = b.level.stream.maxPoolIndex
	}
	c, args := op.C, b.pools.get()
	for r := lo; r < hi; r++ {
		row := op.rows[r%op.OH]
		for _, run := range op.runs {
			at := (r*op.OW + run.at) * c
			if row.n*run.n == 0 {
				nothing(y[at:][:run.count*c], part(index, at, at+run.count*c))
				continue
			}
			*args = poolArgs{
				out: &y[at], in: &x[((r/op.OH*op.H+row.first)*op.W+run.first)*c],
				positions: run.count, channels: c, rows: row.n, cols: run.n,
				outStep: 4 * c, inStep: 4 * c * op.StrideW, rowStep: 4 * c * op.DilH * op.W,
				colStep: 4 * c * op.DilW, first: row.first*op.W + run.first, place: op.StrideW,
				rowPlace: op.DilH*op.W - run.n*op.DilW, colPlace: op.DilW,
			}
			if index != nil {
				args.index = &index[at]
			}
			kernel(args)
		}
	}
	*args = poolArgs{} // keep nothing alive
	b.pools.put(args)
}

// nothing is the result of windows without elements.
func nothing(y []float32, index []int32) {
	for i := range y {
		y[i] = float32(math.Inf(-1))
	}
	for i := range index {
		index[i] = -1
	}
}

// MaxPool2DBackward gathers for every pixel what arrives at the windows that it has won, in their order.
func (b *Backend) MaxPool2DBackward(op kernels.MaxPool2DGrad) {
	if !op.DX.Wanted() {
		return
	}
	if op.C < scatterBelow {
		b.scatterWinners(op)
		return
	}
	dy, dx, index := floats(op.DY), floats(op.DX.Buf), kernels.Floats[int32](op.Index)
	rows := holders(op.OH, op.H, op.KH, op.StrideH, op.PadH, op.DilH)
	runs := runsOf(holders(op.OW, op.W, op.KW, op.StrideW, op.PadW, op.DilW), op.StrideW, 1, op.KH*op.KW*op.C)
	c, kernel := op.C, b.level.stream.maxUnpool
	add, past := flag(op.DX.Acc), flag(!op.DX.Acc && b.aligned(dx, op.C))
	b.poolRows(op.B*op.H, op.W*c, 1, func(args *poolArgs, r int) {
		row := rows[r%op.H]
		for _, run := range runs {
			*args = poolArgs{
				out: &dx[(r*op.W+run.at)*c], positions: run.count, channels: c, add: add, past: past,
				outStep: 4 * c * op.StrideW, inStep: 4 * c, rowStep: 4 * c * op.OW, colStep: 4 * c,
				first: r%op.H*op.W + run.at, place: op.StrideW,
			}
			if row.n*run.n > 0 {
				at := ((r/op.H*op.OH+row.first)*op.OW + run.first) * c
				args.in, args.index, args.rows, args.cols = &dy[at], &index[at], row.n, run.n
			}
			kernel(args)
		}
	})
}

// scatterBelow is the number of channels below which vectors are so short that it is quicker to send each dy
// to its winner.
const scatterBelow = 16

// scatterWinners sends dy to the winners, picture by picture, in the order of the windows.
func (b *Backend) scatterWinners(op kernels.MaxPool2DGrad) {
	dy, dx, index := floats(op.DY), floats(op.DX.Buf), kernels.Floats[int32](op.Index)
	in, out, c := op.H*op.W*op.C, op.OH*op.OW*op.C, op.C
	b.parallel(op.B, 1, func(n, _ int) {
		picture := dx[n*in:][:in]
		if !op.DX.Acc {
			clear(picture)
		}
		k, dy := 0, dy[n*out:][:out]
		for i, w := range index[n*out:][:out] {
			if w >= 0 {
				picture[int(w)*c+k] += dy[i]
			}
			if k++; k == c {
				k = 0
			}
		}
	})
}
