//go:build cuda || emu

package cuda

import "truegrain/kernels"

// BatchNorm normalises each channel, adds the residual and applies the ReLU.
func (d *Device) BatchNorm(o kernels.BatchNorm) {
	if o.C == 0 {
		return
	}
	d.statistics(o)
	if o.R == 0 {
		return
	}
	g, b, wide := channelGrid(o.R, o.C, o.X, o.Residual, o.Y, o.Gamma, o.Beta, o.Mean, o.RStd)
	d.launch(batchNormFwd.of(o.X.DType()), g, b, o.Y, o.X, o.Residual, o.Gamma, o.Beta, o.Mean, o.RStd, o.R, o.C,
		o.ReLU, wide)
}

// statistics fills Mean and RStd, and moves the running ones in training.
func (d *Device) statistics(o kernels.BatchNorm) {
	switch {
	case !o.Train:
		d.launch(batchNormRunning, grid(ceil(o.C, 256)), block(256), o.Mean, o.RStd, o.RunningMean, o.RunningVar,
			o.C, o.Eps)
	case o.R == 0 || !o.Sums.IsZero():
		sums := o.Sums
		if o.R == 0 {
			sums = kernels.Buf{}
		}
		d.launch(batchNormFromSums, grid(ceil(o.C, 256)), block(256), o.Mean, o.RStd, o.RunningMean, o.RunningVar,
			sums, o.R, o.C, o.Eps, o.Momentum)
	default:
		chunk := rowsInChunk(o.R)
		part := d.scratch(kernels.F32, 2*ceil(o.R, chunk)*o.C)
		defer d.Free(part)
		means, m2s := part.Slice(0, part.Len()/2), part.Slice(part.Len()/2, part.Len())
		g, b, wide := columnGrid(o.C, ceil(o.R, chunk), o.X)
		d.launch(batchNormChunks.of(o.X.DType()), g, b, means, m2s, o.X, o.R, o.C, chunk, wide)
		d.launch(batchNormFinish, grid(ceil(o.C, 32)), block(32, 8), o.Mean, o.RStd, o.RunningMean, o.RunningVar,
			means, m2s, o.R, o.C, chunk, o.Eps, o.Momentum)
	}
}

// BatchNormBackward has the formula at kernels.BatchNormGrad.
func (d *Device) BatchNormBackward(o kernels.BatchNormGrad) {
	var y kernels.Buf // of the ReLU
	if o.ReLU {
		y = o.Y
	}
	sums := d.scratch(kernels.F32, 2*o.C)
	defer d.Free(sums)
	dgamma, dbeta := sums.Slice(0, o.C), sums.Slice(o.C, 2*o.C)
	inDX := o.Train && o.DX.Wanted()
	if inDX || o.DGamma.Wanted() || o.DBeta.Wanted() {
		d.batchNormSums(o, y, dgamma, dbeta)
	}
	residual := o.DResidual
	if o.R*o.C > 0 && o.DX.Wanted() {
		var beta kernels.Buf // makes y again of x
		if o.ReLU && o.Residual.IsZero() {
			y, beta = kernels.Buf{}, o.Beta
		}
		g, b, wide := channelGrid(o.R, o.C, o.DX.Buf, o.DY, o.X, y, residual.Buf, o.Gamma, beta, o.Mean, o.RStd, dgamma,
			dbeta)
		var perGamma, perBeta kernels.Buf
		if inDX {
			perGamma, perBeta = dgamma, dbeta
		}
		d.launch(batchNormBwd.of(o.X.DType()), g, b, o.DX.Buf, residual.Buf, o.DY, o.X, y, o.Gamma, beta, o.Mean, o.RStd,
			perGamma, perBeta, o.R, o.C, int(o.Rule), o.DX.Acc, residual.Acc, wide)
		residual = kernels.Grad{}
	}
	d.scaled(o.DGamma, dgamma, 1)
	d.scaled(o.DBeta, dbeta, 1)
	if o.ReLU {
		d.through(residual, o.DY, o.Y, o.Rule)
	} else {
		d.scaled(residual, o.DY, 1)
	}
}

// batchNormSums are Σ dz·x̂ and Σ dz over the rows.
func (d *Device) batchNormSums(o kernels.BatchNormGrad, y, dgamma, dbeta kernels.Buf) {
	d.twoSums(kernels.Grad{Buf: dgamma}, kernels.Grad{Buf: dbeta}, o.R, o.C,
		func(gammas, betas kernels.Buf, chunk, n int) {
			g, b, wide := columnGrid(o.C, n, o.X, o.DY, y)
			d.launch(batchNormSums.of(o.X.DType()), g, b, gammas, betas, o.DY, o.X, y, o.Mean, o.RStd, o.R, o.C,
				chunk, int(o.Rule), wide)
		})
}
