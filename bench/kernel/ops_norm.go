package kernel

import "truegrain/kernels"

func defineBatchNorm() {
	define("batchnorm", "25088x64+train+relu", def[kernels.BatchNorm]{
		words: "train relu res sums",
		parse: func(s Spec) kernels.BatchNorm {
			return kernels.BatchNorm{R: s.Sizes[0], C: s.Sizes[1], Eps: 1e-5, Momentum: 0.1,
				Train: s.has("train"), ReLU: s.has("relu"), Residual: there(s.has("res")),
				Sums: there(s.has("sums"))}
		},
		format: func(o kernels.BatchNorm, s *Spec) {
			s.Sizes = []int{o.R, o.C}
			s.when(o.Train, "train")
			s.when(o.ReLU, "relu")
			s.when(!o.Residual.IsZero(), "res")
			s.when(!o.Sums.IsZero(), "sums")
		},
		operands: func(o kernels.BatchNorm) []operand {
			n := o.R * o.C
			return operands([]operand{in("X", n), in("Gamma", o.C), in("Beta", o.C), out("Y", n),
				in("RunningMean", o.C).as(state), in("RunningVar", o.C).in(0.5, 2).as(state),
				out("Mean", o.C), out("RStd", o.C)},
				optional(!o.Residual.IsZero(), in("Residual", n)),
				optional(!o.Sums.IsZero(), in("Sums", 2*o.C).of(kernels.F64).made(channelSums)))
		},
		run: kernels.Backend.BatchNorm, back: calls(kernels.Backend.BatchNormBackward),
		passes: []Pass{{Name: "forward", cut: cutBatchNorm, again: func(args any) []string {
			o := args.(kernels.BatchNorm)
			return []string{"X"}[:btoi(o.Train && o.Sums.IsZero())]
		}},
			{Name: "backward", wants: []string{"X", "Gamma", "Beta", "Residual"},
				reads: []string{"X", "Y", "Mean", "RStd"}, work: 1.5, cut: cutBatchNorm, again: normedAgain}},
	})
}

// normedAgain is what the gradient of the input needs behind the sums: dy, y for the ReLU, and in training x.
func normedAgain(args any) []string {
	o := args.(kernels.BatchNorm)
	all := []string{"DY"}
	if o.Train {
		all = append(all, "X")
	}
	if o.ReLU {
		all = append(all, "Y")
	}
	return all
}

func defineLayerNorm() {
	define("layernorm", "788x1024", def[kernels.LayerNorm]{
		parse: func(s Spec) kernels.LayerNorm {
			return kernels.LayerNorm{R: s.Sizes[0], D: s.Sizes[1], Eps: 1e-6}
		},
		format: func(o kernels.LayerNorm, s *Spec) { s.Sizes = []int{o.R, o.D} },
		operands: func(o kernels.LayerNorm) []operand {
			return []operand{in("X", o.R*o.D), in("Gamma", o.D), in("Beta", o.D), out("Y", o.R*o.D),
				out("Mean", o.R), out("RStd", o.R)}
		},
		run: kernels.Backend.LayerNorm, back: calls(kernels.Backend.LayerNormBackward),
		passes: []Pass{{Name: "forward"},
			{Name: "backward", wants: []string{"X", "Gamma", "Beta"}, reads: []string{"X", "Mean", "RStd"},
				work: 1.5}},
	})
}

func defineSoftmax() {
	define("softmax", "12608x197", def[kernels.Softmax]{
		parse:  func(s Spec) kernels.Softmax { return kernels.Softmax{R: s.Sizes[0], D: s.Sizes[1]} },
		format: func(o kernels.Softmax, s *Spec) { s.Sizes = []int{o.R, o.D} },
		operands: func(o kernels.Softmax) []operand {
			return []operand{in("X", o.R*o.D).in(-4, 4), out("Y", o.R*o.D)}
		},
		run: kernels.Backend.Softmax, back: calls(kernels.Backend.SoftmaxBackward),
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{"X"}, reads: []string{"Y"},
			work: 0.5}},
	})
}

// channelSums are Σx and Σx² of every channel, as the convolution before would have written them.
func channelSums(args any) []float64 {
	o := args.(kernels.BatchNorm)
	s := make([]float64, 2*o.C)
	for i, v := range kernels.Floats[float32](o.X) {
		s[i%o.C] += float64(v)
		s[o.C+i%o.C] += float64(v) * float64(v)
	}
	return s
}

// cutBatchNorm compares three channels.
func cutBatchNorm(args any) *cut {
	o := args.(kernels.BatchNorm)
	c := &cut{dim: "C", n: o.C, pick: three(o.C), inner: map[string]int{}}
	for _, f := range []string{"X", "Gamma", "Beta", "Residual", "Y", "RunningMean", "RunningVar", "Mean",
		"RStd", "Sums"} {
		c.inner[f] = 1
	}
	return c
}
