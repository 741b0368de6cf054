//go:build cuda || emu

package cuda

import "truegrain/kernels"

// SGD is one step of stochastic gradient descent; the gradient may be bfloat16.
func (d *Device) SGD(o kernels.SGD) {
	if o.N == 0 {
		return
	}
	v := o.V
	if o.Momentum == 0 {
		v = kernels.Buf{}
	}
	d.launch(sgdStep.of(o.G.DType()), strided(o.N, 1), block(256), o.P, o.G, v, o.N, o.LR, o.Momentum,
		o.WeightDecay, o.First)
}
