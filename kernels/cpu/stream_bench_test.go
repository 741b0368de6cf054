package cpu

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// streamCase is an op at the size of a layer of ResNet50, FCN or ViT in training: batch pictures of it. bytes
// is what its passes read and write.
type streamCase struct {
	name  string
	batch int
	make  func(rng *rand.Rand, batch int) (run func(be kernels.Backend), outputs []kernels.Buf, bytes int)
}

// BenchmarkStream checks each case with one picture and the float64 sums of ref, then times it with all, and
// reports GB/s of the median and the share of what copying on as many cores reaches in the same run.
func BenchmarkStream(b *testing.B) {
	for _, c := range streamCases() {
		b.Run(c.name, func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				c.check(b, be)
				run, _, bytes := c.make(rand.New(rand.NewPCG(1, 1)), c.batch)
				run(be)
				copied := copyRate(be)
				var times []time.Duration
				for b.Loop() {
					start := time.Now()
					run(be)
					times = append(times, time.Since(start))
				}
				slices.Sort(times)
				rate := float64(bytes) / times[len(times)/2].Seconds()
				b.ReportMetric(rate/1e9, "GB/s")
				b.ReportMetric(2*rate/(copied+copyRate(be)), "of-copy")
				b.ReportMetric(float64(times[0].Microseconds()), "least-µs")
			})
		})
	}
}

func (c streamCase) check(t testing.TB, be kernels.Backend) {
	run, got, _ := c.make(rand.New(rand.NewPCG(2, 2)), 1)
	run(be)
	oracle, want, _ := c.make(rand.New(rand.NewPCG(2, 2)), 1)
	oracle(ref.Open32())
	for i := range want {
		w, g := floats(want[i]), floats(got[i])
		var d, n float64
		for j := range w {
			d += float64(w[j]-g[j]) * float64(w[j]-g[j])
			n += float64(w[j]) * float64(w[j])
		}
		require.LessOrEqual(t, d, 1e-10*n, "output %d", i)
	}
}

// copyRate is the bytes per second, read and written, of a copy that no cache holds.
func copyRate(be *Backend) float64 {
	from, to := copyBuffers[0], copyBuffers[1]
	for i := range from {
		from[i] = 1 // pages that nobody wrote are all the same memory
	}
	best := time.Hour
	for range 4 {
		start := time.Now()
		be.parallel(len(to), 1<<19, func(lo, hi int) { copy(to[lo:hi], from[lo:hi]) })
		best = min(best, time.Since(start))
	}
	runtime.KeepAlive(to)
	return float64(8*len(to)) / best.Seconds()
}

var copyBuffers = [2][]float32{make([]float32, 16<<20), make([]float32, 16<<20)}

// filled is random values, most of them other than 0.
func filled(rng *rand.Rand, n int) kernels.Buf { return of(randomFloats(rng, n)) }

func empty(n int) kernels.Buf { return of(make([]float32, n)) }

// backward is a method of a backend on a struct.
func backward(grad any) func(be kernels.Backend) {
	name := reflect.TypeOf(grad).Name()
	name = name[:len(name)-len("Grad")] + "Backward"
	args := []reflect.Value{reflect.ValueOf(grad)}
	return func(be kernels.Backend) { reflect.ValueOf(be).MethodByName(name).Call(args) }
}

func forward(op kernels.Op) func(be kernels.Backend) { return func(be kernels.Backend) { op.Run(be) } }

func streamCases() (all []streamCase) {
	all = append(all, elementCases()...)
	all = append(all, poolCases()...)
	all = append(all, resizeCases()...)
	for _, s := range []struct {
		name     string
		side, c  int
		residual bool
	}{
		{"112x112x64", 112, 64, false}, {"56x56x256+res", 56, 256, true}, {"56x56x64", 56, 64, false},
		{"28x28x512+res", 28, 512, true}, {"14x14x1024+res", 14, 1024, true}, {"7x7x2048+res", 7, 2048, true},
		{"224x224x3", 224, 3, false}, {"64x64x21", 64, 21, false},
	} {
		for _, train := range []bool{true, false} {
			if !train {
				s.name += "-eval"
			}
			all = append(all,
				streamCase{"batchnorm-y-" + s.name, 8, normCase(s.side*s.side, s.c, s.residual,
					train, false)}, streamCase{"batchnorm-dx-" + s.name, 8, normCase(s.side*s.side, s.c,
					s.residual, train, true)})
		}
	}
	return all
}

