//go:build cuda || emu

package cuda

import (
	"fmt"

	"truegrain/kernels"
)

// packed are weights rounded to bfloat16, for products on tensor cores with sums in float32.
type packed struct {
	d *Device
	w kernels.Buf
}

// Method names the algorithm.
func (p *packed) Method() string { return "bfloat16" }

// Bytes is the memory of the weights.
func (p *packed) Bytes() int64 { return int64(p.w.Bytes()) }

// Free gives them back.
func (p *packed) Free() { p.d.Free(p.w) }

// Pack rounds the weights of an op to bfloat16 where that is allowed and its channels are multiples of 8, or
// where it is a narrow convolution, whose filters become rows of a multiple of 8; every other op reads its
// weights as they are.
func (d *Device) Pack(op kernels.Op, how kernels.Packing) (kernels.Packed, error) {
	var w kernels.Buf
	fits, rows := false, 0 // rows: to be widened
	switch o := op.(type) {
	case kernels.Linear:
		w, fits = o.Weight, o.D%8 == 0
	case kernels.Conv2D:
		w, fits = o.Weight, o.C/o.Groups%8 == 0
		if !fits && o.Groups == 1 {
			fits, rows = true, o.OC
		}
	case kernels.ConvTranspose2D:
		w, fits = o.Weight, o.C/o.Groups%8 == 0 && o.OC/o.Groups%8 == 0
	}
	if how != kernels.BFloat16 || !fits || w.Len() == 0 || w.DType() != kernels.F32 {
		return nil, nil
	}
	n, k := w.Len(), w.Len()/max(1, rows)
	if rows > 0 {
		n = rows * ((k + 7) &^ 7)
	}
	a, err := d.take(2 * n)
	if err != nil {
		return nil, fmt.Errorf("%s: weights in bfloat16: %w", d.name, err)
	}
	p := &packed{d, kernels.OfDevice(kernels.BF16, n, a)}
	if rows > 0 {
		d.widenRows(p.w, w, rows, k, n/rows)
	} else {
		d.cast(p.w, w)
	}
	return p, nil
}

// operands are the input and the weights that an op multiplies: as they are, or both in bfloat16 if the
// weights are packed (the input not, if it is rounded later). free gives back what its conversion took.
func (d *Device) operands(op string, x, w kernels.Buf, p kernels.Packed, later bool) (x2, w2 kernels.Buf,
	free func()) {
	if p == nil {
		return x, w, func() {}
	}
	own, ok := p.(*packed)
	if !ok || own.d.core != d.core {
		panic(&kernels.ArgError{Op: op, Field: "Packed", Reason: "was packed for another backend than " + d.name})
	}
	if x.DType() == kernels.BF16 || later {
		return x, own.w, func() {}
	}
	rounded := d.scratch(kernels.BF16, x.Len())
	d.cast(rounded, x)
	return rounded, own.w, func() { d.Free(rounded) }
}
