//go:build cuda || emu

package cuda

import (
	"math"

	"truegrain/kernels"
)

// Adam is one step of Adam or AdamW; the gradient may be bfloat16.
func (d *Device) Adam(o kernels.Adam) {
	if o.N == 0 {
		return
	}
	c1, c2 := 1-math.Pow(o.Beta1, float64(o.Step)), 1-math.Pow(o.Beta2, float64(o.Step))
	decay, shrink := o.WeightDecay, 1.0
	if o.Decoupled {
		decay, shrink = 0, 1-o.LR*o.WeightDecay
	}
	d.launch(adamStep.of(o.G.DType()), strided(o.N, 1), block(256), o.P, o.G, o.M, o.V, o.N,
		o.LR/c1, o.Beta1, 1-o.Beta1, o.Beta2, 1-o.Beta2, c2, o.Eps, decay, shrink)
}
