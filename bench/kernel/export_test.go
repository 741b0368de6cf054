package kernel

import "truegrain/kernels"

// Scale multiplies what the pass has written, as a wrong kernel might.
func (b *Bench) Scale(factor float64) {
	for _, r := range b.results() {
		if r.buf.DType() == kernels.F32 {
			v := kernels.Floats[float32](r.buf)
			for i := range v {
				v[i] *= float32(factor)
			}
		}
	}
}

// Notation is an op's shape in an example.
func Notation(stem string) string {
	f, err := familyOf(stem)
	if err != nil {
		return ""
	}
	return f.example.String()
}

// Counted are the passes whose cycles are counted.
var Counted = counted
