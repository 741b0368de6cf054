package cpu

import "truegrain/kernels"

// between is bilinear interpolation along one axis: two inputs for each output, but one at the end.
func between(n, out int) (a axisMap) {
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
	return a
}

func bilinear(op kernels.Resize) resampling {
	return resampling{op.B, op.H, op.W, op.C, op.OH, op.OW, between(op.H, op.OH), between(op.W, op.OW)}
}

// Resize is bilinear interpolation.
func (b *Backend) Resize(op kernels.Resize) { b.resample(bilinear(op), floats(op.X), floats(op.Y), 0) }

// ResizeBackward spreads dy over the four inputs.
func (b *Backend) ResizeBackward(op kernels.ResizeGrad) {
	b.resampleBackward(bilinear(op.Resize), op.DX, floats(op.DY))
}

// resampleBackward gives the gradient of a resampling.
func (b *Backend) resampleBackward(s resampling, dx kernels.Grad, dy []float32) {
	if !dx.Wanted() {
		return
	}
	flags := 0
	if dx.Acc {
		flags = flagAdd
	}
	b.resample(s.backward(), dy, floats(dx.Buf), flags)
}
