package kerneltest

import (
	"fmt"

	"truegrain/kernels"
)

type lens = map[string]int

// Cases is the suite's table: realistic, odd, prime, single and empty sizes, and every option of every op.
func Cases() []Case {
	var all []Case
	all = append(all, convolutions()...)
	all = append(all, pools()...)
	all = append(all, products()...)
	all = append(all, norms()...)
	all = append(all, elementwise()...)
	all = append(all, attentions()...)
	all = append(all, shapes()...)
	return append(all, losses()...)
}

func window(k, s, p, d int) kernels.Window {
	return kernels.Window{KH: k, KW: k, StrideH: s, StrideW: s, PadH: p, PadW: p, DilH: d, DilW: d}
}

func convolutions() (all []Case) {
	for _, c := range []struct {
		name string
		op   kernels.Conv2D
		full bool // bias, residual, channel sums
	}{
		{"3x3", kernels.Conv2D{Window: window(3, 1, 1, 1), B: 2, H: 7, W: 9, C: 16, OC: 24, Groups: 1},
			false},
		{"3x3 full", kernels.Conv2D{Window: window(3, 1, 1, 1), B: 1, H: 6, W: 5, C: 8, OC: 70, Groups: 1,
			Act: kernels.WithReLU}, true},
		{"3x3 in training", kernels.Conv2D{Window: window(3, 1, 2, 2), B: 2, H: 9, W: 7, C: 16,
			OC: 32, Groups: 1}, true},
		{"1x1 stride 2", kernels.Conv2D{Window: window(1, 2, 0, 1), B: 3, H: 9, W: 8, C: 17, OC: 13,
			Groups: 1}, true},
		{"stem", kernels.Conv2D{Window: window(7, 2, 3, 1), B: 1, H: 19, W: 17, C: 3, OC: 11, Groups: 1},
			false},
		{"dilated, groups", kernels.Conv2D{Window: window(3, 1, 2, 2), B: 1, H: 8, W: 11, C: 12, OC: 6,
			Groups: 3}, true},
		{"depthwise", kernels.Conv2D{Window: window(3, 1, 1, 1), B: 2, H: 5, W: 6, C: 7, OC: 7, Groups: 7},
			false},
		{"groups of four", kernels.Conv2D{Window: window(3, 2, 1, 1), B: 1, H: 9, W: 11, C: 20, OC: 20,
			Groups: 5}, true},
		{"patches", kernels.Conv2D{Window: window(8, 8, 0, 1), B: 2, H: 16, W: 24, C: 3, OC: 10, Groups: 1},
			true},
		{"one pixel", kernels.Conv2D{Window: window(1, 1, 0, 1), B: 1, H: 1, W: 1, C: 1, OC: 1, Groups: 1},
			true},
		{"strides beyond the picture", kernels.Conv2D{Window: kernels.Window{KH: 1, KW: 2, StrideH: 2, StrideW: 3,
			DilH: 1, DilW: 1}, B: 1, H: 16, W: 2, C: 55, OC: 7, Groups: 1, Act: kernels.WithReLU}, true},
		{"no picture", kernels.Conv2D{Window: window(3, 1, 1, 1), B: 0, H: 4, W: 4, C: 3, OC: 2, Groups: 1},
			false},
		{"window does not fit", kernels.Conv2D{Window: window(5, 1, 0, 1), B: 1, H: 3, W: 3, C: 2, OC: 2,
			Groups: 1}, false},
	} {
		all = append(all, conv2d(c.name, c.op, c.full))
	}
	for _, c := range []struct {
		name string
		op   kernels.ConvTranspose2D
		full bool
	}{
		{"4 stride 2", kernels.ConvTranspose2D{Window: window(4, 2, 1, 1), B: 2, H: 5, W: 4, C: 9, OC: 6,
			Groups: 1}, true},
		{"16 stride 8", kernels.ConvTranspose2D{Window: window(16, 8, 4, 1), B: 1, H: 3, W: 4, C: 1, OC: 1,
			Groups: 1}, false},
		{"output padding, groups", kernels.ConvTranspose2D{Window: window(3, 2, 1, 1), OutPadH: 1, OutPadW: 1,
			B: 1, H: 5, W: 6, C: 8, OC: 6, Groups: 2}, true},
		{"dilated, ReLU", kernels.ConvTranspose2D{Window: window(3, 1, 0, 2), B: 1, H: 4, W: 3, C: 5, OC: 7,
			Groups: 1, Act: kernels.WithReLU}, true},
	} {
		all = append(all, convTranspose2d(c.name, c.op, c.full))
	}
	return all
}

