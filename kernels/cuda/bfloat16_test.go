//go:build cuda || emu

package cuda

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// rounded is n values in [-1,1) that bfloat16 holds exactly.
func rounded(seed uint64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		u := 2*kernels.NewPhilox(seed).Uniform(0, 0, uint64(i)) - 1
		out[i] = float64(kernels.BF16Float(kernels.BF16Bits(u)))
	}
	return out
}

// sameInBF16 compares a bfloat16 result to the oracle's, which may differ by the last rounding.
func sameInBF16(t *testing.T, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	var d, n float64
	for i, w := range want {
		d += (got[i] - w) * (got[i] - w)
		n += w * w
	}
	require.LessOrEqual(t, math.Sqrt(d), math.Sqrt(n)/256+1e-12, "relative L2 error of bfloat16 results")
}

// TestGemmInBFloat16 runs products on tensor cores of both generations and, where sizes do not fit those, in
// scalars, results in float32 and in bfloat16.
func TestGemmInBFloat16(t *testing.T) {
	for _, spec := range specs("check,1", "2", "3", "check,portable,1", "ptx,1", "ptx,portable,2") {
		t.Run(spec, func(t *testing.T) { gemmInBFloat16(t, testDevice(t, spec)) })
	}
}

func gemmInBFloat16(t *testing.T, d *Device) {
	oracle := ref.Open64()
	for _, s := range [][3]int{{130, 264, 328}, {600, 256, 40}, {300, 200, 72}, {13, 8, 40},
		{7, 9, 5}, {24, 16, 0}} {
		for i := range 8 {
			o := kernels.Gemm{M: s[0], N: s[1], K: s[2], TransA: i&1 != 0, TransB: i&2 != 0, LDA: s[2], LDB: s[1],
				LDC: s[1], Acc: i&4 != 0}
			if o.TransA {
				o.LDA = o.M
			}
			if o.TransB {
				o.LDB = o.K
			}
			a, b, c := rounded(1, o.M*o.K), rounded(2, o.K*o.N), rounded(3, o.M*o.N)
			want := o
			want.A, want.B, want.C = kernels.Of(a), kernels.Of(b), kernels.Of(append([]float64{}, c...))
			oracle.Gemm(want)
			o.A, o.B, o.C = alloc(t, d, kernels.BF16, a...), alloc(t, d, kernels.BF16, b...),
				alloc(t, d, kernels.BF16, c...)
			d.Gemm(o)
			sameInBF16(t, kernels.Floats[float64](want.C), read(d, o.C))
			if s := (gemmShape{M: int32(o.M), N: int32(o.N), K: int32(o.K), LDA: int32(o.LDA),
				LDB: int32(o.LDB)}); !mmaFits(matrices{a: o.A, b: o.B}, o.TransA, o.TransB, s) {
				continue
			}
			o.C = alloc(t, d, kernels.F32, c...)
			d.Gemm(o)
			require.InDeltaSlice(t, kernels.Floats[float64](want.C), read(d, o.C), 1e-4, fmt.Sprint(o))
		}
	}
}

// bfloat16Specs are emulators of both generations: checked ones, quick ones, and those of the PTX.
var bfloat16Specs = []string{"check,2", "3", "check,portable,2", "portable,1", "ptx,1", "ptx,portable,2"}

func square(k, stride, pad, dil int) kernels.Window {
	return kernels.Window{KH: k, KW: k, StrideH: stride, StrideW: stride, PadH: pad, PadW: pad, DilH: dil,
		DilW: dil}
}

// TestConvolutionsInBFloat16 holds forward and backward to the oracle, on tensor cores and in scalars.
func TestConvolutionsInBFloat16(t *testing.T) {
	cases := map[string]kernels.Conv2D{
		"uneven strides": {Window: kernels.Window{KH: 3, KW: 3, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1, DilH: 1,
			DilW: 1}, B: 2, H: 9, W: 8, C: 16, OC: 24, Groups: 1},
		"groups": {Window: square(1, 1, 0, 1), B: 1, H: 12, W: 13, C: 32, OC: 16, Groups: 2},
		"scalars": {Window: kernels.Window{KH: 3, KW: 2, StrideH: 1, StrideW: 2, PadH: 2, PadW: 1, DilH: 2,
			DilW: 1}, B: 1, H: 6, W: 7, C: 6, OC: 5, Groups: 1},
		"3x3":          {Window: square(3, 1, 1, 1), B: 3, H: 9, W: 8, C: 64, OC: 72, Groups: 1},
		"3x3 stride 2": {Window: square(3, 2, 1, 1), B: 2, H: 9, W: 7, C: 64, OC: 16, Groups: 1},
		"1x1 stride 2": {Window: square(1, 2, 0, 1), B: 2, H: 9, W: 8, C: 64, OC: 24, Groups: 1},
		"dilated":      {Window: square(3, 1, 2, 2), B: 1, H: 8, W: 7, C: 128, OC: 8, Groups: 1},
		"pointwise":    {Window: square(1, 1, 0, 1), B: 1, H: 12, W: 13, C: 24, OC: 40, Groups: 1},
		"stem":         {Window: square(7, 2, 3, 1), B: 2, H: 17, W: 19, C: 3, OC: 24, Groups: 1},
		"patches":      {Window: square(8, 8, 0, 1), B: 1, H: 24, W: 16, C: 3, OC: 16, Groups: 1},
		"strides and dilations that share a factor": {Window: square(3, 2, 2, 2), B: 1, H: 9, W: 8, C: 64, OC: 8,
			Groups: 1},
	}
	for _, spec := range specs(bfloat16Specs...) {
		d := testDevice(t, spec)
		for name, o := range cases {
			t.Run(spec+"/"+name, func(t *testing.T) {
				if name == "stem" {
					onePictureAtATime(t)
				}
				convolutionInBFloat16(t, d, o)
			})
		}
	}
}

