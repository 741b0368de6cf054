package kerneltest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// call is a benchmark of what the table of cases can't hold: lists of operands, operands of several types,
// and steps that change their operands.
type call struct {
	kernel string // the backend's method
	name   string
	// make gives memory to the operands, and with it what is timed and the results.
	make func(t testing.TB, be kernels.Backend) (cost kernels.Cost, run func(), results []kernels.Buf)
}

// benchCalls times them. Each is checked against the oracle first.
func benchCalls(b *testing.B, be kernels.Backend) {
	for _, c := range calls() {
		b.Run(c.name, func(b *testing.B) {
			_, oracle, want := c.make(b, ref.Open64())
			cost, run, got := c.make(b, be)
			oracle()
			run()
			for i := range want {
				require.InDeltaSlice(b, read(ref.Open64(), want[i]), read(be, got[i]), 1e-5)
			}
			for b.Loop() {
				run()
			}
			report(b, cost)
		})
	}
}

// calls are joins and conversions of a million values, and steps over a million parameters.
func calls() []call {
	return []call{
		{"Concat", "concat/forward",
			func(t testing.TB, be kernels.Backend) (kernels.Cost, func(), []kernels.Buf) {
				o := joined(t, be)
				return o.Cost(), func() { be.Concat(o) }, []kernels.Buf{o.Y}
			}},
		{"ConcatBackward", "concat/backward",
			func(t testing.TB, be kernels.Backend) (kernels.Cost, func(), []kernels.Buf) {
				o := joined(t, be)
				g := kernels.ConcatGrad{Concat: o, DY: fresh(t, be, "dy", o.Y.Len()),
					DX: []kernels.Grad{{Buf: o.X[0]}, {Buf: o.X[1]}}}
				return o.Cost(), func() { be.ConcatBackward(g) }, o.X
			}},
		{"Cast", "cast", func(t testing.TB, be kernels.Backend) (kernels.Cost, func(), []kernels.Buf) {
			o := kernels.Cast{N: million, X: fresh(t, be, "x", million),
				Y: buffer(t, be, kernels.BF16, million)}
			return o.Cost(), func() { be.Cast(o) }, []kernels.Buf{o.Y}
		}},
		{"Normalize", "normalize",
			func(t testing.TB, be kernels.Backend) (kernels.Cost, func(), []kernels.Buf) {
				bytes := make([]uint8, 3*(million/3))
				for i := range bytes {
					bytes[i] = uint8(7 * i)
				}
				x := buffer(t, be, kernels.U8, len(bytes))
				be.Upload(x, kernels.Of(bytes))
				o := kernels.Normalize{N: million / 3, Mean: [3]float32{0.5, 0.5, 0.5},
					Std: [3]float32{0.5, 0.5, 0.5}, X: x, Y: buffer(t, be, be.DType(), len(bytes))}
				return o.Cost(), func() { be.Normalize(o) }, []kernels.Buf{o.Y}
			}},
		{"SGD", "sgd", func(t testing.TB, be kernels.Backend) (kernels.Cost, func(), []kernels.Buf) {
			o := kernels.SGD{N: million, LR: 1e-3, Momentum: 0.9, WeightDecay: 1e-4,
				P: fresh(t, be, "p", million), G: fresh(t, be, "g", million),
				V: buffer(t, be, be.DType(), million)}
			return steps(be, 4, 5), func() { be.SGD(o) }, []kernels.Buf{o.P, o.V}
		}},
		{"Adam", "adam", adam(false)},
		{"Adam", "adamw", adam(true)},
	}
}

const million = 1 << 20

// joined is a join of two blocks of channels.
func joined(t testing.TB, be kernels.Backend) kernels.Concat {
	const outer, left, right = 4096, 64, 192
	return kernels.Concat{Outer: outer, Inner: 1, N: []int{left, right},
		Y: buffer(t, be, be.DType(), million), X: []kernels.Buf{fresh(t, be, "left", outer*left),
			fresh(t, be, "right", outer*right)}}
}

func adam(decoupled bool) func(t testing.TB, be kernels.Backend) (kernels.Cost, func(), []kernels.Buf) {
	return func(t testing.TB, be kernels.Backend) (kernels.Cost, func(), []kernels.Buf) {
		o := kernels.Adam{N: million, LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-2,
			Decoupled: decoupled, Step: 1, P: fresh(t, be, "p", million), G: fresh(t, be, "g", million),
			M: buffer(t, be, be.DType(), million), V: buffer(t, be, be.DType(), million)}
		return steps(be, 12, 7), func() { be.Adam(o) }, []kernels.Buf{o.P, o.M, o.V}
	}
}

// steps is the cost of a step over a million parameters, by flops and touched values of each.
func steps(be kernels.Backend, flops, values int64) kernels.Cost {
	return kernels.Cost{FLOPs: flops * million, Bytes: values * million * int64(be.DType().Size())}
}
