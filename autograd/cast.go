package autograd

import "truegrain/kernels"

// Cast is x in another type, and its gradient goes back in x's own: where a parameter joins values in
// bfloat16, and where such values become a loss. It is x itself if that has the type.
//
// Shapes: any; result as x.
func (t *Tape) Cast(x *Var, d kernels.DType) *Var {
	if x.Buf.DType() == d {
		return x
	}
	y := t.allocAs(d, x.Shape()...)
	op := kernels.Cast{N: x.Len(), X: x.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		switch g := x.Grad(); {
		case !g.Wanted():
		case g.Acc:
			t.workAs(g.Buf.DType(), g.Buf.Len(), func(dx kernels.Buf) {
				t.be.Cast(kernels.Cast{N: dx.Len(), X: dy, Y: dx})
				t.add(g, dx)
			})
		default:
			t.be.Cast(kernels.Cast{N: g.Buf.Len(), X: dy, Y: g.Buf})
		}
	})
}
