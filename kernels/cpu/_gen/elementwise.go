package main

import . "github.com/mmcloughlin/avo/reg"

// elementwise writes the plain operations on equal shapes, and the row of a bias.
func elementwise(w *writer, v *vector) {
	pair := func(name, doc string, op func(s *stream, a, b VecVirtual)) {
		s := &stream{writer: w, vector: v, bypass: true, moving: []string{"dst", "a", "b"},
			body: func(s *stream) {
				a, b := s.load("a"), s.load("b")
				op(s, b, a)
				s.store(a, "dst")
			}}
		s.write(name, "func(dst, a, b []float32, flags int)", doc)
	}
	pair("add", "is dst = a + b, as addGo.", func(s *stream, b, a VecVirtual) { s.VADDPS(b, a, a) })
	pair("multiply", "is dst = a·b, as multiplyGo.", func(s *stream, b, a VecVirtual) { s.VMULPS(b, a, a) })

	scale := &stream{writer: w, vector: v, bypass: true, moving: []string{"dst", "x"},
		scalars: []string{"alpha"}, body: func(s *stream) {
			x := s.load("x")
			s.VMULPS(s.splat["alpha"], x, x)
			s.store(x, "dst")
		}}
	scale.write("scale", "func(dst, x []float32, alpha float32, flags int)", "is dst = alpha·x, as scaleGo.")

	fill := &stream{writer: w, vector: v, bypass: true, moving: []string{"dst"}, scalars: []string{"value"},
		body: func(s *stream) { s.store(s.splat["value"], "dst") }}
	fill.write("fill", "func(dst []float32, value float32, flags int)", "is dst = value, as fillGo.")

	bias := &stream{writer: w, vector: v, bypass: true, moving: []string{"dst", "x"}, planes: 1,
		body: func(s *stream) {
			x := s.load("x")
			s.VADDPS(s.plane(0), x, x)
			s.store(x, "dst")
		}}
	bias.write("bias", "func(dst, x, coef []float32, width, flags int)",
		"is dst = x + coef, the row of each column's parameter, as biasGo.")
}
