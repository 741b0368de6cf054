//go:build cuda || emu

package cuda

import "truegrain/kernels"

// LayerNorm normalises each row.
func (d *Device) LayerNorm(o kernels.LayerNorm) {
	if o.R > 0 {
		_, _, wide := columnsAcross(o.D, o.Y, o.X, o.Gamma, o.Beta)
		d.launch(layerNormFwd.from(o.X.DType(), o.Y.DType()), grid(ceil(o.R, 8)), block(256), o.Y, o.Mean, o.RStd, o.X, o.Gamma,
			o.Beta, o.R, o.D, o.Eps, wide)
	}
}

// LayerNormBackward has the formula at kernels.LayerNormGrad.
func (d *Device) LayerNormBackward(o kernels.LayerNormGrad) {
	if o.R*o.D > 0 && o.DX.Wanted() {
		_, _, wide := columnsAcross(o.D, o.DY, o.X, o.DX.Buf, o.Gamma)
		d.launch(layerNormBwd.from(o.X.DType(), o.DY.DType()), grid(ceil(o.R, 8)), block(256), o.DX.Buf, o.DY, o.X,
			o.Gamma, o.Mean, o.RStd, o.R, o.D, o.DX.Acc, wide)
	}
	if !o.DGamma.Wanted() && !o.DBeta.Wanted() {
		return
	}
	d.twoSums(o.DGamma, o.DBeta, o.R, o.D, func(gammas, betas kernels.Buf, chunk, n int) {
		g, b, wide := columnGrid(o.D, n, o.DY, o.X)
		d.launch(layerNormSums.from(o.X.DType(), o.DY.DType()), g, b, gammas, betas, o.DY, o.X, o.Mean, o.RStd, o.R, o.D, chunk,
			wide)
	})
}
