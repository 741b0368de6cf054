package kerneltest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// buffer is fresh memory of a backend.
func buffer(t testing.TB, be kernels.Backend, d kernels.DType, n int) kernels.Buf {
	b, err := be.Alloc(d, n)
	require.NoError(t, err)
	return b
}

// fresh is a buffer of a backend with the values of a random field.
func fresh(t testing.TB, be kernels.Backend, field string, n int) kernels.Buf {
	b := buffer(t, be, be.DType(), n)
	be.Upload(b, kernels.Of((&session{}).random(field, n)))
	return b
}

// concat has a list of operands: joined and cut again, with one buffer as two of them.
func concat(t *testing.T, be kernels.Backend) {
	run := func(be kernels.Backend) (y, d0, d1 []float64) {
		o := kernels.Concat{Outer: 3, Inner: 5, N: []int{2, 4, 2}}
		a, b := fresh(t, be, "a", 3*2*5), fresh(t, be, "b", 3*4*5)
		o.X, o.Y = []kernels.Buf{a, b, a}, fresh(t, be, "y", 3*8*5)
		be.Concat(o)
		da, db := fresh(t, be, "da", 30), fresh(t, be, "db", 60)
		be.ConcatBackward(kernels.ConcatGrad{Concat: o, DY: fresh(t, be, "dy", 120),
			DX: []kernels.Grad{{Buf: da}, {Buf: db, Acc: true}, {Buf: da, Acc: true}}})
		return read(be, o.Y), read(be, da), read(be, db)
	}
	wy, wa, wb := run(ref.Open64())
	gy, ga, gb := run(be)
	require.Equal(t, wy, gy)
	require.InDeltaSlice(t, wa, ga, 1e-6)
	require.InDeltaSlice(t, wb, gb, 1e-6)
}

// casts converts between the types of values, ties and numbers that are none among them.
func casts(t *testing.T, be kernels.Backend) {
	for _, n := range []int{0, 1, 19, 1000} {
		v := (&session{}).random("x", n)
		copy(v, []float64{1 + 1.0/256, 1 + 3.0/256, math.Inf(1), math.NaN(), 1e-40, -0.1})
		for _, from := range []kernels.DType{kernels.F32, kernels.BF16} {
			for _, to := range []kernels.DType{kernels.F32, kernels.BF16} {
				want, x := make([]float64, n), buffer(t, be, from, n)
				be.Upload(x, kernels.Of(v))
				for i, w := range read(be, x) {
					want[i] = w
					if to == kernels.BF16 {
						want[i] = float64(kernels.BF16Float(kernels.BF16Bits(float32(w))))
					}
				}
				y := buffer(t, be, to, n)
				be.Cast(kernels.Cast{N: n, X: x, Y: y})
				got := read(be, y)
				for i, w := range want {
					require.True(t, w == got[i] || math.IsNaN(w) && math.IsNaN(got[i]),
						"%v of %v: %v to %v gave %v", w, v[i], from, to, got[i])
				}
			}
		}
	}
}

// normalized makes values of all bytes, aligned or not, to the bit.
func normalized(t *testing.T, be kernels.Backend, to kernels.DType) {
	for _, n := range []int{0, 1, 3, 4, 7, 8, 257, 4001} {
		for _, off := range []int{0, 3} {
			bytes := make([]uint8, 3*n+off)
			for i := range bytes {
				bytes[i] = uint8(7*i + i/256)
			}
			x, y := buffer(t, be, kernels.U8, len(bytes)), buffer(t, be, to, len(bytes)+1)
			be.Upload(x, kernels.Of(bytes))
			be.Fill(y, guardValue)
			op := kernels.Normalize{N: n, Mean: [3]float32{0.485, 0.456, 0.406},
				Std: [3]float32{0.229, 0.224, 0.225}, X: x.Slice(off, len(bytes)),
				Y: y.Slice(off, len(bytes))}
			be.Normalize(op)
			table, want := op.Table(), make([]float64, y.Len())
			for i := range want {
				want[i] = guardValue
				if i >= off && i < len(bytes) {
					v := table[(i-off)%3][bytes[i]]
					if to == kernels.BF16 {
						v = kernels.BF16Float(kernels.BF16Bits(v))
					}
					want[i] = float64(v)
				}
			}
			require.Equal(t, want, read(be, y), "%d pixels from byte %d", n, off)
		}
	}
}

// optimisers takes three steps of each.
func optimisers(t *testing.T, be kernels.Backend) {
	const n = 257
	run := func(be kernels.Backend) (out [][]float64) {
		for _, momentum := range []float64{0, 0.9} {
			p, v := fresh(t, be, "p", n), fresh(t, be, "v", n)
			for step := range 3 {
				be.SGD(kernels.SGD{N: n, LR: 0.1, Momentum: momentum, WeightDecay: 0.01, First: step == 0,
					P: p, G: fresh(t, be, "g", n), V: v})
			}
			out = append(out, read(be, p))
		}
		for _, decoupled := range []bool{false, true} {
			p, m, v := fresh(t, be, "p", n), fresh(t, be, "m", n), fresh(t, be, "v", n)
			be.Fill(m, 0)
			be.Fill(v, 0)
			for step := range 3 {
				be.Adam(kernels.Adam{N: n, LR: 0.1, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1,
					Decoupled: decoupled,
					Step:      step + 1, P: p, G: fresh(t, be, "g", n), M: m, V: v})
			}
			out = append(out, read(be, p))
		}
		return out
	}
	want := run(ref.Open64())
	for i, got := range run(be) {
		require.InDeltaSlice(t, want[i], got, 2e-6)
	}
}

// memory copies, converts, fills and refuses.
func memory(t *testing.T, be kernels.Backend) {
	b, err := be.Alloc(be.DType(), 5)
	require.NoError(t, err)
	require.Equal(t, make([]float64, 5), read(be, b), "fresh memory is zero")
	be.Upload(b, kernels.Of([]float32{1, 2, 3, 4, 5}))
	c, err := be.Alloc(be.DType(), 3)
	require.NoError(t, err)
	be.Copy(c, b.Slice(1, 4))
	require.Equal(t, []float64{2, 3, 4}, read(be, c))
	be.Fill(c, -1)
	require.Equal(t, []float64{-1, -1, -1}, read(be, c))
	_, err = be.Alloc(be.DType(), 1<<62)
	require.ErrorIs(t, err, kernels.ErrOutOfMemory)
	be.Free(b)
}
