package cpu

import "truegrain/kernels"

// Workspace is the size of dz where a fused activation must be undone; other ops lend themselves what they
// need.
func (b *Backend) Workspace(op any) int {
	switch op := op.(type) {
	case kernels.LinearGrad:
		return undone(op.Act, op.R*op.OD)
	case kernels.Conv2DGrad:
		g := conv2DGeometry(op.Conv2D)
		return undone(op.Act, g.positions()*op.OC)
	case kernels.ConvTranspose2DGrad:
		g := transposedGeometry(op.ConvTranspose2D)
		return undone(op.Act, g.pixels()*op.OC)
	}
	return 0
}

func undone(act kernels.Activation, n int) int {
	if act == kernels.NoActivation {
		return 0
	}
	return n
}
