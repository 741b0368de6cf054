//go:build cuda || emu

package cuda

import "truegrain/kernels"

// LayerNorm normalises each row.
func (d *Device) LayerNorm(o kernels.LayerNorm) {
	if o.R > 0 {
		d.launch(layerNormFwd.of(o.X.DType()), grid(ceil(o.R, 8)), block(256), o.Y, o.Mean, o.RStd, o.X, o.Gamma,
			o.Beta, o.R, o.D, o.Eps)
	}
}

// LayerNormBackward has the formula at kernels.LayerNormGrad.
func (d *Device) LayerNormBackward(o kernels.LayerNormGrad) {
	if o.R*o.D > 0 && o.DX.Wanted() {
		d.launch(layerNormBwd.of(o.X.DType()), grid(ceil(o.R, 8)), block(256), o.DX.Buf, o.DY, o.X, o.Gamma, o.Mean,
			o.RStd, o.R, o.D, o.DX.Acc)
	}
	if !o.DGamma.Wanted() && !o.DBeta.Wanted() {
		return
	}
	chunk := rowsInChunk(o.R)
	n := ceil(o.R, chunk)
	part := d.scratch(kernels.F32, 2*n*o.D)
	defer d.Free(part)
	gammas, betas := part.Slice(0, n*o.D), part.Slice(n*o.D, 2*n*o.D)
	if n*o.D > 0 {
		d.launch(layerNormSums.of(o.X.DType()), grid(ceil(o.D, 32), n), block(32, 8), gammas, betas, o.DY, o.X,
			o.Mean, o.RStd, o.R, o.D, chunk)
	}
	d.sum(o.DGamma, gammas, 1, n, o.D, 1)
	d.sum(o.DBeta, betas, 1, n, o.D, 1)
}
