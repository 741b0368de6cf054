package autograd

import (
	"truegrain/kernels"
	"truegrain/tensor"
)

// Pictures brings the bytes of pictures to the tape's backend and makes values of them there, in the type of
// its Activations. A quarter of the bytes of values in float32 are copied.
//
//	y[b,h,w,c] = (x[b,h,w,c]/255 − mean[c]) / std[c]
//
// Shapes: host (B,H,W,3) uint8; result as it.
// Panics: *tensor.ShapeError if they are no pictures; *kernels.BufError if they are not uint8.
func (t *Tape) Pictures(host tensor.Tensor, mean, std [3]float32) *Var {
	host.MustShape("Pictures", -1, -1, -1, 3)
	if host.Buf.DType() != kernels.U8 {
		panic(&kernels.BufError{Got: host.Buf, Want: kernels.U8})
	}
	x := t.allocAs(kernels.U8, host.Shape()...)
	if t.runs() {
		t.be.Upload(x.Buf, host.Buf)
	}
	y := t.allocAs(t.be.Activations(), host.Shape()...)
	op := kernels.Normalize{N: host.Len() / 3, Mean: mean, Std: std, X: x.Buf, Y: y.Buf}
	return t.apply(op, y, nil, nil)
}
