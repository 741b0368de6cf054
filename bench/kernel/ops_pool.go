package kernel

import "truegrain/kernels"

// outSize is the size of the result, as given behind the dash or as it follows from the window.
func (s Spec) outSize(w kernels.Window) (oh, ow int) {
	if len(s.Out) == 2 {
		return s.Out[0], s.Out[1]
	}
	return w.Out(s.Sizes[1], s.Sizes[2])
}

// putOutSize writes it if it does not follow.
func (s *Spec) putOutSize(w kernels.Window, h, wd, oh, ow int) {
	if a, b := w.Out(h, wd); a != oh || b != ow {
		s.Out = []int{oh, ow}
	}
}

func defineMaxPool2D() {
	define("maxpool2d", "8x112x112x64-56x56k3s2p1", def[kernels.MaxPool2D]{
		opts: "kspd", words: "index",
		parse: func(s Spec) kernels.MaxPool2D {
			oh, ow := s.outSize(s.window())
			return kernels.MaxPool2D{Window: s.window(), B: s.Sizes[0], H: s.Sizes[1], W: s.Sizes[2],
				C: s.Sizes[3], OH: oh, OW: ow, Index: there(s.has("index"))}
		},
		format: func(o kernels.MaxPool2D, s *Spec) {
			s.Sizes = []int{o.B, o.H, o.W, o.C}
			s.putOutSize(o.Window, o.H, o.W, o.OH, o.OW)
			s.putWindow(o.Window)
			s.when(!o.Index.IsZero(), "index")
		},
		operands: func(o kernels.MaxPool2D) []operand {
			y := o.B * o.OH * o.OW * o.C
			return operands([]operand{in("X", o.B*o.H*o.W*o.C), out("Y", y)},
				optional(!o.Index.IsZero(), out("Index", y).of(kernels.I32)))
		},
		run: kernels.Backend.MaxPool2D, back: calls(kernels.Backend.MaxPool2DBackward),
		passes: []Pass{{Name: "forward", cut: cutPictures[kernels.MaxPool2D]("Index")},
			{Name: "backward", wants: []string{"X"}, reads: []string{"Index"}, work: 0.1,
				cut: cutPictures[kernels.MaxPool2D]("Index")}},
	})
}

func defineAvgPool2D() {
	define("avgpool2d", "8x56x56x64-28x28k3s2p1", def[kernels.AvgPool2D]{
		opts: "ksp",
		parse: func(s Spec) kernels.AvgPool2D {
			oh, ow := s.outSize(s.window())
			return kernels.AvgPool2D{Window: s.window(), B: s.Sizes[0], H: s.Sizes[1], W: s.Sizes[2],
				C: s.Sizes[3], OH: oh, OW: ow}
		},
		format: func(o kernels.AvgPool2D, s *Spec) {
			s.Sizes = []int{o.B, o.H, o.W, o.C}
			s.putOutSize(o.Window, o.H, o.W, o.OH, o.OW)
			s.putWindow(o.Window)
		},
		operands: func(o kernels.AvgPool2D) []operand {
			return []operand{in("X", o.B*o.H*o.W*o.C), out("Y", o.B*o.OH*o.OW*o.C)}
		},
		run: kernels.Backend.AvgPool2D, back: calls(kernels.Backend.AvgPool2DBackward),
		passes: []Pass{{Name: "forward", cut: cutPictures[kernels.AvgPool2D]()},
			{Name: "backward", wants: []string{"X"}, work: 1, cut: cutPictures[kernels.AvgPool2D]()}},
	})
}

func defineAdaptiveAvgPool2D() {
	define("adaptiveavgpool2d", "8x7x7x2048-1x1", def[kernels.AdaptiveAvgPool2D]{
		parse: func(s Spec) kernels.AdaptiveAvgPool2D {
			return kernels.AdaptiveAvgPool2D{B: s.Sizes[0], H: s.Sizes[1], W: s.Sizes[2], C: s.Sizes[3],
				OH: s.Out[0], OW: s.Out[1]}
		},
		format: func(o kernels.AdaptiveAvgPool2D, s *Spec) {
			s.Sizes, s.Out = []int{o.B, o.H, o.W, o.C}, []int{o.OH, o.OW}
		},
		operands: func(o kernels.AdaptiveAvgPool2D) []operand {
			return []operand{in("X", o.B*o.H*o.W*o.C), out("Y", o.B*o.OH*o.OW*o.C)}
		},
		run: kernels.Backend.AdaptiveAvgPool2D, back: calls(kernels.Backend.AdaptiveAvgPool2DBackward),
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{"X"}, work: 1}},
	})
}

func defineResize() {
	define("resize", "1x28x28x21-224x224", def[kernels.Resize]{
		parse: func(s Spec) kernels.Resize {
			return kernels.Resize{B: s.Sizes[0], H: s.Sizes[1], W: s.Sizes[2], C: s.Sizes[3], OH: s.Out[0],
				OW: s.Out[1]}
		},
		format: func(o kernels.Resize, s *Spec) {
			s.Sizes, s.Out = []int{o.B, o.H, o.W, o.C}, []int{o.OH, o.OW}
		},
		operands: func(o kernels.Resize) []operand {
			return []operand{in("X", o.B*o.H*o.W*o.C), out("Y", o.B*o.OH*o.OW*o.C)}
		},
		run: kernels.Backend.Resize, back: calls(kernels.Backend.ResizeBackward),
		passes: []Pass{{Name: "forward", cut: cutPictures[kernels.Resize]()},
			{Name: "backward", wants: []string{"X"}, work: 1, cut: cutPictures[kernels.Resize]()}},
	})
}

func definePad() {
	define("pad", "1x221x221x3-1x2x1x2", def[kernels.Pad]{
		parse: func(s Spec) kernels.Pad {
			return kernels.Pad{B: s.Sizes[0], H: s.Sizes[1], W: s.Sizes[2], C: s.Sizes[3],
				Top: s.Out[0], Bottom: s.Out[1], Left: s.Out[2], Right: s.Out[3]}
		},
		format: func(o kernels.Pad, s *Spec) {
			s.Sizes, s.Out = []int{o.B, o.H, o.W, o.C}, []int{o.Top, o.Bottom, o.Left, o.Right}
		},
		operands: func(o kernels.Pad) []operand {
			return []operand{in("X", o.B*o.H*o.W*o.C),
				out("Y", o.B*(o.Top+o.H+o.Bottom)*(o.Left+o.W+o.Right)*o.C)}
		},
		run: kernels.Backend.Pad, back: calls(kernels.Backend.PadBackward),
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{"X"}, work: 1}},
	})
}
