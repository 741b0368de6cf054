package cpu

import "truegrain/kernels"

// between is the two input positions that one output reads along one axis, and the weights of both.
type between struct {
	lo, hi int
	a, b   float32
}

func halves(n, out int) []between {
	t := make([]between, out)
	for i := range t {
		at := max(0, (float64(i)+0.5)*float64(n)/float64(out)-0.5)
		lo := min(int(at), n-1)
		f := float32(at - float64(lo))
		t[i] = between{lo, min(lo+1, n-1), 1 - f, f}
	}
	return t
}

// Resize is bilinear interpolation.
func (b *Backend) Resize(op kernels.Resize) {
	x, y := floats(op.X), floats(op.Y)
	ys, xs, c := halves(op.H, op.OH), halves(op.W, op.OW), op.C
	b.parallel(op.B*op.OH, rowGrain(op.OW*c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			v := ys[r%op.OH]
			top := x[(r/op.OH*op.H+v.lo)*op.W*c:][:op.W*c]
			bottom := x[(r/op.OH*op.H+v.hi)*op.W*c:][:op.W*c]
			for j, u := range xs {
				out := y[(r*op.OW+j)*c:][:c]
				p, q, s, t := top[u.lo*c:][:c], top[u.hi*c:][:c], bottom[u.lo*c:][:c], bottom[u.hi*c:][:c]
				for k := range out {
					out[k] = v.a*(u.a*p[k]+u.b*q[k]) + v.b*(u.a*s[k]+u.b*t[k])
				}
			}
		}
	})
}

// ResizeBackward spreads dy over the four inputs, picture by picture.
func (b *Backend) ResizeBackward(op kernels.ResizeGrad) {
	if !op.DX.Wanted() {
		return
	}
	dy, dx := floats(op.DY), b.zeroed(op.DX)
	ys, xs, c := halves(op.H, op.OH), halves(op.W, op.OW), op.C
	b.parallel(op.B, 1, func(n, _ int) {
		for i, v := range ys {
			top, bottom := dx[(n*op.H+v.lo)*op.W*c:][:op.W*c], dx[(n*op.H+v.hi)*op.W*c:][:op.W*c]
			for j, u := range xs {
				g := dy[((n*op.OH+i)*op.OW+j)*c:][:c]
				axpy(top[u.lo*c:][:c], g, v.a*u.a)
				axpy(top[u.hi*c:][:c], g, v.a*u.b)
				axpy(bottom[u.lo*c:][:c], g, v.b*u.a)
				axpy(bottom[u.hi*c:][:c], g, v.b*u.b)
			}
		}
	})
}
