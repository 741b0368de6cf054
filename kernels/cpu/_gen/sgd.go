package main

import . "github.com/mmcloughlin/avo/reg"

// sgd writes the steps of gradient descent, without and with momentum.
func sgd(w *writer, v *vector) {
	plain := &stream{writer: w, vector: v, moving: []string{"p", "g"}, scalars: []string{"lr", "decay"},
		body: func(s *stream) {
			p, g := s.load("p"), s.load("g")
			s.descend(p, s.decayed(g, p))
		}}
	plain.write("sgd", "func(p, g []float32, lr, decay float32, flags int)", "is sgdGo.")

	momentum := &stream{writer: w, vector: v, moving: []string{"p", "g", "v"},
		scalars: []string{"lr", "momentum", "decay"}, body: func(s *stream) {
			p, g, v := s.load("p"), s.load("g"), s.load("v")
			s.decayed(g, p)
			s.VMULPS(s.splat["momentum"], v, v)
			s.VADDPS(v, g, g)
			s.store(g, "v")
			s.descend(p, g)
		}}
	momentum.write("momentum", "func(p, g, v []float32, lr, momentum, decay float32, flags int)",
		"is momentumGo.")
}

// decayed makes g + decay·p of g.
func (s *stream) decayed(g, p VecVirtual) VecVirtual {
	t := s.reg()
	s.VMULPS(s.splat["decay"], p, t)
	s.VADDPS(t, g, g)
	return g
}

// descend stores p − lr·g.
func (s *stream) descend(p, g VecVirtual) {
	s.VMULPS(s.splat["lr"], g, g)
	s.VSUBPS(g, p, p)
	s.store(p, "p")
}
