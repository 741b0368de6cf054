package kerneltest

import (
	"cmp"
	"reflect"
	"testing"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// Bench times every op, forward and backward, and every optimiser's step, at a size that a detector has. Each
// is checked against the oracle first. GFLOP/s and GB/s are of the op's Cost; a backward is given the
// forward's bytes, so that its GB/s are a lower bound.
func Bench(b *testing.B, be kernels.Backend) {
	benchOps(b, be)
	benchCalls(b, be)
}

func benchOps(b *testing.B, be kernels.Backend) {
	for _, c := range benchCases() {
		b.Run(cmp.Or(c.Name, c.Op.Stem())+"/forward", func(b *testing.B) {
			s := &session{t: b, be: be, c: c, oracle: ref.Open64()}
			s.forward()
			op := s.op(be, s.host).Interface().(kernels.Op)
			for b.Loop() {
				op.Run(be)
			}
			report(b, op.Cost())
		})
		if c.Grad == nil {
			continue
		}
		b.Run(c.Op.Stem()+"/backward", func(b *testing.B) {
			s := &session{t: b, be: be, c: c, oracle: ref.Open64()}
			s.forward()
			s.backward(false)
			g, call := s.prepared(be)
			for b.Loop() {
				call()
			}
			report(b, g)
		})
	}
}

func report(b *testing.B, c kernels.Cost) {
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(c.FLOPs)/seconds/1e9, "GFLOP/s")
	b.ReportMetric(float64(c.Bytes)/seconds/1e9, "GB/s")
}

// prepared is a backward that is ready to be called again and again.
func (s *session) prepared(be kernels.Backend) (kernels.Cost, func()) {
	g := s.grad(be, kernels.Gradient, false, s.c.grads())
	method := reflect.ValueOf(be).MethodByName(reflect.TypeOf(s.c.Op).Name() + "Backward")
	args := []reflect.Value{g}
	return g.FieldByName(reflect.TypeOf(s.c.Op).Name()).Interface().(kernels.Op).Cost(),
		func() { method.Call(args) }
}

