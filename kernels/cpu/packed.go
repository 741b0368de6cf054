package cpu

import "truegrain/kernels"

// packed are weights in panels: the operands of all products of an op, one after the other.
type packed struct{ panels []float32 }

// Method is the algorithm.
func (p *packed) Method() string { return "direct" }

// Bytes is the memory of the panels.
func (p *packed) Bytes() int64 { return int64(4 * len(p.panels)) }

// Free lets go of the memory.
func (p *packed) Free() { p.panels = nil }

// Pack packs the weights of a convolution, of either direction, or of a linear map.
func (b *Backend) Pack(op kernels.Op, _ kernels.Packing) (kernels.Packed, error) {
	p := &packed{}
	switch o := op.(type) {
	case kernels.Conv2D:
		o.Check()
		g := conv2DGeometry(o)
		p.panels = make([]float32, b.forwardLen(g))
		b.packForward(g, floats(o.Weight), p.panels)
	case kernels.ConvTranspose2D:
		o.Check()
		g := transposedGeometry(o)
		p.panels = make([]float32, b.pictureLen(g))
		b.packPicture(g, floats(o.Weight), p.panels)
	case kernels.Linear:
		exactly("linear", "Weight", o.Weight, o.OD*o.D)
		p.panels = make([]float32, b.packedLen(o.D, o.OD))
		b.packColumns(p.panels, floats(o.Weight), o.D, o.D, o.OD)
	default:
		return nil, nil
	}
	return p, nil
}

// weights are those of an op: as they are, or packed before.
type weights struct {
	raw   []float32
	ready *packed
}

func weightsOf(w kernels.Buf, p kernels.Packed) weights {
	if p != nil {
		return weights{ready: p.(*packed)}
	}
	return weights{raw: floats(w)}
}

// panels are the n elements of packed weights: what Pack has made, or what pack makes for this call, in scratch
// that the caller gives back.
func (b *Backend) panels(
	w weights, n int, g geometry, pack func(b *Backend, g geometry, weight, to []float32),
) (panels, lent []float32) {
	if w.ready != nil {
		return w.ready.panels, nil
	}
	lent = b.scratch.get(n)
	pack(b, g, w.raw, lent)
	return lent, lent
}
