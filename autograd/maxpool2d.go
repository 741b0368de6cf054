package autograd

import "truegrain/kernels"

// Pooling sets a pooling window, in rows and columns. The zero Stride means the Kernel, the zero Dilation 1.
// Ceil rounds the output's size up, so that a last window may hang over the end (PyTorch's ceil_mode).
type Pooling struct {
	Kernel, Stride, Padding, Dilation [2]int
	Ceil                              bool
}

func (p Pooling) window() kernels.Window {
	or := func(v, other int) int {
		if v == 0 {
			return other
		}
		return v
	}
	return kernels.Window{KH: p.Kernel[0], KW: p.Kernel[1], StrideH: or(p.Stride[0], p.Kernel[0]),
		StrideW: or(p.Stride[1], p.Kernel[1]), PadH: p.Padding[0], PadW: p.Padding[1],
		DilH: or(p.Dilation[0], 1), DilW: or(p.Dilation[1], 1)}
}

// out checks the window and gives the output's size for pictures of h×w.
func (p Pooling) out(op string, h, w int) (win kernels.Window, oh, ow int) {
	win = p.window()
	if err := win.Check(); err != nil {
		panic(&kernels.ArgError{Op: op, Field: "Pooling", Reason: err.Error()})
	}
	if win.PadH > win.KH/2 || win.PadW > win.KW/2 {
		panic(&kernels.ArgError{Op: op, Field: "Padding", Reason: "must be at most half of the kernel"})
	}
	if p.Ceil {
		oh, ow = win.OutCeil(h, w)
	} else {
		oh, ow = win.Out(h, w)
	}
	return win, oh, ow
}

// MaxPool2D takes the largest element of each window, channel by channel; padding never wins
// (kernels.MaxPool2D has the formula).
//
// Shapes: x (B,H,W,C); result (B,OH,OW,C).
// Saved:  the position of each winner (int32), until backward has run.
// Panics: *tensor.ShapeError if x is no picture; *kernels.ArgError for a window that makes no sense.
func (t *Tape) MaxPool2D(x *Var, p Pooling) *Var {
	x.MustShape("MaxPool2D x", -1, -1, -1, -1)
	win, oh, ow := p.out("maxpool2d", x.Dim(1), x.Dim(2))
	op := kernels.MaxPool2D{Window: win, B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3),
		OH: oh, OW: ow, X: x.Buf}
	y := t.like(x, op.B, oh, ow, op.C)
	op.Y = y.Buf
	if x.wants {
		op.Index = t.scratchAs(kernels.I32, y.Len())
	}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.MaxPool2DBackward(kernels.MaxPool2DGrad{MaxPool2D: op, DY: dy, DX: x.Grad()})
	})
}
