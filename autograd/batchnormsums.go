package autograd

import (
	"math"

	"truegrain/kernels"
)

// batchNormTogether is BatchNorm in training over the batches of several workers, whose statistics WithSums
// adds up. It is made of the kernels that a single worker has:
//
//	Σx, Σx² and the count are added over the workers and give mean and variance;
//	y is the batch norm with those in the place of running statistics;
//	dx = gamma·rstd·dz (that one's backward) + gamma'·(x − mean)·rstd + beta' (a batch norm with a
//	residual), where gamma' = −gamma·rstd·Σ dz·x̂/N and beta' = −gamma·rstd·Σ dz/N, the sums added over
//	the workers again.
//
// dgamma and dbeta stay those of this worker's pictures, as all gradients do.
func (t *Tape) batchNormTogether(op kernels.BatchNorm, y, x, gamma, beta, residual *Var) *Var {
	c := op.C
	sums := t.statistics(op, x)
	n := sums[2*c]
	mean, variance := make([]float64, c), make([]float64, c)
	for i := range c {
		mean[i] = sums[i] / n
		variance[i] = max(0, sums[c+i]/n-mean[i]*mean[i])
	}
	t.moveRunning(op, mean, variance, n)
	op.Train, op.Sums = false, kernels.Buf{}
	op.RunningMean, op.RunningVar = t.upload(mean), t.upload(variance)
	return t.apply(op, y, inputs{x, gamma, beta, residual}, func(dy kernels.Buf) {
		t.batchNormTogetherBackward(op, dy, n, variance, x, gamma, beta, residual)
	})
}

// statistics is Σx and Σx² of every channel and the number of rows, of all workers.
func (t *Tape) statistics(op kernels.BatchNorm, x *Var) []float64 {
	c := op.C
	v := make([]float64, 2*c+1)
	v[2*c] = float64(op.R)
	if t.runs() {
		if !op.Sums.IsZero() {
			t.be.Download(kernels.Of(v[:2*c]), op.Sums)
		} else {
			t.wide(x.Buf, func(values kernels.Buf) { t.channelSumsOf(values, op.R, v[:2*c]) })
		}
	}
	t.fail(t.opts.sums(v))
	return v
}

// channelSumsOf downloads Σx and Σx² of every channel of x (r,c) into sums (2,c).
func (t *Tape) channelSumsOf(x kernels.Buf, r int, sums []float64) {
	n, c := x.Len(), len(sums)/2
	sum := kernels.Sum{Outer: 1, N: r, Inner: c, Scale: 1, X: x}
	t.work(n+c, func(w kernels.Buf) {
		square := w.Slice(0, n)
		sum.Y = w.Slice(n, n+c)
		t.be.Sum(sum)
		t.be.Download(kernels.Of(sums[:c]), sum.Y)
		t.be.Mul(kernels.Mul{N: n, A: x, B: x, Y: square})
		sum.X = square
		t.be.Sum(sum)
		t.be.Download(kernels.Of(sums[c:]), sum.Y)
	})
}

// wide gives f the elements of x in the backend's own type.
func (t *Tape) wide(x kernels.Buf, f func(kernels.Buf)) {
	if x.DType() == t.be.DType() {
		f(x)
		return
	}
	t.work(x.Len(), func(w kernels.Buf) {
		t.be.Cast(kernels.Cast{N: x.Len(), X: x, Y: w})
		f(w)
	})
}

// moveRunning moves the running statistics, the variance made unbiased.
func (t *Tape) moveRunning(op kernels.BatchNorm, mean, variance []float64, n float64) {
	if op.RunningMean.IsZero() || !t.runs() {
		return
	}
	for _, m := range []struct {
		buf   kernels.Buf
		to    []float64
		scale float64
	}{{op.RunningMean, mean, 1}, {op.RunningVar, variance, n / max(n-1, 1)}} {
		run := make([]float64, op.C)
		t.be.Download(kernels.Of(run), m.buf)
		for i := range run {
			run[i] += op.Momentum * (m.to[i]*m.scale - run[i])
		}
		t.be.Upload(m.buf, kernels.Of(run))
	}
}

// upload saves host values for the op that is being set up.
func (t *Tape) upload(v []float64) kernels.Buf {
	buf := t.Scratch(len(v))
	if t.runs() {
		t.be.Upload(buf, kernels.Of(v))
	}
	return buf
}

func (t *Tape) batchNormTogetherBackward(op kernels.BatchNorm, dy kernels.Buf, n float64, variance []float64,
	x, gamma, beta, residual *Var) {
	c, size := op.C, op.R*op.C
	t.workAs(op.X.DType(), 2*size, func(values kernels.Buf) {
		t.work(6*c, func(w kernels.Buf) {
			dx, whole := values.Slice(0, size), values.Slice(size, 2*size)
			dgamma, dbeta, gamma2, beta2 := w.Slice(0, c), w.Slice(c, 2*c), w.Slice(2*c, 3*c),
				w.Slice(3*c, 4*c)
			t.be.BatchNormBackward(kernels.BatchNormGrad{BatchNorm: op, Rule: t.opts.rule, DY: dy,
				DX: kernels.Grad{Buf: dx}, DGamma: kernels.Grad{Buf: dgamma},
				DBeta: kernels.Grad{Buf: dbeta}, DResidual: residual.Grad()})
			t.add(gamma.Grad(), dgamma)
			t.add(beta.Grad(), dbeta)
			if !x.wants {
				return
			}
			sums, g := make([]float64, 2*c), make([]float64, c)
			t.be.Download(kernels.Of(sums[:c]), dgamma)
			t.be.Download(kernels.Of(sums[c:]), dbeta)
			t.be.Download(kernels.Of(g), op.Gamma)
			t.fail(t.opts.sums(sums))
			for i := range g {
				scale := -g[i] / math.Sqrt(variance[i]+op.Eps) / n
				sums[i] *= scale
				sums[c+i] *= scale
			}
			t.be.Upload(gamma2, kernels.Of(sums[:c]))
			t.be.Upload(beta2, kernels.Of(sums[c:]))
			t.be.BatchNorm(kernels.BatchNorm{R: op.R, C: c, Eps: op.Eps, X: op.X, Gamma: gamma2, Beta: beta2,
				Residual: dx, Y: whole, RunningMean: op.RunningMean, RunningVar: op.RunningVar,
				Mean: w.Slice(4*c, 5*c), RStd: w.Slice(5*c, 6*c)})
			t.add(x.Grad(), whole)
		})
	})
}

// add brings a gradient that has been computed elsewhere to where it belongs.
func (t *Tape) add(to kernels.Grad, from kernels.Buf) {
	if to.Wanted() {
		t.be.ScaleBackward(kernels.ScaleGrad{Scale: kernels.Scale{N: from.Len(), Alpha: 1}, DY: from, DX: to})
	}
}