func normCase(
	r, c int, residual, train, back bool,
) func(*rand.Rand, int) (func(kernels.Backend), []kernels.Buf, int) {
	return func(rng *rand.Rand, batch int) (func(kernels.Backend), []kernels.Buf, int) {
		r := r * batch
		op := kernels.BatchNorm{R: r, C: c, Eps: 1e-5, Momentum: 0.1, Train: train, ReLU: true,
			X: filled(rng, r*c), Gamma: filled(rng, c), Beta: filled(rng, c), Y: empty(r * c), Mean: empty(c),
			RStd: empty(c), RunningMean: filled(rng, c), RunningVar: empty(c)}
		for i := range floats(op.RunningVar) {
			floats(op.RunningVar)[i] = 1
		}
		n := 4 * r * c
		bytes := 2 * n
		if train {
			bytes += n
		}
		if residual {
			op.Residual = filled(rng, r*c)
			bytes += n
		}
		if !back {
			return forward(op), []kernels.Buf{op.Y, op.Mean, op.RStd}, bytes
		}
		op.Run(ref.Open32())
		g := kernels.BatchNormGrad{BatchNorm: op, DY: filled(rng, r*c), DX: kernels.Grad{Buf: empty(r * c)},
			DGamma: kernels.Grad{Buf: empty(c)}, DBeta: kernels.Grad{Buf: empty(c)}}
		outputs := []kernels.Buf{g.DX.Buf, g.DGamma.Buf, g.DBeta.Buf}
		bytes = 7 * n // dy, y, x; again, and dx
		if !train {
			bytes = 6 * n // x only for the sums
		}
		if residual {
			g.DResidual = kernels.Grad{Buf: empty(r * c)}
			outputs = append(outputs, g.DResidual.Buf)
			bytes += n
		}
		return backward(g), outputs, bytes
	}
}

func elementCases() []streamCase {
	const n = 56 * 56 * 256
	type maker = func(*rand.Rand, int) (func(kernels.Backend), []kernels.Buf, int)
	simple := func(moved int, f func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf)) maker {
		return func(rng *rand.Rand, batch int) (func(kernels.Backend), []kernels.Buf, int) {
			run, out := f(rng, n*batch)
			return run, []kernels.Buf{out}, 4 * moved * n * batch
		}
	}
	return []streamCase{
		{"add-y", 8, simple(3, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.Add{N: n, A: filled(rng, n), B: filled(rng, n), Y: empty(n)}
			return forward(op), op.Y
		})},
		{"add-dx+=", 8, simple(3, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			dx := filled(rng, n)
			return backward(kernels.AddGrad{Add: kernels.Add{N: n}, DY: filled(rng, n),
				DA: kernels.Grad{Buf: dx, Acc: true}}), dx
		})},
		{"mul-y", 8, simple(3, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.Mul{N: n, A: filled(rng, n), B: filled(rng, n), Y: empty(n)}
			return forward(op), op.Y
		})},
		{"scale-y", 8, simple(2, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.Scale{N: n, Alpha: 0.5, X: filled(rng, n), Y: empty(n)}
			return forward(op), op.Y
		})},
		{"bias-y", 8, simple(2, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.Bias{R: n / 256, C: 256, X: filled(rng, n), Bias: filled(rng, 256), Y: empty(n)}
			return forward(op), op.Y
		})},
		{"bias-db", 8, simple(1, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.BiasGrad{Bias: kernels.Bias{R: n / 256, C: 256}, DY: filled(rng, n),
				DBias: kernels.Grad{Buf: empty(256)}}
			return backward(op), op.DBias.Buf
		})},
		{"relu-y", 8, simple(2, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.ReLU{N: n, X: filled(rng, n), Y: empty(n)}
			return forward(op), op.Y
		})},
		{"relu-dx", 8, simple(3, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			g := kernels.ReLUGrad{ReLU: kernels.ReLU{N: n, Y: filled(rng, n)}, DY: filled(rng, n),
				DX: kernels.Grad{Buf: empty(n)}}
			return backward(g), g.DX.Buf
		})},
		{"sum-y", 8, simple(1, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.Sum{Outer: 1, N: n, Inner: 1, Scale: 1, X: filled(rng, n), Y: empty(1)}
			return forward(op), op.Y
		})},
		{"fill", 8, simple(1, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			y := empty(n)
			return func(be kernels.Backend) { be.Fill(y, 1) }, y
		})},
		{"sgd", 8, simple(5, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.SGD{N: n, LR: 1e-3, Momentum: 0.9, WeightDecay: 1e-4, P: filled(rng, n),
				G: filled(rng, n), V: empty(n)}
			return func(be kernels.Backend) { be.SGD(op) }, op.P
		})},
		{"adam", 8, simple(7, func(rng *rand.Rand, n int) (func(kernels.Backend), kernels.Buf) {
			op := kernels.Adam{N: n, LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Step: 1,
				P: filled(rng, n), G: filled(rng, n), M: empty(n), V: empty(n)}
			return func(be kernels.Backend) { be.Adam(op) }, op.P
		})},
	}
}
