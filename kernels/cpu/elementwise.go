package cpu

import "truegrain/kernels"

// elementGrain is the number of elements of a chunk of simple element-wise work: some 20 µs.
const elementGrain = 1 << 15

// elements calls f on chunks of n elements.
func (b *Backend) elements(n int, f func(lo, hi int)) { b.parallel(n, elementGrain, f) }

// produce computes a wanted gradient chunk by chunk: f writes dx[lo:hi] to dst, with flagPast where that is
// large, and produce adds it where the Grad says so.
func (b *Backend) produce(g kernels.Grad, f func(dst []float32, lo, hi, flags int)) {
	if !g.Wanted() {
		return
	}
	d := floats(g.Buf)
	if flags := b.past(d); !g.Acc {
		b.elements(len(d), func(lo, hi int) { f(d[lo:hi], lo, hi, flags) })
		return
	}
	b.elements(len(d), func(lo, hi int) {
		block := b.scratch.get(addBlock)
		defer b.scratch.put(block)
		for ; lo < hi; lo += len(block) {
			part := block[:min(len(block), hi-lo)]
			f(part, lo, lo+len(part), 0)
			sum := d[lo:][:len(part)]
			b.level.stream.add(sum, sum, part, 0)
		}
	})
}

// addBlock is how many elements of a gradient are computed before they are added: they stay in the first
// cache.
const addBlock = 2048

// rowGrain is how many rows of d elements make a chunk.
func rowGrain(d int) int { return max(1, elementGrain/max(d, 1)) }

// giveRow writes or adds.
func (b *Backend) giveRow(dst, src []float32, acc bool) {
	if acc {
		b.level.stream.add(dst, dst, src, 0)
		return
	}
	copy(dst, src)
}