// conv2d is a convolution, full with bias, residual and channel sums.
func conv2d(name string, o kernels.Conv2D, full bool) Case {
	oh, ow := o.Out(o.H, o.W)
	y := o.B * oh * ow * o.OC
	k := Case{Name: name, Op: o, Grad: kernels.Conv2DGrad{},
		In:  lens{"X": o.B * o.H * o.W * o.C, "Weight": o.OC * o.KH * o.KW * o.C / o.Groups},
		Out: lens{"Y": y}}
	if full {
		k.In["Bias"], k.In["Residual"], k.Out["Sums"] = o.OC, y, 2*o.OC
	}
	return k
}

// convTranspose2d is a transposed one.
func convTranspose2d(name string, o kernels.ConvTranspose2D, full bool) Case {
	oh, ow := o.OutSize()
	y := o.B * oh * ow * o.OC
	k := Case{Name: name, Op: o, Grad: kernels.ConvTranspose2DGrad{},
		In:  lens{"X": o.B * o.H * o.W * o.C, "Weight": o.C * o.KH * o.KW * o.OC / o.Groups},
		Out: lens{"Y": y}}
	if full {
		k.In["Bias"], k.In["Residual"], k.Out["Sums"] = o.OC, y, 2*o.OC
	}
	return k
}

func pools() (all []Case) {
	for _, c := range []struct {
		name string
		b    int
		h, w int
		c    int
		win  kernels.Window
		ceil bool
	}{
		{"3 stride 2", 2, 13, 15, 5, window(3, 2, 1, 1), false},
		{"2", 1, 8, 8, 3, window(2, 2, 0, 1), false},
		{"ceil", 1, 10, 9, 17, window(3, 2, 0, 1), true},
		{"16 channels", 2, 9, 8, 16, window(3, 2, 1, 1), false},
		{"one pixel", 1, 1, 1, 1, window(1, 1, 0, 1), false},
		{"no picture", 0, 4, 4, 3, window(2, 2, 0, 1), false},
	} {
		oh, ow := c.win.Out(c.h, c.w)
		if c.ceil {
			oh, ow = c.win.OutCeil(c.h, c.w)
		}
		all = append(all, pools2d(c.name, c.win, c.b, c.h, c.w, c.c, oh, ow)...)
	}
	for _, o := range []kernels.AdaptiveAvgPool2D{{B: 2, H: 9, W: 11, C: 7, OH: 1, OW: 1},
		{B: 1, H: 10, W: 13, C: 4, OH: 3, OW: 5},
		{B: 1, H: 2, W: 3, C: 2, OH: 5, OW: 4}} {
		all = append(all, adaptiveAvgPool2d(o))
	}
	return all
}

func adaptiveAvgPool2d(o kernels.AdaptiveAvgPool2D) Case {
	return Case{Name: fmt.Sprintf("%dx%d", o.OH, o.OW), Op: o, Grad: kernels.AdaptiveAvgPool2DGrad{},
		In: lens{"X": o.B * o.H * o.W * o.C}, Out: lens{"Y": o.B * o.OH * o.OW * o.C}}
}

// pools2d are both kinds.
func pools2d(name string, win kernels.Window, b, h, w, c, oh, ow int) []Case {
	in, out := b*h*w*c, b*oh*ow*c
	return []Case{
		{Name: name, Op: kernels.MaxPool2D{Window: win, B: b, H: h, W: w, C: c, OH: oh, OW: ow},
			Grad: kernels.MaxPool2DGrad{}, In: lens{"X": in}, Out: lens{"Y": out, "Index": out}},
		{Name: name, Op: kernels.AvgPool2D{Window: win, B: b, H: h, W: w, C: c, OH: oh, OW: ow},
			Grad: kernels.AvgPool2DGrad{}, In: lens{"X": in}, Out: lens{"Y": out}},
	}
}

