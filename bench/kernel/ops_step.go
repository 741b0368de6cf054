package kernel

import "truegrain/kernels"

// pair defines a loss of two equal operands.
func pair[A any](stem, x string, lo, hi float64, make func(n int) A, size func(A) int,
	run func(kernels.Backend, A), back caller) {
	define(stem, "200704", def[A]{
		parse:  func(s Spec) A { return make(s.Sizes[0]) },
		format: func(o A, s *Spec) { s.Sizes = []int{size(o)} },
		operands: func(o A) []operand {
			return []operand{in(x, size(o)).in(lo, hi), in("T", size(o)).in(0, 1), out("Y", 1)}
		},
		run: run, back: back,
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{x}, reads: []string{x, "T"},
			work: 0.5}},
	})
}

// defineLosses defines the losses.
func defineLosses() {
	pair("bce", "P", 0.01, 0.99, func(n int) kernels.BCE { return kernels.BCE{N: n} },
		func(o kernels.BCE) int { return o.N }, kernels.Backend.BCE, calls(kernels.Backend.BCEBackward))
	pair("bcelogits", "X", -4, 4, func(n int) kernels.BCELogits { return kernels.BCELogits{N: n} },
		func(o kernels.BCELogits) int { return o.N }, kernels.Backend.BCELogits,
		calls(kernels.Backend.BCELogitsBackward))
	pair("mse", "X", -1, 1, func(n int) kernels.MSE { return kernels.MSE{N: n} },
		func(o kernels.MSE) int { return o.N }, kernels.Backend.MSE, calls(kernels.Backend.MSEBackward))
	define("crossentropy", "200704x21", def[kernels.CrossEntropy]{
		parse: func(s Spec) kernels.CrossEntropy {
			return kernels.CrossEntropy{R: s.Sizes[0], D: s.Sizes[1]}
		},
		format: func(o kernels.CrossEntropy, s *Spec) { s.Sizes = []int{o.R, o.D} },
		operands: func(o kernels.CrossEntropy) []operand {
			return []operand{in("X", o.R*o.D).in(-4, 4), in("T", o.R).of(kernels.I32).in(0, float64(o.D)),
				out("Y", 1), out("LSE", o.R)}
		},
		run: kernels.Backend.CrossEntropy, back: calls(kernels.Backend.CrossEntropyBackward),
		passes: []Pass{{Name: "forward"},
			{Name: "backward", wants: []string{"X"}, reads: []string{"X", "T", "LSE"}, work: 0.5}},
	})
}

// defineSteps defines the optimisers: each one pass over its state.
func defineSteps() {
	define("sgd", "2359296", def[kernels.SGD]{
		parse: func(s Spec) kernels.SGD {
			return kernels.SGD{N: s.Sizes[0], LR: 1e-3, Momentum: 0.9, WeightDecay: 1e-4}
		},
		format: func(o kernels.SGD, s *Spec) { s.Sizes = []int{o.N} },
		operands: func(o kernels.SGD) []operand {
			return []operand{in("P", o.N).as(state), in("G", o.N), in("V", o.N).as(state)}
		},
		run:    kernels.Backend.SGD,
		passes: []Pass{{Name: "forward", cut: cutElements[kernels.SGD]("P", "G", "V")}},
		cost: func(o kernels.SGD) kernels.Cost {
			return kernels.Cost{FLOPs: 6 * int64(o.N), Bytes: 5 * int64(o.P.Bytes())}
		},
	})
	define("adam", "2359296", def[kernels.Adam]{
		words: "decoupled",
		parse: func(s Spec) kernels.Adam {
			return kernels.Adam{N: s.Sizes[0], LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8,
				WeightDecay: 1e-2, Decoupled: s.has("decoupled"), Step: 3}
		},
		format: func(o kernels.Adam, s *Spec) {
			s.Sizes = []int{o.N}
			s.when(o.Decoupled, "decoupled")
		},
		operands: func(o kernels.Adam) []operand {
			return []operand{in("P", o.N).as(state), in("G", o.N), in("M", o.N).as(state),
				in("V", o.N).in(0.1, 1).as(state)}
		},
		run:    kernels.Backend.Adam,
		passes: []Pass{{Name: "forward", cut: cutElements[kernels.Adam]("P", "G", "M", "V")}},
		cost: func(o kernels.Adam) kernels.Cost {
			return kernels.Cost{FLOPs: 14 * int64(o.N), Bytes: 7 * int64(o.P.Bytes())}
		},
	})
}
