package main

import . "github.com/mmcloughlin/avo/reg"

// relu writes the rectifier and its backward by the rules that read the output.
func relu(w *writer, v *vector) {
	forward := &stream{writer: w, vector: v, bypass: true, moving: []string{"dst", "x"},
		body: func(s *stream) {
			x := s.load("x")
			s.keep(x, x, notLessEqual, s.splat["zero"])
			s.store(x, "dst")
		}}
	forward.write("rectify", "func(dst, x []float32, flags int)",
		"is dst = max(x, 0), NaN staying NaN, as rectifyGo.")

	back := &stream{writer: w, vector: v, bypass: true, moving: []string{"dst", "y", "dy"}}
	back.body = func(s *stream) {
		g := s.load("dy")
		s.gates(g)
		s.store(g, "dst")
	}
	back.write("gate", "func(dst, y, dy []float32, flags int)",
		"is dst = dy where the gates of flags let it through, else 0, as gateGo.")
}

// gates leaves of g, elements of dy, what the gates of the flags let through.
func (s *stream) gates(g Register) {
	s.when("gateOutput", func() { s.keep(g, s.load("y"), greater, s.splat["zero"]) })
	s.when("gateGradient", func() { s.keep(g, g, notLessEqual, s.splat["zero"]) })
}