func products() (all []Case) {
	for _, s := range [][3]int{{5, 33, 17}, {197, 64, 96}, {1, 1, 1}, {3, 7, 130}, {0, 4, 3}, {300, 5, 2}} {
		for _, act := range []kernels.Activation{kernels.NoActivation, kernels.WithReLU} {
			all = append(all, linear(fmt.Sprint(s, act), kernels.Linear{R: s[0], D: s[1], OD: s[2], Act: act}))
		}
		all = append(all, Case{Name: fmt.Sprint(s, "gelu"), Op: kernels.Linear{R: s[0], D: s[1], OD: s[2],
			Act: kernels.WithGELU},
			In: lens{"X": s[0] * s[1], "Weight": s[2] * s[1]}, Out: lens{"Y": s[0] * s[2]}})
	}
	for i := range 8 {
		all = append(all, gemm(kernels.Gemm{M: 13, N: 37, K: 29, Batch: 3, TransA: i&1 != 0, TransB: i&2 != 0,
			Acc: i&4 != 0, Alpha: 0.5}, 3, 2))
	}
	return all
}

// linear is a linear layer with bias and residual.
func linear(name string, o kernels.Linear) Case {
	return Case{Name: name, Op: o, Grad: kernels.LinearGrad{},
		In:  lens{"X": o.R * o.D, "Weight": o.OD * o.D, "Bias": o.OD, "Residual": o.R * o.OD},
		Out: lens{"Y": o.R * o.OD}}
}

// gemm is a batch of products whose rows have so many elements more than they need.
func gemm(g kernels.Gemm, moreA, moreB int) Case {
	ra, ca, rb, cb := g.M, g.K, g.K, g.N
	if g.TransA {
		ra, ca = ca, ra
	}
	if g.TransB {
		rb, cb = cb, rb
	}
	g.LDA, g.LDB, g.LDC = ca+moreA, cb+moreB, g.N
	g.StrideA, g.StrideB, g.StrideC = ra*g.LDA, rb*g.LDB, g.M*g.LDC
	c := Case{Name: fmt.Sprintf("transposed %v %v, acc %v", g.TransA, g.TransB, g.Acc), Op: g,
		In: lens{"A": g.Batch * g.StrideA, "B": g.Batch * g.StrideB}, Out: lens{"C": g.Batch * g.StrideC}}
	if g.Acc {
		c.In["C"], c.State, c.Out = c.Out["C"], []string{"C"}, nil
	}
	return c
}

func norms() (all []Case) {
	for _, s := range [][2]int{{35, 6}, {4, 3}, {1, 5}, {1031, 17}, {81, 64}} {
		r, c := s[0], s[1]
		for i := range 8 {
			o := kernels.BatchNorm{R: r, C: c, Eps: 1e-5, Momentum: 0.1, Train: i&1 != 0, ReLU: i&2 != 0}
			if r == 1 && o.Train {
				continue // one row has no variance: x̂ is 0/√ε, all rounding
			}
			all = append(all, batchNorm(fmt.Sprintf("%v train %v, ReLU %v, residual %v", s, o.Train, o.ReLU, i&4 != 0),
				o, i&4 != 0))
		}
	}
	for _, s := range [][2]int{{15, 128}, {3, 7}, {600, 5}, {0, 4}, {2, 1024}} {
		all = append(all, layerNorm(fmt.Sprint(s), kernels.LayerNorm{R: s[0], D: s[1], Eps: 1e-6}))
	}
	return all
}

func batchNorm(name string, o kernels.BatchNorm, residual bool) Case {
	k := Case{Name: name, Op: o, Grad: kernels.BatchNormGrad{},
		In:    lens{"X": o.R * o.C, "Gamma": o.C, "Beta": o.C, "RunningMean": o.C, "RunningVar": o.C},
		Out:   lens{"Y": o.R * o.C, "Mean": o.C, "RStd": o.C},
		Range: map[string][2]float64{"RunningVar": {0.5, 2}, "X": {-2, 3}}}
	if residual {
		k.In["Residual"] = o.R * o.C
	}
	if o.Train {
		k.State = []string{"RunningMean", "RunningVar"}
	}
	return k
}

func layerNorm(name string, o kernels.LayerNorm) Case {
	return Case{Name: name, Op: o, Grad: kernels.LayerNormGrad{},
		In:  lens{"X": o.R * o.D, "Gamma": o.D, "Beta": o.D},
		Out: lens{"Y": o.R * o.D, "Mean": o.R, "RStd": o.R}}
}

