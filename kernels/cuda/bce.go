//go:build cuda || emu

package cuda

import "truegrain/kernels"

// BCE is the mean binary cross entropy of probabilities.
func (d *Device) BCE(o kernels.BCE) { d.loss(bceFwd, o.Y, o.P, o.T, o.N) }

// BCEBackward is dp = dy/N·(p − t)/max(p·(1−p), 1e−12).
func (d *Device) BCEBackward(o kernels.BCEGrad) { d.lossBackward(bceBwd, o.DP, o.P, o.T, o.DY, o.N) }
