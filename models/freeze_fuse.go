package models

import "truegrain/kernels"

// fuse merges each step into the one that reads its result, wherever a rule knows how and nothing else reads
// it. The merged op stands where the reader stood, when all its operands are there.
func (g *graph) fuse() {
	for i := 0; i < len(g.steps); i++ {
		for j := 0; j < i; j++ {
			p, q := g.steps[j], g.steps[i]
			if !g.reads(q, p.out) || !g.onlyReader(p.out) {
				continue
			}
			if merged, ok := merge(p, q); ok {
				g.steps[i] = merged
				g.steps = append(g.steps[:j], g.steps[j+1:]...)
				i--
				j = -1 // the merged op may merge with what made its other operands
			}
		}
	}
}

func (g *graph) reads(q step, out kernels.Buf) bool {
	for _, b := range g.operands(q.op) {
		if b.Addr() == out.Addr() && b.Len() == out.Len() && b.Addr() != q.out.Addr() {
			return true
		}
	}
	return false
}

// merge is q computed together with p, whose result it alone reads.
func merge(p, q step) (step, bool) {
	e := epilogueOf(p.op)
	if e == nil || *e.act != kernels.NoActivation {
		return step{}, false
	}
	norm := p.norm
	switch q := q.op.(type) {
	case kernels.ReLU:
		*e.act, *e.y = kernels.WithReLU, q.Y
	case kernels.GELU:
		*e.act, *e.y = kernels.WithGELU, q.Y
	case kernels.Add:
		other := q.A
		if other.Addr() == p.out.Addr() {
			other = q.B
		}
		if !e.residual.IsZero() {
			return step{}, false
		}
		*e.residual, *e.y = other, q.Y
	case kernels.BatchNorm:
		_, conv := p.op.(kernels.Conv2D)
		if !conv || q.Train || norm != nil || q.X.Addr() != p.out.Addr() || !e.residual.IsZero() {
			return step{}, false
		}
		norm, *e.residual, *e.y = &q, q.Residual, q.Y
		if q.ReLU {
			*e.act = kernels.WithReLU
		}
	default:
		return step{}, false
	}
	return step{op: e.value(), out: q.out, path: p.path, shape: q.shape, norm: norm}, true
}

// epilogue is a copy of an op that has weights and can end in an activation and a residual, with pointers to
// these.
type epilogue struct {
	act                       *kernels.Activation
	residual, y, weight, bias *kernels.Buf
	packed                    *kernels.Packed
	copied                    kernels.Op // a pointer to the copy
}

// value is the copy as it is by now.
func (e *epilogue) value() kernels.Op {
	switch o := e.copied.(type) {
	case *kernels.Conv2D:
		return *o
	case *kernels.ConvTranspose2D:
		return *o
	case *kernels.Linear:
		return *o
	}
	return nil
}

// epilogueOf is nil for an op of another kind.
func epilogueOf(op kernels.Op) *epilogue {
	switch o := op.(type) {
	case kernels.Conv2D:
		return &epilogue{&o.Act, &o.Residual, &o.Y, &o.Weight, &o.Bias, &o.Packed, &o}
	case kernels.ConvTranspose2D:
		return &epilogue{&o.Act, &o.Residual, &o.Y, &o.Weight, &o.Bias, &o.Packed, &o}
	case kernels.Linear:
		return &epilogue{&o.Act, &o.Residual, &o.Y, &o.Weight, &o.Bias, &o.Packed, &o}
	}
	return nil
}
