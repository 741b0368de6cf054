package cpu

import "truegrain/kernels"

// AvgPool2D averages each window, padding included.
func (b *Backend) AvgPool2D(op kernels.AvgPool2D) {
	x, y := floats(op.X), floats(op.Y)
	if separately(op) {
		b.resample(b.averages(op), x, y, 0)
		return
	}
	rows := spans(op.OH, op.H, op.KH, op.StrideH, op.PadH, 1)
	runs := runsOf(spans(op.OW, op.W, op.KW, op.StrideW, op.PadW, 1), 1, op.StrideW, op.KH*op.KW*op.C)
	c := op.C
	past := flag(b.aligned(y, c))
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
	if separately(op.AvgPool2D) {
		b.resampleBackward(b.averages(op.AvgPool2D), op.DX, dy)
		return
	}
	rows := holders(op.OH, op.H, op.KH, op.StrideH, op.PadH, 1)
	runs := runsOf(holders(op.OW, op.W, op.KW, op.StrideW, op.PadW, 1), op.StrideW, 1, op.KH*op.KW*op.C)
	c := op.C
	add, past := flag(op.DX.Acc), flag(!op.DX.Acc && b.aligned(dx, c))
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

// separately says that the way through rows and columns one after the other is better: with few channels,
// whose vectors are short, or where windows that hang over the end have an n of their own.
func separately(op kernels.AvgPool2D) bool {
	hang := func(n, out, k, stride, pad int) bool { return out > 0 && (out-1)*stride+k > n+2*pad }
	return op.C < 16 || hang(op.H, op.OH, op.KH, op.StrideH, op.PadH) ||
		hang(op.W, op.OW, op.KW, op.StrideW, op.PadW)
}

// averages is the pooling as a resampling.
func (b *Backend) averages(op kernels.AvgPool2D) *resampling {
	s := b.resampling(op.B, op.H, op.W, op.C, op.OH, op.OW)
	for _, r := range spans(op.OH, op.H, op.KH, op.StrideH, op.PadH, 1) {
		s.rows.average(min(r.first, op.H), r.n, r.full)
	}
	for _, r := range spans(op.OW, op.W, op.KW, op.StrideW, op.PadW, 1) {
		s.cols.average(min(r.first, op.W), r.n, r.full)
	}
	return s
}
