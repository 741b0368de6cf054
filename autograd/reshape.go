package autograd

import "truegrain/kernels"

// Reshape is the same elements in another shape, sharing memory; one axis may be −1, what is left over.
//
// Panics: *tensor.ShapeError if the number of elements differs.
func (t *Tape) Reshape(x *Var, shape ...int) *Var {
	y := &Var{Tensor: x.Tensor.Reshape(shape...), tape: t, mem: x.mem}
	return t.record(&Node{Name: "reshape", In: inputs{x}, Out: y, backward: func(dy kernels.Buf) {
		t.passOn(x, dy)
	}})
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
