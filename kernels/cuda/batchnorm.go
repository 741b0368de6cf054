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
	g, b, wide := channelGrid(o.R, o.C, o.X, o.Residual, o.Y)
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
		d.launch(batchNormChunks.of(o.X.DType()), grid(ceil(o.C, 32), ceil(o.R, chunk)), block(32, 8), means, m2s,
			o.X, o.R, o.C, chunk)
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
	if o.R*o.C > 0 && o.DX.Wanted() {
		g, b, wide := channelGrid(o.R, o.C, o.DX.Buf, o.DY, o.X, y)
		var perGamma, perBeta kernels.Buf
		if inDX {
			perGamma, perBeta = dgamma, dbeta
		}
		d.launch(batchNormBwd.of(o.X.DType()), g, b, o.DX.Buf, o.DY, o.X, y, o.Gamma, o.Mean, o.RStd, perGamma,
			perBeta, o.R, o.C, int(o.Rule), o.DX.Acc, wide)
	}
	d.scaled(o.DGamma, dgamma, 1)
	d.scaled(o.DBeta, dbeta, 1)
	if o.ReLU {
		d.through(o.DResidual, o.DY, o.Y, o.Rule)
	} else {
		d.scaled(o.DResidual, o.DY, 1)
	}
}

// batchNormSums are Σ dz·x̂ and Σ dz over the rows.
func (d *Device) batchNormSums(o kernels.BatchNormGrad, y, dgamma, dbeta kernels.Buf) {
	chunk := rowsInChunk(o.R)
	n := ceil(o.R, chunk)
	part := d.scratch(kernels.F32, 2*n*o.C)
	defer d.Free(part)
	gammas, betas := part.Slice(0, n*o.C), part.Slice(n*o.C, 2*n*o.C)
	if n*o.C > 0 {
		d.launch(batchNormSums.of(o.X.DType()), grid(ceil(o.C, 32), n), block(32, 8), gammas, betas, o.DY, o.X, y,
			o.Mean, o.RStd, o.R, o.C, chunk, int(o.Rule))
	}
	d.sum(kernels.Grad{Buf: dgamma}, gammas, 1, n, o.C, 1)
	d.sum(kernels.Grad{Buf: dbeta}, betas, 1, n, o.C, 1)
}

// rowsInChunk is how many rows a block adds up: at least 256, and at most 512 chunks in all.
func rowsInChunk(rows int) int { return max(256, ceil(rows, 512)) }

// channelGrid is the launch of what runs over rows with the parameters of its channels in registers, 16 bytes
// at a time if wide: if all rows of all pictures are aligned.
func channelGrid(r, c int, pictures ...kernels.Buf) (g, b dim, wide bool) {
	per := 16 / pictures[0].DType().Size()
	wide = c%per == 0
	for _, p := range pictures {
		wide = wide && p.Addr()%16 == 0
	}
	if !wide {
		per = 1
	}
	across := 32
	for across > 1 && across/2 >= c/per {
		across /= 2
	}
	down := 256 / across
	return grid(ceil(c/per, across), min(ceil(r, down*4), 4096)), block(across, down), wide
}