func convolutionInBFloat16(t *testing.T, d *Device, o kernels.Conv2D) {
	oh, ow := o.Out(o.H, o.W)
	x, w := rounded(1, o.B*o.H*o.W*o.C), rounded(2, o.OC*o.KH*o.KW*o.C/o.Groups)
	y := o.B * oh * ow * o.OC
	sameOnBoth(t, d, func(be kernels.Backend, put func(v []float64) kernels.Buf) []kernels.Buf {
		g := kernels.Conv2DGrad{Conv2D: o, DY: put(rounded(4, y))}
		g.X, g.Weight, g.Bias, g.Y = put(x), put(w), put(rounded(3, o.OC)), put(make([]float64, y))
		g.Residual = put(rounded(6, y))
		be.Conv2D(g.Conv2D)
		g.DX = kernels.Grad{Buf: put(make([]float64, len(x)))}
		g.DWeight = kernels.Grad{Buf: put(rounded(5, len(w))), Acc: true}
		be.Conv2DBackward(g)
		return []kernels.Buf{g.Y, g.DX.Buf, g.DWeight.Buf}
	})
}

// TestChannelSumsInBFloat16 holds the sums that a convolution writes on its way out to what it wrote.
func TestChannelSumsInBFloat16(t *testing.T) {
	cases := map[string]kernels.Conv2D{
		"3x3":       {Window: square(3, 1, 1, 1), B: 3, H: 9, W: 8, C: 64, OC: 72, Groups: 1},
		"3x3 of 16": {Window: square(3, 1, 1, 1), B: 1, H: 9, W: 8, C: 16, OC: 5, Groups: 1},
		"pointwise": {Window: square(1, 1, 0, 1), B: 2, H: 12, W: 13, C: 24, OC: 136, Groups: 1},
		"groups":    {Window: square(3, 1, 1, 1), B: 1, H: 5, W: 6, C: 16, OC: 16, Groups: 2},
		"stem":      {Window: square(7, 2, 3, 1), B: 3, H: 17, W: 19, C: 3, OC: 24, Groups: 1},
		"bias":      {Window: square(1, 1, 0, 1), B: 1, H: 7, W: 6, C: 8, OC: 8, Groups: 1},
	}
	for _, spec := range specs(bfloat16Specs...) {
		d := testDevice(t, spec)
		for name, o := range cases {
			t.Run(spec+"/"+name, func(t *testing.T) {
				if name == "stem" {
					onePictureAtATime(t)
				}
				oh, ow := o.Out(o.H, o.W)
				y := o.B * oh * ow * o.OC
				o.X = alloc(t, d, kernels.BF16, rounded(1, o.B*o.H*o.W*o.C)...)
				o.Weight = alloc(t, d, kernels.BF16, rounded(2, o.OC*o.KH*o.KW*o.C/o.Groups)...)
				o.Y = alloc(t, d, kernels.BF16, make([]float64, y)...)
				o.Sums = alloc(t, d, kernels.F64, make([]float64, 2*o.OC)...)
				if name == "bias" {
					o.Bias = alloc(t, d, kernels.BF16, rounded(3, o.OC)...)
				}
				d.Conv2D(o)
				want, size := make([]float64, 2*o.OC), make([]float64, 2*o.OC)
				for i, v := range read(d, o.Y) {
					c := i % o.OC
					want[c], want[o.OC+c] = want[c]+v, want[o.OC+c]+v*v
					size[c], size[o.OC+c] = size[c]+math.Abs(v), size[o.OC+c]+v*v
				}
				require.Positive(t, size[0], "a result that is all zeros")
				for i, s := range read(d, o.Sums) {
					require.InDelta(t, want[i], s, 1e-6*size[i], "sum %d of channel %d", i/o.OC, i%o.OC)
				}
			})
		}
	}
}

