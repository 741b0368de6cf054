package ref

import "truegrain/kernels"

// Cast is x in the type of Y.
func (b *Backend[T]) Cast(o kernels.Cast) { convert(o.Y, o.X) }
