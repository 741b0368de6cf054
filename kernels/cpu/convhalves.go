package cpu

// Where the window of a convolution is two strides high, its lower half meets the lines of the picture that
// the upper half meets one position below. The halves are columns of one product then, over one line of
// positions more, and few output channels fill more of a tile: 21 of 32 columns become 42 of 48, for half the
// depth.

// halves says that a convolution is computed so: a product of twice the columns and half the depth. A tenth
// is for adding the halves; they have no epilogue, which would have to follow that. So the gradient of a transposed
// convolution's picture is computed, and nothing else: forward passes add up in one order, weights packed or not.
func (b *Backend) halves(g *geometry) bool {
	return g.groups == 1 && g.positions() > 0 && g.KH == 2*g.StrideH && g.DilH == 1 &&
		b.choices.halved.or(11*(g.oh+1)*cyclesOf(2*g.oc) < 20*g.oh*cyclesOf(g.oc))
}

// convolveHalves computes y (b,oh,ow,oc) = z[·,i,·,·,0] + z[·,i+1,·,·,1], where z (b,oh+1,ow,oc,2) are the
// products of both halves; into y, or added to it. Weights (oc,KH,KW,c) are those of 2·oc halves as they are.
func (b *Backend) convolveHalves(g geometry, x []float32, w weights, y []float32, acc bool) {
	half := g
	half.KH, half.oc, half.oh = g.KH/2, 2*g.oc, g.oh+1
	z := b.scratch.get(half.positions() * half.oc)
	b.convolve(half, x, w, z, false, epilogue{})
	n := g.ow * g.oc
	b.parallel(g.b*g.oh, max(1, copyGrain/8/n), func(lo, hi int) {
		for line := lo; line < hi; line++ {
			from := 2 * n * (line + line/g.oh)
			upper, lower, to := z[from:][:2*n], z[from+2*n:][:2*n], y[line*n:][:n]
			for i := range to {
				v := upper[2*i] + lower[2*i+1]
				if acc {
					v += to[i]
				}
				to[i] = v
			}
		}
	})
	b.scratch.put(z)
}
