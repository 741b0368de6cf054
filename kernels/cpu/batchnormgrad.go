package cpu

import "truegrain/kernels"

// BatchNormBackward needs two passes: the sums of dz and of dz·x̂, then the gradients of x and the residual.
// dz itself, dy behind the ReLU, is never stored.
func (b *Backend) BatchNormBackward(op kernels.BatchNormGrad) {
	gates := 0
	if op.ReLU {
		gates = gatesOf(op.Rule)
	}
	// The order of the Grads matters only where two of them are one buffer.
	together := op.DX.Wanted() && !op.DResidual.Buf.Overlaps(op.DGamma.Buf) &&
		!op.DResidual.Buf.Overlaps(op.DBeta.Buf)
	branch := kernels.Grad{}
	if together {
		branch = op.DResidual
	}
	g := b.normBack(op, gates, branch)
	if op.Train || op.DGamma.Wanted() || op.DBeta.Wanted() {
		b.gradientSums(g)
		b.parallel(op.C, 2*channelGrain, g.centre)
	}
	b.batchNormDX(g)
	giveSums(op.DGamma, g.sums[op.C:])
	giveSums(op.DBeta, g.sums[:op.C])
	if !together {
		b.gated("batchnorm", op.DResidual, floats(op.Y), floats(op.DY), gates)
	}
}

// normBack is a batch norm's way back: its operands, the flags of its second pass, and the sums of its first.
type normBack struct {
	kernels.BatchNormGrad
	dx, dy, y, x, branch []float32
	gates, flags         int
	sums                 []float64 // Σ dz and Σ dz·x̂ of each channel
}

func (b *Backend) normBack(op kernels.BatchNormGrad, gates int, branch kernels.Grad) *normBack {
	g := &normBack{op, floats(op.DX.Buf), floats(op.DY), floats(op.Y), floats(op.X), floats(branch.Buf),
		gates, gates, make([]float64, 2*op.C)}
	if gates == 0 {
		g.y = nil
	}
	if op.Train {
		g.flags |= flagCentre
	}
	if op.DX.Acc {
		g.flags |= flagAdd
	}
	if branch.Wanted() {
		g.flags |= flagBranch
	}
	if branch.Acc {
		g.flags |= flagAddBranch
	}
	return g
}

// batchNormDX is dx = slope·dz + (x·p + high + low), where p·x + high + low is −slope·(Σdz/R + x̂·Σdz·x̂/R),
// and missing outside training; and the gradient of the branch, dz.
func (b *Backend) batchNormDX(g *normBack) {
	if !g.DX.Wanted() {
		return
	}
	k := b.level.columnsOf(g.C)
	flags := g.flags | b.pastColumns(k, g.dx)
	if flags&(flagAdd|flagAddBranch) != 0 || g.branch != nil && b.past(g.branch) == 0 {
		flags &^= flagPast
	}
	coef := k.coef(b.gradientMap(g))
	b.parallelBack(g.R*g.C, k.grain(), func(lo, hi int) {
		k.blocks(lo, hi, flags, func(lo, hi, from, width int) {
			b.level.stream.normGradient(g.dx[lo:hi], g.dy[lo:hi], part(g.y, lo, hi), g.x[lo:hi],
				part(g.branch, lo, hi), coef[4*from:], width, k.width, flags)
		})
	})
}

// centre makes Σ dz·x̂ of Σ dz·x, for the channels lo..hi-1.
func (g *normBack) centre(lo, hi int) {
	mean, rstd := floats(g.Mean), floats(g.RStd)
	s, q := g.sums[:g.C], g.sums[g.C:]
	for j := lo; j < hi; j++ {
		q[j] = (q[j] - float64(mean[j])*s[j]) * float64(rstd[j])
	}
}

// gradientMap is the planes of dx = slope·dz + x·p + high + low.
func (b *Backend) gradientMap(g *normBack) (slope, p, high, low []float32) {
	slope, p = make([]float32, g.C), make([]float32, g.C)
	high, low = make([]float32, g.C), make([]float32, g.C)
	b.parallel(g.C, channelGrain, func(lo, hi int) {
		g.fill(slope[lo:hi], p[lo:hi], high[lo:hi], low[lo:hi], lo)
	})
	return slope, p, high, low
}

// fill is the map of the channels from one on.
func (g *normBack) fill(slope, p, high, low []float32, from int) {
	gamma, mean, rstd := floats(g.Gamma), floats(g.Mean), floats(g.RStd)
	n := float64(max(g.R, 1))
	for i := range slope {
		j := from + i
		slope[i] = float32(float64(gamma[j]) * float64(rstd[j]))
		s := float64(slope[i])
		p[i] = float32(-s * float64(rstd[j]) * g.sums[g.C+j] / n)
		high[i], low[i] = split(-s*g.sums[j]/n - float64(mean[j])*float64(p[i]))
	}
}

// normGradientGo is dx = slope·dz + (x·p + high + low), the planes of coef, where dz is dy behind the gates
// and the bracket is there with flagCentre; and dz goes to the branch with flagBranch.
func normGradientGo(dx, dy, y, x, branch, coef []float32, width, step, flags int) {
	const lanes = genericLanes
	forRows(len(dx), width, step, func(at, n int) {
		for j := range n {
			p, i := coef[j/lanes*4*lanes+j%lanes:], at+j
			dz, out := dy[i], float32(0)
			if flags&(gateOutput|gateGradient) != 0 {
				dz = gated(dz, y[i], flags)
			}
			if flags&flagCentre != 0 {
				out = float32(float64(x[i])*float64(p[lanes])+float64(p[2*lanes])) + p[3*lanes]
			}
			out = float32(float64(dz)*float64(p[0]) + float64(out))
			if flags&flagAdd != 0 {
				out += dx[i]
			}
			dx[i] = out
			if flags&flagBranch == 0 {
				continue
			}
			if flags&flagAddBranch != 0 {
				dz += branch[i]
			}
			branch[i] = dz
		}
	})
}