// onePictureAtATime leaves no more memory to written patches.
func onePictureAtATime(t *testing.T) {
	before := patchBytes
	patchBytes = 1
	t.Cleanup(func() { patchBytes = before })
}

// TestTransposedConvolutionsInBFloat16 runs them as gradients of convolutions, phase by phase.
func TestTransposedConvolutionsInBFloat16(t *testing.T) {
	cases := map[string]kernels.ConvTranspose2D{
		"4 stride 2":    {Window: square(4, 2, 1, 1), B: 2, H: 5, W: 6, C: 16, OC: 64, Groups: 1},
		"16 stride 8":   {Window: square(16, 8, 4, 1), B: 1, H: 3, W: 2, C: 8, OC: 8, Groups: 1},
		"window of one": {Window: square(1, 2, 0, 1), B: 1, H: 4, W: 3, C: 8, OC: 16, Groups: 1},
		"output padding": {Window: square(3, 2, 1, 1), OutPadH: 1, OutPadW: 1, B: 1, H: 4, W: 5, C: 24, OC: 8,
			Groups: 1},
	}
	for _, spec := range specs(bfloat16Specs...) {
		d := testDevice(t, spec)
		for name, o := range cases {
			t.Run(spec+"/"+name, func(t *testing.T) {
				oh, ow := o.OutSize()
				x, w := rounded(1, o.B*o.H*o.W*o.C), rounded(2, o.C*o.KH*o.KW*o.OC)
				y := o.B * oh * ow * o.OC
				sameOnBoth(t, d, func(be kernels.Backend, put func(v []float64) kernels.Buf) []kernels.Buf {
					g := kernels.ConvTranspose2DGrad{ConvTranspose2D: o, DY: put(rounded(4, y))}
					g.X, g.Weight, g.Bias, g.Y = put(x), put(w), put(rounded(3, o.OC)), put(make([]float64, y))
					be.ConvTranspose2D(g.ConvTranspose2D)
					g.DX = kernels.Grad{Buf: put(make([]float64, len(x)))}
					g.DWeight = kernels.Grad{Buf: put(make([]float64, len(w)))}
					be.ConvTranspose2DBackward(g)
					return []kernels.Buf{g.Y, g.DX.Buf, g.DWeight.Buf}
				})
			})
		}
	}
}

// TestLinearInBFloat16 runs a linear layer whose gradient of the weights is added up in chunks.
func TestLinearInBFloat16(t *testing.T) {
	const r, in, out = 1100, 40, 72
	for _, spec := range specs(bfloat16Specs...) {
		for _, act := range []kernels.Activation{kernels.NoActivation, kernels.WithGELU} {
			t.Run(fmt.Sprint(spec, act), func(t *testing.T) {
				d := testDevice(t, spec)
				sameOnBoth(t, d, func(be kernels.Backend, put func(v []float64) kernels.Buf) []kernels.Buf {
					g := kernels.LinearGrad{Linear: kernels.Linear{R: r, D: in, OD: out, Act: act},
						DY: put(rounded(4, r*out))}
					g.X, g.Weight, g.Bias = put(rounded(1, r*in)), put(rounded(2, out*in)), put(rounded(3, out))
					g.Residual, g.Y = put(rounded(5, r*out)), put(make([]float64, r*out))
					be.Linear(g.Linear)
					if act == kernels.WithGELU {
						return []kernels.Buf{g.Y}
					}
					g.DX = kernels.Grad{Buf: put(rounded(6, r*in)), Acc: true}
					g.DWeight = kernels.Grad{Buf: put(make([]float64, out*in))}
					be.LinearBackward(g)
					return []kernels.Buf{g.Y, g.DX.Buf, g.DWeight.Buf}
				})
			})
		}
	}
}

// sameOnBoth runs f on the oracle and on a device, buffers in bfloat16, and compares what it gives.
func sameOnBoth(t *testing.T, d *Device,
	f func(be kernels.Backend, put func(v []float64) kernels.Buf) []kernels.Buf) {
	run := func(be kernels.Backend, put func(v []float64) kernels.Buf) (out [][]float64) {
		for _, b := range f(be, put) {
			v := make([]float64, b.Len())
			be.Download(kernels.Of(v), b)
			out = append(out, v)
		}
		return out
	}
	want := run(ref.Open64(), func(v []float64) kernels.Buf { return kernels.Of(append([]float64{}, v...)) })
	got := run(d, func(v []float64) kernels.Buf { return alloc(t, d, kernels.BF16, v...) })
	for i := range want {
		sameInBF16(t, want[i], got[i])
	}
}
