package cpu

import "truegrain/kernels"

// packed are weights in panels, an operand for every product of the op: its groups, and within them the phases of
// a transposed convolution.
type packed struct{ operands [][]float32 }

// Method is the algorithm.
func (p *packed) Method() string { return "direct" }

// Bytes is the memory of all operands.
func (p *packed) Bytes() (n int64) {
	for _, o := range p.operands {
		n += int64(4 * len(o))
	}
	return n
}

// Free lets go of the memory.
func (p *packed) Free() { p.operands = nil }

// Pack packs the weights of a convolution, of either direction, or of a linear map.
func (b *Backend) Pack(op kernels.Op, _ kernels.Packing) (kernels.Packed, error) {
	p := &packed{}
	switch o := op.(type) {
	case kernels.Conv2D:
		o.Check()
		g := conv2DGeometry(o)
		for i := range g.groups {
			p.add(b.packedLen(g.window(), g.oc/g.groups), func(to []float32) { b.packGroup(g, i, floats(o.Weight), to) })
		}
	case kernels.ConvTranspose2D:
		o.Check()
		g := transposedGeometry(o)
		for i := range g.phases() {
			ph, group := g.phase(i)
			p.add(ph.packedLen(b), func(to []float32) { ph.pack(b, g, group, floats(o.Weight), to) })
		}
	case kernels.Linear:
		exactly("linear", "Weight", o.Weight, o.OD*o.D)
		p.add(b.packedLen(o.D, o.OD), func(to []float32) { b.packColumns(to, floats(o.Weight), o.D, o.D, o.OD) })
	default:
		return nil, nil
	}
	return p, nil
}

func (p *packed) add(n int, fill func(to []float32)) {
	to := make([]float32, n)
	fill(to)
	p.operands = append(p.operands, to)
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

// operand is the i-th operand, of n elements: what Pack has made, or what fill makes for this call; done gives it
// back.
func (b *Backend) operand(w weights, i, n int, fill func(to []float32)) (panels []float32, done func()) {
	if w.ready != nil {
		return w.ready.operands[i], func() {}
	}
	panels = b.scratch.get(n)
	fill(panels)
	return panels, func() { b.scratch.put(panels) }
}
