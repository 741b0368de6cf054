package kerneltest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// RunRandom runs n cases whose sizes and options are drawn: shapes that nobody thought of. The name of a case that
// fails has the seed that draws it alone.
func RunRandom(t *testing.T, be kernels.Backend, seed uint64, n int) {
	for i := range uint64(n) {
		for _, c := range Random(seed + i) {
			t.Run(fmt.Sprintf("%s/seed %d", c.Op.Stem(), seed+i), func(t *testing.T) {
				t.Logf("%+v", c.Op)
				c.run(t, be)
			})
		}
	}
}

// RunRandomMixed is RunRandom of what meets parameters in mixed precision.
func RunRandomMixed(t *testing.T, be kernels.Backend, seed uint64, n int) {
	work, _ := be.(kernels.Mixed).Mixed()
	oracle, _ := ref.Open32().(kernels.Mixed).Mixed()
	for i := range uint64(n) {
		for _, c := range Random(seed + i) {
			switch c.Op.(type) {
			case kernels.Conv2D, kernels.ConvTranspose2D, kernels.Linear:
			default:
				continue
			}
			t.Run(fmt.Sprintf("%s/seed %d", c.Op.Stem(), seed+i), func(t *testing.T) {
				t.Logf("%+v", c.Op)
				s := &session{bf16: true, wide: parameters, t: t, be: work, c: c, oracle: oracle, drawn: true}
				s.forward()
				s.backwards()
				s.guards()
			})
		}
	}
}

// dice draws sizes.
type dice struct{ *rand.Rand }

// size is from 1 to most: a small one, one that vectors and tensor cores like, or any.
func (d dice) size(most int) int {
	switch d.IntN(3) {
	case 0:
		return 1 + d.IntN(min(8, most))
	case 1:
		return min(most, 8<<d.IntN(3)*(1+d.IntN(4)))
	}
	return 1 + d.IntN(most)
}

func (d dice) coin() bool { return d.IntN(2) == 0 }

// window is one that fits into h x w with its padding.
func (d dice) window(h, w int) kernels.Window {
	side := func(n int) (k, s, p, dil int) {
		k = []int{1, 1, 2, 3, 3, 3, 4, 5, 7}[d.IntN(9)]
		dil = 1 + d.IntN(4)/3
		if most := (n-1)/max(1, k-1) + 1; dil > most {
			dil = most
		}
		p = d.IntN((k-1)*dil/2 + 1)
		for (k-1)*dil+1 > n+2*p {
			k--
			p = min(p, (k-1)*dil/2)
		}
		return k, 1 + d.IntN(3), p, dil
	}
	var o kernels.Window
	o.KH, o.StrideH, o.PadH, o.DilH = side(h)
	o.KW, o.StrideW, o.PadW, o.DilW = side(w)
	return o
}

// Random is the case of a seed, or the cases of one shape.
func Random(seed uint64) []Case {
	d := dice{rand.New(rand.NewPCG(seed, 1))}
	switch d.IntN(15) {
	case 0, 1, 2:
		return []Case{d.conv2d()}
	case 3:
		return []Case{d.convTranspose2d()}
	case 4:
		o := kernels.Linear{R: d.size(150), D: d.size(150), OD: d.size(150), Act: kernels.Activation(d.IntN(2))}
		return []Case{linear("", o)}
	case 5:
		return []Case{gemm(kernels.Gemm{M: d.size(150), N: d.size(150), K: d.size(150), Batch: 1 + d.IntN(3),
			TransA: d.coin(), TransB: d.coin(), Acc: d.coin(), Alpha: 0.5}, d.IntN(2)*8, d.IntN(3))}
	case 6:
		t := 7 + d.size(80) // of few keys one may have all of the weight, and the gradients are zero but for rounding
		return attention(kernels.Attention{B: 1 + d.IntN(2), TQ: d.size(80), TK: t, NH: 1 + d.IntN(4), HD: d.size(128)})
	case 7:
		o := kernels.BatchNorm{R: 2 + d.size(700), C: d.size(90), Eps: 1e-5, Momentum: 0.1, Train: d.coin(), ReLU: d.coin()}
		return []Case{batchNorm("", o, d.coin())}
	case 8:
		return []Case{layerNorm("", kernels.LayerNorm{R: d.size(90), D: 2 + d.size(900), Eps: 1e-6})}
	case 9:
		h, w := d.size(20), d.size(20)
		win := d.window(h, w)
		oh, ow := win.Out(h, w)
		if d.coin() {
			oh, ow = win.OutCeil(h, w)
		}
		return pools2d("", win, 1+d.IntN(2), h, w, d.size(40), oh, ow)
	case 10:
		return []Case{resize(kernels.Resize{B: 1 + d.IntN(2), H: d.size(20), W: d.size(20), C: d.size(12), OH: d.size(30),
			OW: d.size(30)}), sum(kernels.Sum{Outer: d.size(9), N: d.size(900), Inner: d.size(40), Scale: 0.5})}
	}
	switch n := d.size(3000); d.IntN(4) {
	case 0:
		return append(elements(n), elementLosses(n)...)
	case 1:
		return append(rows(d.size(60), d.size(300)), crossEntropy(d.size(60), 1+d.size(300)))
	case 2:
		return []Case{adaptiveAvgPool2d(kernels.AdaptiveAvgPool2D{B: 1 + d.IntN(2), H: d.size(20), W: d.size(20),
			C: d.size(40), OH: d.size(9), OW: d.size(9)})}
	}
	n := d.size(9)
	start := d.IntN(n + 1)
	return []Case{slice(kernels.Slice{Outer: d.size(9), N: n, Inner: d.size(40), Start: start, Stop: start + d.IntN(n-start+1)}),
		pad(kernels.Pad{B: 1 + d.IntN(2), H: d.size(9), W: d.size(9), C: d.size(20), Top: d.IntN(4), Bottom: d.IntN(4),
			Left: d.IntN(4), Right: d.IntN(4)})}
}

func (d dice) conv2d() Case {
	h, w := d.size(16), d.size(16)
	o := kernels.Conv2D{Window: d.window(h, w), B: 1 + d.IntN(3), H: h, W: w, C: d.size(72), OC: d.size(72), Groups: 1,
		Act: kernels.Activation(d.IntN(2))}
	if d.IntN(5) == 0 {
		o.Groups = 1 + d.IntN(6)
		o.C, o.OC = o.Groups*(1+d.IntN(8)), o.Groups*(1+d.IntN(8))
	}
	o.C = min(o.C/o.Groups, onePass/o.KH/o.KW) * o.Groups
	return conv2d("", o, d.coin())
}

// onePass is as many products as a backend adds up in one go, so that packed weights give the same bits.
const onePass = 512

func (d dice) convTranspose2d() Case {
	o := kernels.ConvTranspose2D{Window: d.window(9, 9), B: 1 + d.IntN(2), H: d.size(9), W: d.size(9), C: d.size(40),
		OC: d.size(40), Groups: 1, Act: kernels.Activation(d.IntN(2))}
	o.OutPadH, o.OutPadW = d.IntN(o.StrideH), d.IntN(o.StrideW)
	if h, w := o.OutSize(); h < 1 || w < 1 {
		o.PadH, o.PadW = 0, 0
	}
	o.C = min(o.C, onePass/o.KH/o.KW)
	return convTranspose2d("", o, d.coin())
}
