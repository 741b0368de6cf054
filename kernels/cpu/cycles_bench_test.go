package cpu

import (
	"math/rand/v2"
	"testing"
	"time"
)

// cycleCase is a kernel whose operands the first cache holds, rows·d elements, where its time is that of
// computing. floor is the cycles of a vector of AVX-512 that its instructions take at least: two
// multiply-adds, two additions, conversions or comparisons, four simple integer operations, two loads and one
// store are a cycle, of which the scarcest counts, pass by pass.
type cycleCase struct {
	name    string
	rows, d int
	floor   float64
	run     func(m *vmath, y, x, z *float32, rows, d int)
}

var cycleCases = []cycleCase{
	{"gelu", 1, 2048, 11, func(m *vmath, y, x, _ *float32, _, d int) { m.gelu(y, x, d, 0) }},
	{"geluGrad", 1, 2048, 11, func(m *vmath, y, x, z *float32, _, d int) { m.geluGrad(y, z, x, d, 0) }},
	{"softmax", 2, 1024, 4.5 + 0.5 + 1, softmaxRows},
	{"softmax", 10, 197, 4.5 + 0.5 + 1, softmaxRows},
	{"softmaxGrad", 2, 1024, 2, func(m *vmath, y, x, z *float32, rows, d int) { m.softmaxGrad(y, z, x, d, rows, 0) }},
	{"dropout", 1, 2048, 9.25, func(m *vmath, y, x, _ *float32, _, d int) {
		m.dropout(y, x, d, 0, 1, 2, 3, 4, 1<<22, 1.25, 0)
	}},
	{"layerNorm", 4, 768, 3 + 3, func(m *vmath, y, x, z *float32, rows, d int) {
		var mean, rstd [4]float32
		m.layerNorm.forward(y, x, z, z, &mean[0], &rstd[0], &layerNormScratch[0], d, rows, 1e-6, 0)
	}},
	{"layerNormGrad", 2, 768, 3 + 2, func(m *vmath, y, x, z *float32, rows, d int) {
		mean, rstd := [2]float32{}, [2]float32{1, 1}
		m.layerNorm.grad(y, z, x, z, &mean[0], &rstd[0], d, rows, 0)
	}},
}

var layerNormScratch = make([]float64, layerNormRoom(768))

func softmaxRows(m *vmath, y, x, z *float32, rows, d int) { m.softmax(y, x, z, d, rows, 0) }

// BenchmarkCycles reports cycles of one core for 16 elements, a cycle being what two multiply-adds take on
// registers beside it, and which share the floor is of that. Times are the fastest of many.
func BenchmarkCycles(b *testing.B) {
	l := levels[0]
	if l.peakFLOPs != 2*12*16 || !l.supported() {
		b.Skip("this processor has no AVX-512")
	}
	for _, c := range cycleCases {
		b.Run(c.name, func(b *testing.B) {
			rng, n := rand.New(rand.NewPCG(1, 1)), c.rows*c.d
			x, y, z := randomFloats(rng, n), make([]float32, n), randomFloats(rng, n)
			const turns = 64 // of six cycles each for the twelve multiply-adds of the loop
			fastest := func(f func()) time.Duration {
				least := time.Hour
				for range 20 {
					start := time.Now()
					for range turns {
						f()
					}
					least = min(least, time.Since(start))
				}
				return least
			}
			var cycles float64
			for b.Loop() {
				cycle := fastest(func() { l.peak(100) }).Seconds() / 600
				t := fastest(func() { c.run(&l.vmath, &y[0], &x[0], &z[0], c.rows, c.d) }).Seconds() / cycle
				if t /= float64(n) / 16; cycles == 0 || t < cycles {
					cycles = t
				}
			}
			b.ReportMetric(cycles, "cycles")
			b.ReportMetric(c.floor/cycles, "floor")
		})
	}
}
