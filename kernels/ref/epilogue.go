package ref

import (
	"math"

	"truegrain/kernels"
)

// act is the activation of an epilogue.
func act(a kernels.Activation, z float64) float64 {
	switch a {
	case kernels.WithReLU:
		return relu(z)
	case kernels.WithGELU:
		return gelu(z)
	}
	return z
}

// through is the gradient before an epilogue's activation: dy as it is, or by the ReLU's rule.
func (b *Backend[T]) through(a kernels.Activation, rule kernels.ReLURule, dy, y kernels.Buf) []float64 {
	out, ys := make([]float64, dy.Len()), b.floats(y)
	for i, g := range b.floats(dy) {
		out[i] = float64(g)
		if a == kernels.WithReLU {
			out[i] = ruled(rule, float64(g), float64(ys[i]))
		}
	}
	if a == kernels.WithGELU {
		panic(&kernels.ArgError{Op: "backward", Field: "Act", Reason: "a fused GELU has no backward"})
	}
	return out
}

// finish adds bias and residual to the sums of a product with c channels, applies the activation, stores y,
// and gathers the channels' sums if they are wanted.
func (b *Backend[T]) finish(z []float64, c int, a kernels.Activation, bias, residual, y, sums kernels.Buf) {
	bs, rs, ys := b.floats(bias), b.floats(residual), b.floats(y)
	for i, v := range z {
		if bs != nil {
			v += float64(bs[i%c])
		}
		if rs != nil {
			v += float64(rs[i])
		}
		ys[i] = T(act(a, v))
	}
	channelSums(sums, y)
}

// channelSums is Σy and Σy² of every channel, as y holds it, if they are wanted.
func channelSums(sums, y kernels.Buf) {
	s := kernels.Floats[float64](sums)
	if s == nil {
		return
	}
	clear(s)
	c := len(s) / 2
	for i := range y.Len() {
		v := y.At(i)
		s[i%c] += v
		s[c+i%c] += v * v
	}
}

// columns is the sum of each of c columns of dz, for a bias's gradient.
func (b *Backend[T]) columns(g kernels.Grad, dz []float64, c int) {
	if !g.Wanted() {
		return
	}
	s := gather(g)
	for i, v := range dz {
		s[i%c] += v
	}
	b.store(g, s)
}

func relu(x float64) float64 {
	if x > 0 || math.IsNaN(x) {
		return x
	}
	return 0
}

// ruled is what a ReLU with output y lets through of dy.
func ruled(r kernels.ReLURule, dy, y float64) float64 {
	switch r {
	case kernels.Guided:
		if y > 0 {
			return max(dy, 0)
		}
		return 0
	case kernels.Deconvnet:
		return max(dy, 0)
	}
	if y > 0 {
		return dy
	}
	return 0
}
