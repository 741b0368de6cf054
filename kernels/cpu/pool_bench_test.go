package cpu

import (
	"fmt"
	"math/rand/v2"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// pictureOp is an op on pictures (batch,h,h,c), ready to run, and its backward.
type pictureOp struct {
	op     kernels.Op
	y      kernels.Buf
	back   func(dy kernels.Buf, dx kernels.Grad) any
	x, out int // elements of X and Y; index counts once more with the output
	places bool
}

// pictureCases makes the forward and the backward case of an op.
func pictureCases(name string, batch int, f func(rng *rand.Rand, batch int) pictureOp) []streamCase {
	forwardCase := func(rng *rand.Rand, batch int) (func(kernels.Backend), []kernels.Buf, int) {
		p := f(rng, batch)
		return forward(p.op), []kernels.Buf{p.y}, p.bytes()
	}
	backCase := func(rng *rand.Rand, batch int) (func(kernels.Backend), []kernels.Buf, int) {
		p := f(rng, batch)
		p.op.Run(ref.Open32())
		dx := kernels.Grad{Buf: empty(p.x)}
		return backward(p.back(filled(rng, p.out), dx)), []kernels.Buf{dx.Buf}, p.bytes()
	}
	return []streamCase{{name + "-y", batch, forwardCase}, {name + "-dx", batch, backCase}}
}

func (p pictureOp) bytes() int {
	if p.places {
		return 4 * (p.x + 2*p.out)
	}
	return 4 * (p.x + p.out)
}

func poolCases() (all []streamCase) {
	win := kernels.Window{KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilH: 1, DilW: 1}
	for _, s := range []struct{ batch, c int }{{8, 64}, {1, 64}, {8, 1}, {8, 3}, {8, 21}} {
		const h = 112
		name := fmt.Sprintf("%dx%dx%dx%d", s.batch, h, h, s.c)
		largest := func(index bool) func(rng *rand.Rand, batch int) pictureOp {
			return func(rng *rand.Rand, batch int) pictureOp {
				n, out := batch*h*h*s.c, batch*h*h*s.c/4
				op := kernels.MaxPool2D{Window: win, B: batch, H: h, W: h, C: s.c, OH: h / 2, OW: h / 2,
					X: filled(rng, n), Y: empty(out)}
				if index {
					op.Index = kernels.Of(make([]int32, out))
				}
				return pictureOp{op, op.Y, func(dy kernels.Buf, dx kernels.Grad) any {
					return kernels.MaxPool2DGrad{MaxPool2D: op, DY: dy, DX: dx}
				}, n, out, index}
			}
		}
		all = append(all, pictureCases("maxpool-"+name, s.batch, largest(true))...)
		all = append(all, pictureCases("maxpoolinf-"+name, s.batch, largest(false))[0])
		all = append(all, average("avgpool-"+name, s.batch, h, s.c, win)...)
	}
	win = kernels.Window{KH: 2, KW: 2, StrideH: 2, StrideW: 2, DilH: 1, DilW: 1}
	all = append(all, average("avgpool2-8x56x56x256", 8, 56, 256, win)...)
	all = append(all, adaptiveCases("adaptive-8x7x7x2048", 7, 2048, 1)...)
	return append(all, adaptiveCases("adaptive-8x56x56x256to7", 56, 256, 7)...)
}

func average(name string, batch, h, c int, win kernels.Window) []streamCase {
	return pictureCases(name, batch, func(rng *rand.Rand, batch int) pictureOp {
		oh, ow := win.Out(h, h)
		n, out := batch*h*h*c, batch*oh*ow*c
		op := kernels.AvgPool2D{Window: win, B: batch, H: h, W: h, C: c, OH: oh, OW: ow, X: filled(rng, n),
			Y: empty(out)}
		return pictureOp{op, op.Y, func(dy kernels.Buf, dx kernels.Grad) any {
			return kernels.AvgPool2DGrad{AvgPool2D: op, DY: dy, DX: dx}
		}, n, out, false}
	})
}

func adaptiveCases(name string, h, c, oh int) []streamCase {
	return pictureCases(name, 8, func(rng *rand.Rand, batch int) pictureOp {
		n, out := batch*h*h*c, batch*oh*oh*c
		op := kernels.AdaptiveAvgPool2D{B: batch, H: h, W: h, C: c, OH: oh, OW: oh, X: filled(rng, n),
			Y: empty(out)}
		return pictureOp{op, op.Y, func(dy kernels.Buf, dx kernels.Grad) any {
			return kernels.AdaptiveAvgPool2DGrad{AdaptiveAvgPool2D: op, DY: dy, DX: dx}
		}, n, out, false}
	})
}

func resizeCases() (all []streamCase) {
	for _, s := range []struct{ batch, h, c, oh int }{{4, 28, 1, 224}, {4, 28, 21, 224}, {4, 28, 2, 224},
		{1, 28, 21, 224}, {8, 28, 64, 56}, {1, 28, 256, 56}, {4, 512, 3, 224}} {
		name := fmt.Sprintf("resize-%dx%dx%dx%dto%d", s.batch, s.h, s.h, s.c, s.oh)
		all = append(all, pictureCases(name, s.batch, func(rng *rand.Rand, batch int) pictureOp {
			n, out := batch*s.h*s.h*s.c, batch*s.oh*s.oh*s.c
			op := kernels.Resize{B: batch, H: s.h, W: s.h, C: s.c, OH: s.oh, OW: s.oh, X: filled(rng, n),
				Y: empty(out)}
			return pictureOp{op, op.Y, func(dy kernels.Buf, dx kernels.Grad) any {
				return kernels.ResizeGrad{Resize: op, DY: dy, DX: dx}
			}, n, out, false}
		})...)
	}
	return all
}
