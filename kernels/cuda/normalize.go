//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Normalize is (x/255 − mean)/std of each channel.
func (d *Device) Normalize(o kernels.Normalize) {
	if o.N > 0 {
		d.launch(normalizePixels.of(o.Y.DType()), strided(o.N, 4), block(256), o.Y, o.X, o.N,
			float64(o.Mean[0]), float64(o.Mean[1]), float64(o.Mean[2]),
			float64(o.Std[0]), float64(o.Std[1]), float64(o.Std[2]))
	}
}
