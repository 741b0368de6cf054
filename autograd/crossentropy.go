package autograd

import (
	"truegrain/kernels"
	"truegrain/tensor"
)

// CrossEntropy is softmax and negative log-likelihood of the right class in one, averaged over the rows;
// kernels.CrossEntropy has the formula.
//
// Shapes: x (R,D); classes (R) int32 on the tape's backend, each in [0,D) (Tape.UploadInts); result (1).
// Saved:  x and log-sum-exp (R), until backward has run.
// Panics: *tensor.ShapeError if they do not fit; *kernels.BufError if classes are not int32.
func (t *Tape) CrossEntropy(x *Var, classes tensor.Tensor) *Var {
	x.MustShape("CrossEntropy x", -1, -1)
	classes.MustShape("CrossEntropy classes", x.Dim(0))
	if classes.Buf.DType() != kernels.I32 {
		panic(&kernels.BufError{Got: classes.Buf, Want: kernels.I32})
	}
	y := t.Alloc(1)
	op := kernels.CrossEntropy{R: x.Dim(0), D: x.Dim(1), X: x.Buf, T: classes.Buf, Y: y.Buf,
		LSE: t.Scratch(x.Dim(0))}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.CrossEntropyBackward(kernels.CrossEntropyGrad{CrossEntropy: op, DY: dy, DX: x.Grad()})
	})
}
