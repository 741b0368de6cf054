//go:build cuda || emu

package cuda

import "truegrain/kernels"

// MSE is the mean squared error.
func (d *Device) MSE(o kernels.MSE) { d.loss(mseFwd, o.Y, o.X, o.T, o.N) }

// MSEBackward is dx = dy·2(x − t)/N.
func (d *Device) MSEBackward(o kernels.MSEGrad) { d.lossBackward(mseBwd, o.DX, o.X, o.T, o.DY, o.N) }