// benchCases are the kernels of a ResNet50 and a ViT-B/16 at a batch of one or two.
func benchCases() []Case {
	conv := kernels.Conv2D{Window: window(3, 1, 1, 1), B: 1, H: 14, W: 14, C: 64, OC: 64, Groups: 1}
	up := kernels.ConvTranspose2D{Window: window(4, 2, 1, 1), B: 1, H: 14, W: 14, C: 32, OC: 16, Groups: 1}
	pool := window(3, 2, 1, 1)
	att := kernels.Attention{B: 1, TQ: 197, TK: 197, NH: 4, HD: 64, LDQ: 256, LDK: 256, LDV: 256}
	const n = 1 << 20
	wide := map[string][2]float64{"X": {-4, 4}, "RunningVar": {0.5, 2}}
	one := func(op kernels.Op, grad any) Case {
		return Case{Op: op, Grad: grad, In: lens{"X": n}, Out: lens{"Y": n}, Range: wide}
	}
	two := func(op kernels.Op, grad any) Case {
		return Case{Op: op, Grad: grad, In: lens{"A": n, "B": n}, Out: lens{"Y": n}}
	}
	loss := func(op kernels.Op, grad any, x string) Case {
		return Case{Op: op, Grad: grad, In: lens{x: n, "T": n}, Out: lens{"Y": 1},
			Range: map[string][2]float64{"P": {0.01, 0.99}, "T": {0, 1}}}
	}
	return []Case{
		{Op: conv, Grad: kernels.Conv2DGrad{}, In: lens{"X": 14 * 14 * 64, "Weight": 9 * 64 * 64},
			Out: lens{"Y": 14 * 14 * 64}},
		{Op: up, Grad: kernels.ConvTranspose2DGrad{}, In: lens{"X": 14 * 14 * 32, "Weight": 16 * 32 * 16},
			Out: lens{"Y": 28 * 28 * 16}},
		{Op: kernels.Linear{R: 197, D: 256, OD: 256}, Grad: kernels.LinearGrad{},
			In: lens{"X": 197 * 256, "Weight": 256 * 256}, Out: lens{"Y": 197 * 256}},
		{Op: att, Grad: kernels.AttentionGrad{}, In: lens{"Q": 197 * 256, "K": 197 * 256, "V": 197 * 256},
			Out: lens{"Y": 197 * 256, "LSE": 4 * 197}},
		{Name: "attentionmap", Op: kernels.AttentionMap{Attention: att},
			In: lens{"Q": 197 * 256, "K": 197 * 256}, Out: lens{"P": 4 * 197 * 197}},
		{Op: kernels.Gemm{M: 256, N: 256, K: 256, Alpha: 1, LDA: 256, LDB: 256, LDC: 256},
			In: lens{"A": 256 * 256, "B": 256 * 256}, Out: lens{"C": 256 * 256}},
		{Op: kernels.MaxPool2D{Window: pool, B: 1, H: 56, W: 56, C: 64, OH: 28, OW: 28},
			Grad: kernels.MaxPool2DGrad{},
			In:   lens{"X": 56 * 56 * 64}, Out: lens{"Y": 28 * 28 * 64, "Index": 28 * 28 * 64}},
		{Op: kernels.AvgPool2D{Window: pool, B: 1, H: 56, W: 56, C: 64, OH: 28, OW: 28},
			Grad: kernels.AvgPool2DGrad{},
			In:   lens{"X": 56 * 56 * 64}, Out: lens{"Y": 28 * 28 * 64}},
		{Op: kernels.AdaptiveAvgPool2D{B: 2, H: 7, W: 7, C: 2048, OH: 1, OW: 1},
			Grad: kernels.AdaptiveAvgPool2DGrad{},
			In:   lens{"X": 2 * 49 * 2048}, Out: lens{"Y": 2 * 2048}},
		{Op: kernels.BatchNorm{R: 3136, C: 64, Eps: 1e-5, Momentum: 0.1, Train: true, ReLU: true},
			Grad: kernels.BatchNormGrad{},
			In: lens{"X": 3136 * 64, "Gamma": 64, "Beta": 64, "Residual": 3136 * 64, "RunningMean": 64,
				"RunningVar": 64},
			Out: lens{"Y": 3136 * 64, "Mean": 64, "RStd": 64}, Range: wide,
			State: []string{"RunningMean", "RunningVar"}},
		{Op: kernels.LayerNorm{R: 394, D: 768, Eps: 1e-6}, Grad: kernels.LayerNormGrad{},
			In:  lens{"X": 394 * 768, "Gamma": 768, "Beta": 768},
			Out: lens{"Y": 394 * 768, "Mean": 394, "RStd": 394}},
		{Op: kernels.Softmax{R: 788, D: 197}, Grad: kernels.SoftmaxGrad{}, In: lens{"X": 788 * 197},
			Out: lens{"Y": 788 * 197}, Range: wide},
		one(kernels.ReLU{N: n}, kernels.ReLUGrad{}), one(kernels.GELU{N: n}, kernels.GELUGrad{}),
		one(kernels.Sigmoid{N: n}, kernels.SigmoidGrad{}),
		one(kernels.Scale{N: n, Alpha: 2}, kernels.ScaleGrad{}),
		one(kernels.Dropout{N: n, P: 0.1}, kernels.DropoutGrad{}),
		two(kernels.Add{N: n}, kernels.AddGrad{}), two(kernels.Mul{N: n}, kernels.MulGrad{}),
		{Op: kernels.Bias{R: 1024, C: 1024}, Grad: kernels.BiasGrad{}, In: lens{"X": n, "Bias": 1024},
			Out: lens{"Y": n}},
		{Op: kernels.Slice{Outer: 8, N: 256, Inner: 512, Start: 0, Stop: 128}, Grad: kernels.SliceGrad{},
			In: lens{"X": n}, Out: lens{"Y": n / 2}},
		{Op: kernels.Pad{B: 1, H: 128, W: 128, C: 64, Top: 1, Bottom: 1, Left: 1, Right: 1},
			Grad: kernels.PadGrad{}, In: lens{"X": n}, Out: lens{"Y": 130 * 130 * 64}},
		{Op: kernels.Resize{B: 1, H: 28, W: 28, C: 64, OH: 112, OW: 112}, Grad: kernels.ResizeGrad{},
			In: lens{"X": 28 * 28 * 64}, Out: lens{"Y": 112 * 112 * 64}},
		{Op: kernels.Sum{Outer: 1, N: n, Inner: 1, Scale: 1}, Grad: kernels.SumGrad{}, In: lens{"X": n},
			Out: lens{"Y": 1}, Range: map[string][2]float64{"X": {0, 1}}},
		loss(kernels.BCE{N: n}, kernels.BCEGrad{}, "P"),
		loss(kernels.BCELogits{N: n}, kernels.BCELogitsGrad{}, "X"),
		loss(kernels.MSE{N: n}, kernels.MSEGrad{}, "X"),
		{Op: kernels.CrossEntropy{R: 256, D: 1000}, Grad: kernels.CrossEntropyGrad{},
			In: lens{"X": 256000, "T": 256}, Out: lens{"Y": 1, "LSE": 256},
			Ints: lens{"T": 1000}, Range: wide},
	}
}
