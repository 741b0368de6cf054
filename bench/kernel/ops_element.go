package kernel

import "truegrain/kernels"

// unary defines an op of one operand, element by element; reads is what its backward reads beside dy.
func unary[A any](stem, opts string, parse func(n int, s Spec) A, format func(A, *Spec),
	run func(kernels.Backend, A), back caller, reads ...string) {
	size := func(o A) int {
		var s Spec
		format(o, &s)
		return s.Sizes[0]
	}
	define(stem, "6422528", def[A]{
		opts:     opts,
		parse:    func(s Spec) A { return parse(s.Sizes[0], s) },
		format:   format,
		operands: func(o A) []operand { return []operand{in("X", size(o)).in(-4, 4), out("Y", size(o))} },
		run:      run, back: back,
		passes: []Pass{{Name: "forward", cut: cutElements[A]("X", "Y")},
			{Name: "backward", wants: []string{"X"}, reads: reads, work: 1, cut: cutElements[A]("X", "Y")}},
	})
}

// binary defines an op of two operands, element by element.
func binary[A any](stem string, make func(n int) A, size func(A) int, run func(kernels.Backend, A),
	back caller, reads ...string) {
	all := cutElements[A]("A", "B", "Y")
	define(stem, "6422528", def[A]{
		parse:  func(s Spec) A { return make(s.Sizes[0]) },
		format: func(o A, s *Spec) { s.Sizes = []int{size(o)} },
		operands: func(o A) []operand {
			return []operand{in("A", size(o)), in("B", size(o)), out("Y", size(o))}
		},
		run: run, back: back,
		passes: []Pass{{Name: "forward", cut: all}, {Name: "backward", wants: []string{"A", "B"},
			reads: reads, work: 1, cut: all}},
	})
}

// defineElements defines the ops that work element by element.
func defineElements() {
	unary("relu", "", func(n int, _ Spec) kernels.ReLU { return kernels.ReLU{N: n} },
		func(o kernels.ReLU, s *Spec) { s.Sizes = []int{o.N} },
		kernels.Backend.ReLU, calls(kernels.Backend.ReLUBackward), "Y")
	unary("gelu", "", func(n int, _ Spec) kernels.GELU { return kernels.GELU{N: n} },
		func(o kernels.GELU, s *Spec) { s.Sizes = []int{o.N} },
		kernels.Backend.GELU, calls(kernels.Backend.GELUBackward), "X")
	unary("sigmoid", "", func(n int, _ Spec) kernels.Sigmoid { return kernels.Sigmoid{N: n} },
		func(o kernels.Sigmoid, s *Spec) { s.Sizes = []int{o.N} },
		kernels.Backend.Sigmoid, calls(kernels.Backend.SigmoidBackward), "Y")
	unary("scale", "", func(n int, _ Spec) kernels.Scale { return kernels.Scale{N: n, Alpha: 0.5} },
		func(o kernels.Scale, s *Spec) { s.Sizes = []int{o.N} },
		kernels.Backend.Scale, calls(kernels.Backend.ScaleBackward))
	binary("add", func(n int) kernels.Add { return kernels.Add{N: n} },
		func(o kernels.Add) int { return o.N },
		kernels.Backend.Add, calls(kernels.Backend.AddBackward))
	binary("mul", func(n int) kernels.Mul { return kernels.Mul{N: n} },
		func(o kernels.Mul) int { return o.N },
		kernels.Backend.Mul, calls(kernels.Backend.MulBackward), "A", "B")
}

func defineDropout() {
	define("dropout", "401408", def[kernels.Dropout]{
		parse:    func(s Spec) kernels.Dropout { return kernels.Dropout{N: s.Sizes[0], P: 0.1, Seed: 1} },
		format:   func(o kernels.Dropout, s *Spec) { s.Sizes = []int{o.N} },
		operands: func(o kernels.Dropout) []operand { return []operand{in("X", o.N), out("Y", o.N)} },
		run:      kernels.Backend.Dropout, back: calls(kernels.Backend.DropoutBackward),
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{"X"}, work: 1}},
	})
}

func defineBias() {
	define("bias", "197x1024", def[kernels.Bias]{
		parse:  func(s Spec) kernels.Bias { return kernels.Bias{R: s.Sizes[0], C: s.Sizes[1]} },
		format: func(o kernels.Bias, s *Spec) { s.Sizes = []int{o.R, o.C} },
		operands: func(o kernels.Bias) []operand {
			return []operand{in("X", o.R*o.C), in("Bias", o.C), out("Y", o.R*o.C)}
		},
		run: kernels.Backend.Bias, back: calls(kernels.Backend.BiasBackward),
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{"X", "Bias"}, work: 1}},
	})
}

func defineSlice() {
	define("slice", "4x197x1024-0x1", def[kernels.Slice]{
		parse: func(s Spec) kernels.Slice {
			return kernels.Slice{Outer: s.Sizes[0], N: s.Sizes[1], Inner: s.Sizes[2], Start: s.Out[0],
				Stop: s.Out[1]}
		},
		format: func(o kernels.Slice, s *Spec) {
			s.Sizes, s.Out = []int{o.Outer, o.N, o.Inner}, []int{o.Start, o.Stop}
		},
		operands: func(o kernels.Slice) []operand {
			return []operand{in("X", o.Outer*o.N*o.Inner), out("Y", o.Outer*(o.Stop-o.Start)*o.Inner)}
		},
		run: kernels.Backend.Slice, back: calls(kernels.Backend.SliceBackward),
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{"X"}, work: 1}},
	})
}

func defineSum() {
	define("sum", "8x3136x64", def[kernels.Sum]{
		parse: func(s Spec) kernels.Sum {
			return kernels.Sum{Outer: s.Sizes[0], N: s.Sizes[1], Inner: s.Sizes[2], Scale: 1}
		},
		format: func(o kernels.Sum, s *Spec) { s.Sizes = []int{o.Outer, o.N, o.Inner} },
		operands: func(o kernels.Sum) []operand {
			return []operand{in("X", o.Outer*o.N*o.Inner).in(0, 1), out("Y", o.Outer*o.Inner)}
		},
		run: kernels.Backend.Sum, back: calls(kernels.Backend.SumBackward),
		passes: []Pass{{Name: "forward"}, {Name: "backward", wants: []string{"X"}, work: 1}},
	})
}
