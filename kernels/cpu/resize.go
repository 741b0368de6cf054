package cpu

import "truegrain/kernels"

// between is bilinear interpolation along one axis: two inputs for each output, but one at the end.
func (a *axisMap) between(n, out int) {
	for i := range out {
		if n == 0 {
			a.add(0)
			continue
		}
		at := max(0, (float64(i)+0.5)*float64(n)/float64(out)-0.5)
		lo := min(int(at), n-1)
		if lo == n-1 {
			a.add(lo, 1)
			continue
		}
		f := float32(at - float64(lo))
		a.add(lo, 1-f, f)
	}
}

func (b *Backend) bilinear(op kernels.Resize) *resampling {
	s := b.resampling(op.B, op.H, op.W, op.C, op.OH, op.OW)
	s.rows.between(op.H, op.OH)
	s.cols.between(op.W, op.OW)
	return s
}

// Resize is bilinear interpolation.
func (b *Backend) Resize(op kernels.Resize) {
	b.resample(b.bilinear(op), floats(op.X), floats(op.Y), 0)
}

// ResizeBackward spreads dy over the four inputs.
func (b *Backend) ResizeBackward(op kernels.ResizeGrad) {
	b.resampleBackward(b.bilinear(op.Resize), op.DX, floats(op.DY))
}

// resampleBackward gives the gradient of a resampling.
func (b *Backend) resampleBackward(s *resampling, dx kernels.Grad, dy []float32) {
	if !dx.Wanted() {
		return
	}
	flags := 0
	if dx.Acc {
		flags = flagAdd
	}
	b.resample(s.backward(), dy, floats(dx.Buf), flags)
	b.resamplings.put(s)
}
