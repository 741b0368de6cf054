package kernel

import (
	"reflect"

	"truegrain/kernels"
)

func defineLinear() {
	define("linear", "788x1024-4096+bias", def[kernels.Linear]{
		words: fusions,
		parse: func(s Spec) kernels.Linear {
			return kernels.Linear{R: s.Sizes[0], D: s.Sizes[1], OD: s.Out[0], Act: s.activation(),
				Bias: there(s.has("bias")), Residual: there(s.has("res"))}
		},
		format: func(o kernels.Linear, s *Spec) {
			s.Sizes, s.Out = []int{o.R, o.D}, []int{o.OD}
			s.putFusions(o.Bias, o.Residual, o.Act)
		},
		operands: func(o kernels.Linear) []operand {
			y := o.R * o.OD
			return operands([]operand{in("X", o.R*o.D), in("Weight", o.OD*o.D), out("Y", y)},
				fused(o.Bias, o.Residual, kernels.Buf{}, o.OD, y))
		},
		run: kernels.Backend.Linear, back: calls(kernels.Backend.LinearBackward),
		passes: []Pass{
			{Name: "forward", cut: cutLinear(true)},
			{Name: "dx", wants: []string{"X"}, reads: []string{"Weight"}, work: 1, cut: cutLinear(false)},
			{Name: "dw", wants: []string{"Weight"}, reads: []string{"X"}, work: 1, cut: cutLinear(true)},
		},
	})
}

func defineGemm() {
	define("gemm", "1024x1024x1024", def[kernels.Gemm]{
		opts: "b", words: "ta tb",
		parse: func(s Spec) kernels.Gemm {
			m, n, k := s.Sizes[0], s.Sizes[1], s.Sizes[2]
			o := kernels.Gemm{M: m, N: n, K: k, Batch: s.opt('b', 1)[0], TransA: s.has("ta"),
				TransB: s.has("tb"), LDA: k, LDB: n, LDC: n, StrideA: m * k, StrideB: k * n, StrideC: m * n}
			if o.TransA {
				o.LDA = m
			}
			if o.TransB {
				o.LDB = k
			}
			return o
		},
		format: func(o kernels.Gemm, s *Spec) {
			s.Sizes = []int{o.M, o.N, o.K}
			s.put('b', [2]int{max(o.Batch, 1), max(o.Batch, 1)}, 1)
			s.when(o.TransA, "ta")
			s.when(o.TransB, "tb")
		},
		operands: func(o kernels.Gemm) []operand {
			b := max(o.Batch, 1)
			return []operand{in("A", b*o.M*o.K), in("B", b*o.K*o.N), out("C", b*o.M*o.N)}
		},
		run:    kernels.Backend.Gemm,
		passes: []Pass{{Name: "forward", cut: cutGemm}},
	})
}

func defineAttention() {
	define("attention", "4x16x197x64", def[kernels.Attention]{
		words: "lse",
		parse: func(s Spec) kernels.Attention {
			ld := 3 * s.Sizes[1] * s.Sizes[3]
			return kernels.Attention{B: s.Sizes[0], NH: s.Sizes[1], TQ: s.Sizes[2], TK: s.Sizes[2],
				HD: s.Sizes[3], LDQ: ld, LDK: ld, LDV: ld, LSE: there(s.has("lse"))}
		},
		format: func(o kernels.Attention, s *Spec) {
			s.Sizes = []int{o.B, o.NH, o.TQ, o.HD}
			s.when(!o.LSE.IsZero(), "lse")
		},
		operands: func(o kernels.Attention) []operand {
			d := o.NH * o.HD
			part := func(field string) operand { return in(field, max(o.B*o.TQ*o.LDQ-2*d, 0)) }
			return operands([]operand{part("Q"), part("K"), part("V"), out("Y", o.B*o.TQ*d)},
				optional(!o.LSE.IsZero(), out("LSE", o.B*o.NH*o.TQ)))
		},
		run: kernels.Backend.Attention, back: calls(kernels.Backend.AttentionBackward),
		passes: []Pass{{Name: "forward", cut: cutAttention},
			{Name: "backward", wants: []string{"Q", "K", "V"}, reads: []string{"Q", "K", "V", "Y", "LSE"},
				work: 2.5, cut: cutAttention}},
	})
}

func cutLinear(outputs bool) func(any) *cut {
	return func(args any) *cut {
		o := args.(kernels.Linear)
		if outputs {
			return &cut{dim: "OD", n: o.OD, pick: three(o.OD),
				inner: map[string]int{"Weight": o.D, "Bias": 1, "Residual": 1, "Y": 1}}
		}
		return &cut{dim: "D", n: o.D, pick: three(o.D), inner: map[string]int{"X": 1, "Weight": 1}}
	}
}

// cutGemm compares some rows.
func cutGemm(args any) *cut {
	o := args.(kernels.Gemm)
	if o.TransA {
		return nil
	}
	return &cut{dim: "M", n: o.M, pick: spread(o.M, 8), inner: map[string]int{"A": o.K, "C": o.N},
		fix: func(a reflect.Value, picked int) {
			a.FieldByName("StrideA").SetInt(int64(picked * o.K))
			a.FieldByName("StrideC").SetInt(int64(picked * o.N))
		}}
}

// cutAttention compares the last picture.
func cutAttention(args any) *cut {
	o := args.(kernels.Attention)
	return &cut{dim: "B", n: o.B, pick: []int{max(o.B-1, 0)}, inner: map[string]int{"Q": o.TQ * o.LDQ,
		"K": o.TK * o.LDK, "V": o.TK * o.LDV, "Y": o.TQ * o.NH * o.HD, "LSE": o.NH * o.TQ}}
}
