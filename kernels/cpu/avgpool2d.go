package cpu

import "truegrain/kernels"

// box is the rows and columns of the picture that one output averages, and its share 1/n.
type box struct {
	top, bottom, left, right int
	share                    float32
}

// averages is a pooling as boxes: box says which one belongs to row i and column j of the output.
type averages struct {
	batch, h, w, c, oh, ow int
	box                    func(i, j int) box
}

// forward writes the mean of every box.
func (a averages) forward(b *Backend, x, y []float32) {
	work := max(1, a.h*a.w/max(1, a.oh*a.ow))
	b.parallel(a.batch*a.oh*a.ow, rowGrain(a.c*work), func(lo, hi int) {
		sum := make([]float64, a.c)
		for at := lo; at < hi; at++ {
			clear(sum)
			k := a.box(at/a.ow%a.oh, at%a.ow)
			for r := k.top; r < k.bottom; r++ {
				for s := k.left; s < k.right; s++ {
					addTo(sum, x[((at/(a.oh*a.ow)*a.h+r)*a.w+s)*a.c:][:a.c])
				}
			}
			for i, v := range sum {
				y[at*a.c+i] = float32(v * float64(k.share))
			}
		}
	})
}

// backward spreads dy over the boxes, picture by picture.
func (a averages) backward(b *Backend, dx, dy []float32) {
	b.parallel(a.batch, 1, func(n, _ int) {
		for at := n * a.oh * a.ow; at < (n+1)*a.oh*a.ow; at++ {
			k, g := a.box(at/a.ow%a.oh, at%a.ow), dy[at*a.c:][:a.c]
			for r := k.top; r < k.bottom; r++ {
				for s := k.left; s < k.right; s++ {
					axpy(dx[((n*a.h+r)*a.w+s)*a.c:][:a.c], g, k.share)
				}
			}
		}
	})
}

// axpy is dst += alpha·x.
func axpy(dst, x []float32, alpha float32) {
	for i, v := range x {
		dst[i] += alpha * v
	}
}

func avgPool(op kernels.AvgPool2D) averages {
	return averages{op.B, op.H, op.W, op.C, op.OH, op.OW, func(i, j int) box {
		top, left := i*op.StrideH-op.PadH, j*op.StrideW-op.PadW
		high := min(top+op.KH, op.H+op.PadH) - top // what hangs over the padded end does not count
		wide := min(left+op.KW, op.W+op.PadW) - left
		return box{max(top, 0), min(top+op.KH, op.H), max(left, 0), min(left+op.KW, op.W),
			1 / float32(high*wide)}
	}}
}

// AvgPool2D averages each window, padding included.
func (b *Backend) AvgPool2D(op kernels.AvgPool2D) { avgPool(op).forward(b, floats(op.X), floats(op.Y)) }

// AvgPool2DBackward spreads dy/n over each window.
func (b *Backend) AvgPool2DBackward(op kernels.AvgPool2DGrad) {
	if op.DX.Wanted() {
		avgPool(op.AvgPool2D).backward(b, b.zeroed(op.DX), floats(op.DY))
	}
}
