package kernel

import "truegrain/kernels"

func (s Spec) window() kernels.Window {
	k, t, p, d := s.opt('k', 1), s.opt('s', 1), s.opt('p', 0), s.opt('d', 1)
	return kernels.Window{KH: k[0], KW: k[1], StrideH: t[0], StrideW: t[1], PadH: p[0], PadW: p[1],
		DilH: d[0], DilW: d[1]}
}

func (s *Spec) putWindow(w kernels.Window) {
	s.put('k', [2]int{w.KH, w.KW}, 0)
	s.put('s', [2]int{w.StrideH, w.StrideW}, 1)
	s.put('p', [2]int{w.PadH, w.PadW}, 0)
	s.put('d', [2]int{w.DilH, w.DilW}, 1)
}

// words of what is fused behind a product.
const fusions = "bias res relu gelu"

func (s Spec) activation() kernels.Activation {
	switch {
	case s.has("relu"):
		return kernels.WithReLU
	case s.has("gelu"):
		return kernels.WithGELU
	}
	return kernels.NoActivation
}

func (s *Spec) putFusions(bias, residual kernels.Buf, act kernels.Activation) {
	s.when(!bias.IsZero(), "bias")
	s.when(!residual.IsZero(), "res")
	s.when(act == kernels.WithReLU, "relu")
	s.when(act == kernels.WithGELU, "gelu")
}

// there stands for an operand that is to be there, until there is memory.
func there(is bool) kernels.Buf {
	if is {
		return kernels.Of([]float32{0})
	}
	return kernels.Buf{}
}

func defineConv2D() {
	define("conv2d", "8x56x56x64-64k3p1", def[kernels.Conv2D]{
		opts: "kspdg", words: fusions + " sums",
		parse: func(s Spec) kernels.Conv2D {
			return kernels.Conv2D{Window: s.window(), B: s.Sizes[0], H: s.Sizes[1], W: s.Sizes[2],
				C: s.Sizes[3], OC: s.Out[0], Groups: s.opt('g', 1)[0], Act: s.activation(),
				Bias: there(s.has("bias")), Residual: there(s.has("res")), Sums: there(s.has("sums"))}
		},
		format: func(o kernels.Conv2D, s *Spec) {
			s.Sizes, s.Out = []int{o.B, o.H, o.W, o.C}, []int{o.OC}
			s.putWindow(o.Window)
			s.put('g', [2]int{o.Groups, o.Groups}, 1)
			s.putFusions(o.Bias, o.Residual, o.Act)
			s.when(!o.Sums.IsZero(), "sums")
		},
		operands: func(o kernels.Conv2D) []operand {
			oh, ow := o.Out(o.H, o.W)
			y := o.B * oh * ow * o.OC
			return operands([]operand{in("X", o.B*o.H*o.W*o.C), in("Weight", o.OC*o.KH*o.KW*o.C/o.Groups),
				out("Y", y)}, fused(o.Bias, o.Residual, o.Sums, o.OC, y))
		},
		run: kernels.Backend.Conv2D, back: calls(kernels.Backend.Conv2DBackward),
		passes: []Pass{
			{Name: "forward", cut: cutConv(true)},
			{Name: "dx", wants: []string{"X"}, reads: []string{"Weight"}, work: 1, cut: cutConv(false)},
			{Name: "dw", wants: []string{"Weight"}, reads: []string{"X"}, work: 1, cut: cutConv(true)},
		},
	})
}

func defineConvTranspose2D() {
	define("convtranspose2d", "1x28x28x256-128k4s2p1", def[kernels.ConvTranspose2D]{
		opts: "kspdgo", words: fusions + " sums",
		parse: func(s Spec) kernels.ConvTranspose2D {
			more := s.opt('o', 0)
			return kernels.ConvTranspose2D{Window: s.window(), OutPadH: more[0], OutPadW: more[1],
				B: s.Sizes[0], H: s.Sizes[1], W: s.Sizes[2], C: s.Sizes[3], OC: s.Out[0],
				Groups: s.opt('g', 1)[0], Act: s.activation(), Bias: there(s.has("bias")),
				Residual: there(s.has("res")), Sums: there(s.has("sums"))}
		},
		format: func(o kernels.ConvTranspose2D, s *Spec) {
			s.Sizes, s.Out = []int{o.B, o.H, o.W, o.C}, []int{o.OC}
			s.putWindow(o.Window)
			s.put('o', [2]int{o.OutPadH, o.OutPadW}, 0)
			s.put('g', [2]int{o.Groups, o.Groups}, 1)
			s.putFusions(o.Bias, o.Residual, o.Act)
			s.when(!o.Sums.IsZero(), "sums")
		},
		operands: func(o kernels.ConvTranspose2D) []operand {
			oh, ow := o.OutSize()
			y := o.B * oh * ow * o.OC
			return operands([]operand{in("X", o.B*o.H*o.W*o.C), in("Weight", o.C*o.KH*o.KW*o.OC/o.Groups),
				out("Y", y)}, fused(o.Bias, o.Residual, o.Sums, o.OC, y))
		},
		run: kernels.Backend.ConvTranspose2D, back: calls(kernels.Backend.ConvTranspose2DBackward),
		passes: []Pass{
			{Name: "forward", cut: cutTransposed(true)},
			{Name: "dx", wants: []string{"X"}, reads: []string{"Weight"}, work: 1, cut: cutTransposed(false)},
			{Name: "dw", wants: []string{"Weight"}, reads: []string{"X"}, work: 1, cut: cutTransposed(true)},
		},
	})
}

// fused are the optional operands of a product with n outputs per row and y results.
func fused(bias, residual, sums kernels.Buf, n, y int) []operand {
	return operands(optional(!bias.IsZero(), in("Bias", n)), optional(!residual.IsZero(), in("Residual", y)),
		optional(!sums.IsZero(), out("Sums", 2*n).of(kernels.F64)))
}

// cutConv compares three output channels (of the result, and of the weights' gradient) or three input
// channels (of the pictures' gradient).
func cutConv(outputs bool) func(any) *cut {
	return func(args any) *cut {
		o := args.(kernels.Conv2D)
		each := o.KH * o.KW * o.C
		switch {
		case o.Groups != 1:
			return nil
		case outputs:
			return &cut{dim: "OC", n: o.OC, pick: three(o.OC),
				inner: map[string]int{"Weight": each, "Bias": 1, "Residual": 1, "Y": 1, "Sums": 1}}
		}
		return &cut{dim: "C", n: o.C, pick: three(o.C), inner: map[string]int{"X": 1, "Weight": 1}}
	}
}

func cutTransposed(outputs bool) func(any) *cut {
	return func(args any) *cut {
		o := args.(kernels.ConvTranspose2D)
		switch {
		case o.Groups != 1:
			return nil
		case outputs:
			return &cut{dim: "OC", n: o.OC, pick: three(o.OC),
				inner: map[string]int{"Weight": 1, "Bias": 1, "Residual": 1, "Y": 1, "Sums": 1}}
		}
		return &cut{dim: "C", n: o.C, pick: three(o.C),
			inner: map[string]int{"X": 1, "Weight": o.KH * o.KW * o.OC}}
	}
}
