package models

import (
	"context"
	"fmt"

	"truegrain/kernels"
	"truegrain/tensor"
)

// RunBytes is Run for pictures as bytes, which the backend normalises: (x/255 − mean)/std of each channel, to
// the same bits as on the host. A quarter of the bytes go to a device.
//
// Panics: *tensor.ShapeError if x has another shape.
func (f *Frozen) RunBytes(ctx context.Context, x tensor.Tensor, mean, std [3]float32) (tensor.Tensor, error) {
	x.MustShape("Frozen.RunBytes x", f.x...)
	y := tensor.FromSlice(make([]float32, f.y.Len()), f.y...)
	return y, f.run(ctx, y, func(be kernels.Backend, n *instance) (err error) {
		if n.bytes.IsZero() {
			if n.bytes, err = f.be.Alloc(kernels.U8, x.Len()); err != nil {
				return fmt.Errorf("bytes of pictures: %w", err)
			}
		}
		be.Upload(n.bytes, x.Buf)
		be.Normalize(kernels.Normalize{N: x.Len() / 3, Mean: mean, Std: std, X: n.bytes, Y: n.x})
		return nil
	}, nil)
}
