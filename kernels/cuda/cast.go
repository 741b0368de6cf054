//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Cast is x in the type of Y.
func (d *Device) Cast(o kernels.Cast) {
	if o.X.DType() == o.Y.DType() {
		d.Copy(o.Y, o.X)
		return
	}
	d.cast(o.Y, o.X)
}

// cast converts between float32 and bfloat16 on the device.
func (d *Device) cast(dst, src kernels.Buf) {
	k := castF32BF16
	if dst.DType() == kernels.F32 {
		k = castBF16F32
	}
	if n := dst.Len(); n > 0 {
		d.launch(k, strided(n, 8), block(256), dst, src, n)
	}
}
