package cpu

import "truegrain/kernels"

// Cast is x in the type of Y.
func (b *Backend) Cast(op kernels.Cast) { b.convert("cast", op.Y, op.X) }
