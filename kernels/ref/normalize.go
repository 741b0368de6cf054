package ref

import "truegrain/kernels"

// Normalize is (x/255 − mean)/std of each channel.
func (b *Backend[T]) Normalize(o kernels.Normalize) {
	for i, v := range kernels.Floats[uint8](o.X) {
		o.Y.Set(i, float64((float32(v)/255-o.Mean[i%3])/o.Std[i%3]))
	}
}
