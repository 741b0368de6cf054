package kernels

// Grad is where a gradient goes and whether it is the first to arrive (=) or not (+=). The zero Grad means
// that nobody wants it: the kernel skips that output. A kernel serves its Grads in the order of the fields,
// each completely before the next, so that one buffer may stand in two fields (the second one adds).
type Grad struct {
	Buf Buf
	Acc bool
}

// Wanted says that the kernel must produce this gradient.
func (g Grad) Wanted() bool { return !g.Buf.IsZero() }
