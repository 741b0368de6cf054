package cpu

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"truegrain/kernels"
)

// measure times f, which has been checked, and reports GFLOP/s and the share of what multiply-adds on
// registers alone reach on as many cores, timed in the same run.
func measure(b *testing.B, be *Backend, cost kernels.Cost, f func()) {
	f()
	peak := peakFLOPs(be)
	b.ResetTimer()
	for b.Loop() {
		f()
	}
	rate := float64(cost.FLOPs) * float64(b.N) / b.Elapsed().Seconds()
	peak = (peak + peakFLOPs(be)) / 2
	b.ReportMetric(rate/1e9, "GFLOP/s")
	if peak > 0 {
		b.ReportMetric(rate/peak, "of-peak")
	}
}

// peakFLOPs is what all cores reach together, or 0 for a level without a peak loop.
func peakFLOPs(be *Backend) float64 {
	if be.level.peak == nil {
		return 0
	}
	const n = 200_000
	cores := runtime.GOMAXPROCS(0)
	start := time.Now()
	be.chunks(8*cores, func(int) { be.level.peak(n) })
	return float64(n*be.level.peakFLOPs*8*cores) / time.Since(start).Seconds()
}

func benchLevels(b *testing.B, f func(b *testing.B, be *Backend)) {
	for _, l := range levels {
		if l.supported() {
			b.Run(l.name, func(b *testing.B) { f(b, testBackend(b, l)) })
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		name           string
		m, n, k, batch int
		transA, transB bool
	}{
		{"1024x1024x1024", 1024, 1024, 1024, 1, false, false},
		{"vit-mlp", 197, 4096, 1024, 1, false, true},
		{"vit-mlp-dw", 4096, 1024, 788, 1, true, false},
		{"attention-scores", 197, 197, 64, 16, false, true},
		{"head", 8, 1000, 2048, 1, false, true},
	} {
		b.Run(s.name, func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				rng := rand.New(rand.NewPCG(1, 1))
				op := randomGemm(rng, s.m, s.n, s.k, s.batch, s.transA, s.transB, false)
				before := append([]float32(nil), floats(op.C)...)
				be.Gemm(op)
				checkGemm(b, op, before)
				measure(b, be, op.Cost(), func() { be.Gemm(op) })
			})
		})
	}
}
