package cpu

import (
	"unsafe"

	"truegrain/kernels"
)

// A product in bfloat16 is a product like any other whose elements are pairs: two bfloat16, the even k in the
// lower half, in the place of one float32. Rows of A and panels of B have half as many elements then, sums
// are float32, and all else stays as it is. The memory of pairs is called []float32 and is never read as
// such.

// rounder rounds float32 to pairs, chunk by chunk.
type rounder struct {
	l    *level
	src  []float32
	dst  []uint16
	work func(i int) // r.chunk, made once
}

// roundGrain is the number of elements that one chunk rounds: some 10 µs.
const roundGrain = 1 << 16

// toPairs rounds x, of even length, into scratch that the caller gives back.
func (b *Backend) toPairs(x []float32) []float32 {
	out := b.scratch.get(len(x) / 2)
	r := b.rounders.get()
	if r.work == nil {
		r.work = r.chunk
	}
	r.l, r.src, r.dst = b.level, x, halves16(out)
	b.chunks((len(x)+roundGrain-1)/roundGrain, r.work)
	r.src, r.dst = nil, nil
	b.rounders.put(r)
	return out
}

func (r *rounder) chunk(i int) {
	lo := i * roundGrain
	src := r.src[lo:min(len(r.src), lo+roundGrain)]
	dst := r.dst[lo:][:len(src)]
	n := len(src) / 64
	if n > 0 {
		r.l.round(&dst[0], &src[0], n)
	}
	for j := 64 * n; j < len(src); j++ {
		dst[j] = kernels.BF16Bits(src[j])
	}
}

// halves16 is the memory of pairs as single bfloat16.
func halves16(pairs []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(pairs))), 2*len(pairs))
}

// pairTileGo is the tile kernel on pairs in Go. The processor's instruction rounds behind each of the two
// products, the odd one first, and takes denormals for 0.
func pairTileGo(rows int) tileKernel { return tileOf(rows, (*tileArgs).addPairs) }

// addPairs adds the products of a segment of pairs.
func (args *tileArgs) addPairs(sum [4]float32, a, b uintptr, depth int) [4]float32 {
	for k := range depth {
		x := pairAt(a + uintptr(k*args.aStep))
		for j := range sum {
			y := pairAt(b + uintptr(k*args.bStep+4*j))
			sum[j] += x[1] * y[1]
			sum[j] += x[0] * y[0]
		}
	}
	return sum
}

//go:nocheckptr
func pairAt(addr uintptr) [2]float32 {
	p := *(**[2]uint16)(unsafe.Pointer(&addr))
	return [2]float32{kernels.BF16Float(p[0]), kernels.BF16Float(p[1])}
}
