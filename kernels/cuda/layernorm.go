//go:build cuda || emu

package cuda

import "truegrain/kernels"

// LayerNorm normalises each row.
func (d *Device) LayerNorm(o kernels.LayerNorm) {
	if o.R > 0 {
		_, _, wide := columnsAcross(o.D, o.X, o.Y)
		d.launch(layerNormFwd.of(o.X.DType()), grid(ceil(o.R, 8)), block(256), o.Y, o.Mean, o.RStd, o.X, o.Gamma,
			o.Beta, o.R, o.D, o.Eps, wide)
	}
}

// LayerNormBackward has the formula at kernels.LayerNormGrad.
func (d *Device) LayerNormBackward(o kernels.LayerNormGrad) {
	if o.R*o.D > 0 && o.DX.Wanted() {
		_, _, wide := columnsAcross(o.D, o.X, o.DY, o.DX.Buf)
		d.launch(layerNormBwd.of(o.X.DType()), grid(ceil(o.R, 8)), block(256), o.DX.Buf, o.DY, o.X, o.Gamma, o.Mean,
			o.RStd, o.R, o.D, o.DX.Acc, wide)
	}
	if !o.DGamma.Wanted() && !o.DBeta.Wanted() {
		return
	}
	d.twoSums(o.DGamma, o.DBeta, o.R, o.D, func(gammas, betas kernels.Buf, chunk, n int) {
		g, b, wide := columnGrid(o.D, n, o.X, o.DY)
		d.launch(layerNormSums.of(o.X.DType()), g, b, gammas, betas, o.DY, o.X, o.Mean, o.RStd, o.R, o.D, chunk,
			wide)
	})
}