func elementwise() (all []Case) {
	for _, n := range []int{0, 1, 2, 19, 1000, 40009} {
		all = append(all, elements(n)...)
	}
	for _, s := range [][2]int{{4, 1000}, {2, 3}, {1, 1}, {0, 5}, {777, 11}} {
		all = append(all, rows(s[0], s[1])...)
	}
	return all
}

// wide is where functions of x bend.
var wide = map[string][2]float64{"X": {-6, 6}}

// elements are the ops on n elements.
func elements(n int) []Case {
	name, x, y := fmt.Sprint(n), lens{"X": n}, lens{"Y": n}
	two := lens{"A": n, "B": n}
	return []Case{
		{Name: name, Op: kernels.ReLU{N: n}, Grad: kernels.ReLUGrad{}, In: x, Out: y},
		{Name: name, Op: kernels.GELU{N: n}, Grad: kernels.GELUGrad{}, In: x, Out: y, Range: wide},
		{Name: name, Op: kernels.Sigmoid{N: n}, Grad: kernels.SigmoidGrad{}, In: x, Out: y, Range: wide},
		{Name: name, Op: kernels.Scale{N: n, Alpha: -0.7}, Grad: kernels.ScaleGrad{}, In: x, Out: y},
		{Name: name, Op: kernels.Dropout{N: n, P: 0.3, Seed: 5, Step: 6, Node: 7},
			Grad: kernels.DropoutGrad{}, In: x, Out: y},
		{Name: name + " step in memory", Op: kernels.Dropout{N: n, P: 0.3, Seed: 5, Node: 7},
			Grad: kernels.DropoutGrad{}, In: lens{"X": n, "StepIn": 1}, Out: y,
			Ints: map[string]int{"StepIn": 1 << 30}},
		{Name: name, Op: kernels.Add{N: n}, Grad: kernels.AddGrad{}, In: two, Out: y},
		{Name: name, Op: kernels.Mul{N: n}, Grad: kernels.MulGrad{}, In: two, Out: y},
	}
}

// rows are the ops on r rows of d elements.
func rows(r, d int) []Case {
	name := fmt.Sprint([]int{r, d})
	return []Case{
		{Name: name, Op: kernels.Softmax{R: r, D: d}, Grad: kernels.SoftmaxGrad{},
			In:  lens{"X": r * d},
			Out: lens{"Y": r * d}, Range: wide},
		{Name: name, Op: kernels.Bias{R: r, C: d}, Grad: kernels.BiasGrad{},
			In: lens{"X": r * d, "Bias": d}, Out: lens{"Y": r * d}},
	}
}

func attentions() (all []Case) {
	for _, o := range []kernels.Attention{{B: 2, TQ: 17, TK: 17, NH: 3, HD: 16},
		{B: 1, TQ: 5, TK: 9, NH: 4, HD: 32},
		{B: 1, TQ: 65, TK: 65, NH: 2, HD: 24}, {B: 1, TQ: 1, TK: 1, NH: 1, HD: 1},
		{B: 0, TQ: 3, TK: 3, NH: 1, HD: 4}} {
		all = append(all, attention(o)...)
	}
	return all
}

// attention is it, and its map.
func attention(o kernels.Attention) []Case {
	d := o.NH * o.HD
	o.LDQ, o.LDK, o.LDV = d, d, d
	return []Case{{Name: fmt.Sprintf("%d %d %dx%d", o.TQ, o.TK, o.NH, o.HD), Op: o,
		Grad:  kernels.AttentionGrad{},
		In:    lens{"Q": o.B * o.TQ * d, "K": o.B * o.TK * d, "V": o.B * o.TK * d},
		Out:   lens{"Y": o.B * o.TQ * d, "LSE": o.B * o.NH * o.TQ},
		Range: map[string][2]float64{"Q": {-3, 3}, "K": {-3, 3}}},
		{Name: fmt.Sprintf("map %d %d", o.TQ, o.TK), Op: kernels.AttentionMap{Attention: o},
			In: lens{"Q": o.B * o.TQ * d, "K": o.B * o.TK * d}, Out: lens{"P": o.B * o.NH * o.TQ * o.TK}}}
}

