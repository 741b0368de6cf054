package cpu

import "truegrain/kernels"

// elementGrain is the number of elements of a chunk of simple element-wise work: some 20 µs.
const elementGrain = 1 << 14

// elements calls f on chunks of n elements.
func (b *Backend) elements(n int, f func(lo, hi int)) { b.parallel(n, elementGrain, f) }

// gradient computes a wanted gradient chunk by chunk: f writes dx[lo:hi] to dst, and gradient adds it where
// the Grad says so.
func (b *Backend) gradient(g kernels.Grad, f func(dst []float32, lo, hi int)) {
	if !g.Wanted() {
		return
	}
	d := floats(g.Buf)
	b.elements(len(d), func(lo, hi int) {
		if !g.Acc {
			f(d[lo:hi], lo, hi)
			return
		}
		var block [512]float32
		for ; lo < hi; lo += len(block) {
			part := block[:min(len(block), hi-lo)]
			f(part, lo, lo+len(part))
			for i, v := range part {
				d[lo+i] += v
			}
		}
	})
}

// zeroed is the memory of a wanted gradient that will only be added to, cleared if nothing has arrived in it
// yet.
func (b *Backend) zeroed(g kernels.Grad) []float32 {
	if !g.Acc {
		b.Fill(g.Buf, 0)
	}
	return floats(g.Buf)
}

// rowGrain is how many rows of d elements make a chunk.
func rowGrain(d int) int { return max(1, elementGrain/max(d, 1)) }
