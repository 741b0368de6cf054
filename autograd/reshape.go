package autograd

import "truegrain/kernels"

// Reshape is the same elements in another shape, sharing memory; one axis may be −1, what is left over.
//
// Panics: *tensor.ShapeError if the number of elements differs.
func (t *Tape) Reshape(x *Var, shape ...int) *Var {
	y := &Var{Tensor: x.Tensor.Reshape(shape...), tape: t, mem: x.mem}
	return t.record(&Node{Name: "reshape", In: inputs{x}, Out: y, backward: func(dy kernels.Buf) {
		if t.handOn(x, y) {
			return
		}
		t.passOn(x, dy)
	}})
}

// handOn gives the memory of y's gradient, which nobody else needs any more, to x, whose first gradient it is
// as it stands: no copy. False if it can't be.
func (t *Tape) handOn(x, y *Var) bool {
	if x == nil || !x.wants || x.param != nil || x.grad != nil || y.keep || y.grad.lost ||
		x.Buf.DType() != y.Buf.DType() {
		return false
	}
	y.grad.refs++
	x.grad, x.arrived = y.grad, true
	return true
}

// passOn adds dy to x's gradient as it is.
func (t *Tape) passOn(x *Var, dy kernels.Buf) {
	switch g := x.Grad(); {
	case !g.Wanted():
	case g.Acc:
		t.be.Add(kernels.Add{N: g.Buf.Len(), A: g.Buf, B: dy, Y: g.Buf})
	default:
		t.be.Copy(g.Buf, dy)
	}
}
