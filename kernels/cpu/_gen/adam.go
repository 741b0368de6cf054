package main

// adam writes the step of Adam and AdamW. Every operation rounds once, as adamGo's do: no multiply-adds.
func adam(w *writer, v *vector) {
	k := &stream{writer: w, vector: v, moving: []string{"p", "g", "m", "v"},
		scalars: []string{"beta1", "rest1", "beta2", "rest2", "step", "unbias", "eps", "decay", "shrink"},
		body: func(s *stream) {
			p, d, m, v, t := s.load("p"), s.load("g"), s.load("m"), s.load("v"), s.reg()
			s.decayed(d, p)
			s.VMULPS(s.splat["beta1"], m, m)
			s.VMULPS(s.splat["rest1"], d, t)
			s.VADDPS(t, m, m)
			s.store(m, "m")
			s.VMULPS(s.splat["rest2"], d, t)
			s.VMULPS(d, t, t)
			s.VMULPS(s.splat["beta2"], v, v)
			s.VADDPS(t, v, v)
			s.store(v, "v")
			s.VMULPS(s.splat["unbias"], v, v)
			s.VSQRTPS(v, v)
			s.VADDPS(s.splat["eps"], v, v)
			s.VMULPS(s.splat["step"], m, m)
			s.VDIVPS(v, m, m)
			s.VMULPS(s.splat["shrink"], p, p)
			s.VSUBPS(m, p, p)
			s.store(p, "p")
		}}
	k.write("adam", "func(p, g, m, v []float32, beta1, rest1, beta2, rest2, "+
		"step, unbias, eps, decay, shrink float32, flags int)",
		"is adamGo.")
}
