package cpu

import "truegrain/kernels"

// packed are weights in panels: the operands of all products of an op, one after the other.
type packed struct {
	panels []float32
	pairs  bool // of bfloat16
}

// Method is the algorithm and the type of its operands.
func (p *packed) Method() string {
	if p.pairs {
		return "bfloat16"
	}
	return "direct"
}

// Bytes is the memory of the panels.
func (p *packed) Bytes() int64 { return int64(4 * len(p.panels)) }

// Free lets go of the memory.
func (p *packed) Free() { p.panels = nil }

// Pack packs the weights of a convolution, of either direction, or of a linear map.
func (b *Backend) Pack(op kernels.Op, how kernels.Packing) (kernels.Packed, error) {
	p := &packed{pairs: how == kernels.BFloat16 && b.level.pairTiles != nil}
	switch o := op.(type) {
	case kernels.Conv2D:
		o.Check()
		if m := winogradFor(o); how != kernels.Exact && (m == 4 || m == 2 && !p.pairs) {
			return b.packWinograd(o, m), nil
		}
		g, weight := conv2DGeometry(o), floats(o.Weight)
		if p.pairs = p.pairs && g.groups == 1 && g.c%2 == 0; p.pairs {
			g.c, weight = g.c/2, b.toPairs(weight)
			defer b.scratch.put(weight)
		}
		p.panels = make([]float32, b.forwardLen(g))
		b.packAll(g, weight, p.panels, (*packer).forward)
	case kernels.ConvTranspose2D:
		o.Check()
		p.pairs = false
		g := transposedGeometry(o)
		p.panels = make([]float32, b.pictureLen(g))
		b.packAll(g, floats(o.Weight), p.panels, (*packer).picture)
	case kernels.Linear:
		exactly("linear", "Weight", o.Weight, o.OD*o.D)
		d, weight := o.D, floats(o.Weight)
		if p.pairs = p.pairs && d%2 == 0; p.pairs {
			d, weight = d/2, b.toPairs(weight)
			defer b.scratch.put(weight)
		}
		p.panels = make([]float32, b.packedLen(d, o.OD))
		b.packColumns(p.panels, weight, d, d, o.OD)
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

// pairs says that they are pairs of bfloat16.
func (w weights) pairs() bool { return w.ready != nil && w.ready.pairs }

func weightsOf(w kernels.Buf, p kernels.Packed) weights {
	if p != nil {
		return weights{ready: p.(*packed)}
	}
	return weights{raw: floats(w)}
}

// packAdder adds the weights of a geometry to a packer; to is nil if its chunks are not to be executed.
type packAdder func(p *packer, g geometry, weight, to []float32)

func (b *Backend) packAll(g geometry, weight, to []float32, add packAdder) {
	p := b.packer()
	add(p, g, weight, to)
	p.execute()
}

// panels are the n elements of packed weights: what Pack has made, or what is packed for this call, in
// scratch that the caller gives back. They are nil if the plan's chunks are to pack them.
func (p *plan) panels(w weights, n int, g geometry, fresh bool, add packAdder) (panels, lent []float32) {
	switch {
	case w.ready != nil:
		return w.ready.panels, nil
	case fresh:
		p.packer = p.b.packer()
		add(p.packer, g, w.raw, nil)
		return nil, nil
	}
	lent = p.b.scratch.get(n)
	p.b.packAll(g, w.raw, lent, add)
	return lent, lent
}
