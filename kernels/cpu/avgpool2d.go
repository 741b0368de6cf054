package cpu

import "truegrain/kernels"

// AvgPool2D averages each window, padding included.
func (b *Backend) AvgPool2D(op kernels.AvgPool2D) {
	x, y := floats(op.X), floats(op.Y)
	rows := spans(op.OH, op.H, op.KH, op.StrideH, op.PadH, 1)
	runs := runsOf(spans(op.OW, op.W, op.KW, op.StrideW, op.PadW, 1), 1, op.StrideW, op.KH*op.KW*op.C)
	c := op.C
	past := flag(b.level.aligned(y, c))
	b.poolRows(op.B*op.OH, op.OW*c, op.KH*op.KW, func(args *poolArgs, r int) {
		row := rows[r%op.OH]
		for _, run := range runs {
			*args = poolArgs{
				out: &y[(r*op.OW+run.at)*c], positions: run.count, channels: c, past: past,
				scale:   1 / float32(row.full*run.full),
				outStep: 4 * c, inStep: 4 * c * op.StrideW, rowStep: 4 * c * op.W, colStep: 4 * c,
			}
			if row.n*run.n > 0 {
				args.in = &x[((r/op.OH*op.H+row.first)*op.W+run.first)*c]
				args.rows, args.cols = row.n, run.n
			}
			b.level.stream.sumPool(args)
		}
	})
}

// AvgPool2DBackward gathers dy/n from the windows over each pixel.
func (b *Backend) AvgPool2DBackward(op kernels.AvgPool2DGrad) {
	if !op.DX.Wanted() {
		return
	}
	dy, dx := floats(op.DY), floats(op.DX.Buf)
	if op.OH > 0 && (op.OH-1)*op.StrideH+op.KH > op.H+2*op.PadH ||
		op.OW > 0 && (op.OW-1)*op.StrideW+op.KW > op.W+2*op.PadW {
		dy = b.scratch.get(len(dy)) // windows that hang over the end have an n of their own
		defer b.scratch.put(dy)
		b.weighWindows(op, dy)
	}
	rows := holders(op.OH, op.H, op.KH, op.StrideH, op.PadH, 1)
	runs := runsOf(holders(op.OW, op.W, op.KW, op.StrideW, op.PadW, 1), op.StrideW, 1, op.KH*op.KW*op.C)
	c := op.C
	add, past := flag(op.DX.Acc), flag(!op.DX.Acc && b.level.aligned(dx, c))
	b.poolRows(op.B*op.H, op.W*c, 1, func(args *poolArgs, r int) {
		row := rows[r%op.H]
		for _, run := range runs {
			*args = poolArgs{
				out: &dx[(r*op.W+run.at)*c], positions: run.count, channels: c, add: add, past: past,
				scale:   1 / float32(op.KH*op.KW),
				outStep: 4 * c * op.StrideW, inStep: 4 * c, rowStep: 4 * c * op.OW, colStep: 4 * c,
			}
			if row.n*run.n > 0 {
				args.in = &dy[((r/op.H*op.OH+row.first)*op.OW+run.first)*c]
				args.rows, args.cols = row.n, run.n
			}
			b.level.stream.sumPool(args)
		}
	})
}

// weighWindows writes dy·KH·KW/n for windows of n elements.
func (b *Backend) weighWindows(op kernels.AvgPool2DGrad, weighed []float32) {
	dy := floats(op.DY)
	rows := spans(op.OH, op.H, op.KH, op.StrideH, op.PadH, 1)
	cols := spans(op.OW, op.W, op.KW, op.StrideW, op.PadW, 1)
	b.parallel(op.B*op.OH, rowGrain(op.OW*op.C), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			for j, col := range cols {
				at := (r*op.OW + j) * op.C
				factor := float32(op.KH*op.KW) / float32(rows[r%op.OH].full*col.full)
				b.level.stream.scale(weighed[at:][:op.C], dy[at:][:op.C], factor, 0)
			}
		}
	})
}
