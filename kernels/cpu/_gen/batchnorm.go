package main

import . "github.com/mmcloughlin/avo/reg"

// batchnorm writes the passes of batch norm behind its sums. Both are affine maps with constants of a column;
// that which is added has two parts, since its rounding would move the whole column one way.
func batchnorm(w *writer, v *vector) {
	forward := &stream{writer: w, vector: v, bypass: true, ahead: true, apart: true, planes: 3,
		moving: []string{"y", "x", "residual"},
		body: func(s *stream) {
			x := s.load("x")
			s.affine(x, 0, 1)
			s.VADDPS(s.plane(2), x, x)
			s.when("flagResidual", func() { s.VADDPS(s.load("residual"), x, x) })
			s.when("flagRectify", func() { s.keep(x, x, notLessEqual, s.splat["zero"]) })
			s.store(x, "y")
		}}
	forward.write("normalize", "func(y, x, residual, coef []float32, width, step, flags int)",
		"is normalizeGo.")

	back := &stream{writer: w, vector: v, bypass: true, ahead: true, apart: true, planes: 4,
		moving: []string{"dx", "dy", "y", "x", "branch"},
		tests: []string{"gateOutput", "gateGradient", "flagCentre", "flagAdd", "flagBranch",
			"flagAddBranch"},
		special: [][]string{{"flagCentre"}, {"flagCentre", "gateOutput"}},
		body: func(s *stream) {
			dz := s.load("dy")
			s.gates(dz)
			d := s.reg()
			s.zeroed(d)
			s.when("flagCentre", func() {
				s.loadInto("x", d)
				s.affine(d, 1, 2)
				s.VADDPS(s.plane(3), d, d)
			})
			s.VFMADD231PS(s.plane(0), dz, d)
			s.addIf("flagAdd", d, "dx")
			s.store(d, "dx")
			s.when("flagBranch", func() { // after dx, which may be the same memory
				s.addIf("flagAddBranch", dz, "branch")
				s.store(dz, "branch")
			})
		}}
	back.write("normGradient", "func(dx, dy, y, x, branch, coef []float32, width, step, flags int)",
		"is normGradientGo.")
}

// affine is x·plane(slope) + plane(shift), rounded once.
func (s *stream) affine(x VecVirtual, slope, shift int) {
	t := s.reg()
	s.VMOVUPS(s.plane(slope), t)
	s.VFMADD213PS(s.plane(shift), t, x)
}

// addIf adds what stands in an operand to r if the flag is set.
func (s *stream) addIf(flag string, r VecVirtual, operand string) {
	s.when(flag, func() { s.VADDPS(s.load(operand), r, r) })
}