func shapes() (all []Case) {
	for _, o := range []kernels.Slice{{Outer: 2, N: 9, Inner: 8, Start: 2, Stop: 7},
		{Outer: 3, N: 5, Inner: 1, Start: 0, Stop: 5},
		{Outer: 2, N: 4, Inner: 3, Start: 1, Stop: 1}} {
		all = append(all, slice(o))
	}
	for _, o := range []kernels.Pad{{B: 2, H: 5, W: 7, C: 3, Top: 1, Bottom: 2, Right: 3},
		{B: 1, H: 1, W: 1, C: 1, Left: 2}} {
		all = append(all, pad(o))
	}
	for _, o := range []kernels.Resize{{B: 2, H: 7, W: 9, C: 2, OH: 20, OW: 31},
		{B: 1, H: 20, W: 20, C: 1, OH: 7, OW: 9},
		{B: 1, H: 1, W: 3, C: 5, OH: 4, OW: 1}} {
		all = append(all, resize(o))
	}
	for _, o := range []kernels.Sum{{Outer: 1, N: 100003, Inner: 1, Scale: 1},
		{Outer: 3, N: 5, Inner: 7, Scale: 0.2}, {Outer: 9, N: 455, Inner: 1, Scale: 0.5}, {Outer: 2, N: 1, Inner: 1, Scale: -1}} {
		all = append(all, sum(o))
	}
	return all
}

func slice(o kernels.Slice) Case {
	return Case{Name: fmt.Sprint(o.Start, o.Stop), Op: o, Grad: kernels.SliceGrad{},
		In: lens{"X": o.Outer * o.N * o.Inner}, Out: lens{"Y": o.Outer * (o.Stop - o.Start) * o.Inner}}
}

func pad(o kernels.Pad) Case {
	return Case{Name: fmt.Sprint(o.Top, o.Bottom, o.Left, o.Right), Op: o, Grad: kernels.PadGrad{},
		In:  lens{"X": o.B * o.H * o.W * o.C},
		Out: lens{"Y": o.B * (o.Top + o.H + o.Bottom) * (o.Left + o.W + o.Right) * o.C}}
}

func resize(o kernels.Resize) Case {
	return Case{Name: fmt.Sprintf("%dx%d to %dx%d", o.H, o.W, o.OH, o.OW), Op: o, Grad: kernels.ResizeGrad{},
		In: lens{"X": o.B * o.H * o.W * o.C}, Out: lens{"Y": o.B * o.OH * o.OW * o.C}}
}

func sum(o kernels.Sum) Case {
	return Case{Name: fmt.Sprint(o.Outer, o.N, o.Inner), Op: o, Grad: kernels.SumGrad{},
		In: lens{"X": o.Outer * o.N * o.Inner}, Out: lens{"Y": o.Outer * o.Inner},
		Range: map[string][2]float64{"X": {0, 1}}}
}

func losses() (all []Case) {
	for _, n := range []int{1, 32, 50021} {
		all = append(all, elementLosses(n)...)
	}
	for _, s := range [][2]int{{16, 2}, {8, 1000}, {1, 3}} {
		all = append(all, crossEntropy(s[0], s[1]))
	}
	return all
}

func elementLosses(n int) []Case {
	name, unit := fmt.Sprint(n), map[string][2]float64{"P": {0.01, 0.99}, "T": {0, 1}, "X": {-4, 4}}
	return []Case{
		{Name: name, Op: kernels.BCE{N: n}, Grad: kernels.BCEGrad{}, In: lens{"P": n, "T": n},
			Out: lens{"Y": 1}, Range: unit},
		{Name: name, Op: kernels.BCELogits{N: n}, Grad: kernels.BCELogitsGrad{},
			In: lens{"X": n, "T": n}, Out: lens{"Y": 1}, Range: unit},
		{Name: name, Op: kernels.MSE{N: n}, Grad: kernels.MSEGrad{}, In: lens{"X": n, "T": n},
			Out: lens{"Y": 1}, Range: unit},
	}
}

func crossEntropy(r, d int) Case {
	return Case{Name: fmt.Sprint([]int{r, d}), Op: kernels.CrossEntropy{R: r, D: d},
		Grad: kernels.CrossEntropyGrad{},
		In:   lens{"X": r * d, "T": r}, Out: lens{"Y": 1, "LSE": r}, Ints: lens{"T": d},
		Range: map[string][2]float64{"X": {-4, 4}}}
}
