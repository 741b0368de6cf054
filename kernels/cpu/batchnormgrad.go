package cpu

import "truegrain/kernels"

// BatchNormBackward needs two passes: the sums of dz and of dz·x̂, then the gradients of x and the residual.
// dz itself, dy behind the ReLU, is never stored.
func (b *Backend) BatchNormBackward(op kernels.BatchNormGrad) {
	gates := 0
	if op.ReLU {
		gates = gatesOf(op.Rule)
	}
	sums := make([]float64, 2*op.C)
	if op.Train || op.DGamma.Wanted() || op.DBeta.Wanted() {
		b.normSums(op, gates, sums)
	}
	// The order of the Grads matters only where two of them are one buffer.
	together := op.DX.Wanted() && !op.DResidual.Buf.Overlaps(op.DGamma.Buf) &&
		!op.DResidual.Buf.Overlaps(op.DBeta.Buf)
	branch := kernels.Grad{}
	if together {
		branch = op.DResidual
	}
	b.batchNormDX(op, gates, sums, branch)
	giveSums(op.DGamma, sums[op.C:])
	giveSums(op.DBeta, sums[:op.C])
	if !together {
		b.gated("batchnorm", op.DResidual, floats(op.Y), floats(op.DY), gates)
	}
}

// normSums is Σ dz and Σ dz·x̂ of each channel.
func (b *Backend) normSums(op kernels.BatchNormGrad, gates int, sums []float64) {
	mean, rstd := floats(op.Mean), floats(op.RStd)
	b.gradientSums(floats(op.DY), floats(op.Y), floats(op.X), op.R, op.C, gates, sums)
	s, q := sums[:op.C], sums[op.C:]
	b.parallel(op.C, 2*channelGrain, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			q[j] = (q[j] - float64(mean[j])*s[j]) * float64(rstd[j])
		}
	})
}

// batchNormDX is dx = slope·dz + (x·p + high + low), where p·x + high + low is −slope·(Σdz/R + x̂·Σdz·x̂/R),
// and missing outside training; and the gradient of the branch, dz.
func (b *Backend) batchNormDX(op kernels.BatchNormGrad, gates int, sums []float64, branch kernels.Grad) {
	if !op.DX.Wanted() {
		return
	}
	dx, dy, y, x, other := floats(op.DX.Buf), floats(op.DY), floats(op.Y), floats(op.X), floats(branch.Buf)
	if gates == 0 {
		y = nil
	}
	k := b.level.columnsOf(op.C)
	flags := gates | b.pastColumns(k, dx)
	if op.DX.Acc || branch.Acc || other != nil && b.past(other) == 0 {
		flags &^= flagPast
	}
	if op.Train {
		flags |= flagCentre
	}
	if op.DX.Acc {
		flags |= flagAdd
	}
	if branch.Wanted() {
		flags |= flagBranch
	}
	if branch.Acc {
		flags |= flagAddBranch
	}
	coef := k.coef(b.gradientMap(op, sums))
	b.parallel(op.R*op.C, k.grain(), func(lo, hi int) {
		k.blocks(lo, hi, flags, func(lo, hi, from, width int) {
			b.level.stream.normGradient(dx[lo:hi], dy[lo:hi], part(y, lo, hi), x[lo:hi], part(other, lo, hi),
				coef[4*from:], width, flags)
		})
	})
}

// gradientMap is the planes of dx = slope·dz + x·p + high + low.
func (b *Backend) gradientMap(op kernels.BatchNormGrad, sums []float64) (slope, p, high, low []float32) {
	gamma, mean, rstd := floats(op.Gamma), floats(op.Mean), floats(op.RStd)
	slope, p = make([]float32, op.C), make([]float32, op.C)
	high, low = make([]float32, op.C), make([]float32, op.C)
	n := float64(max(op.R, 1))
	b.parallel(op.C, channelGrain, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			slope[j] = float32(float64(gamma[j]) * float64(rstd[j]))
			s := float64(slope[j])
			p[j] = float32(-s * float64(rstd[j]) * sums[op.C+j] / n)
			high[j], low[j] = split(-s*sums[j]/n - float64(mean[j])*float64(p[j]))
		}
	})
	return slope, p, high, low
}

// normGradientGo is dx = slope·dz + (x·p + high + low), the planes of coef, where dz is dy behind the gates
// and the bracket is there with flagCentre; and dz goes to the branch with flagBranch.
func normGradientGo(dx, dy, y, x, branch, coef []float32, width, flags int) {
	const lanes = genericLanes
	forRows(len(dx), width, func(at, n int) {
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
