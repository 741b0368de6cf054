package cpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// copyRate is the bytes a second, read and written, at which all cores copy n floats to n others.
func copyRate(be *Backend, n int) (best float64) {
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = 1 // memory that nobody has written is one page, of zeros
	}
	for _, grain := range []int{elementGrain, 1 << 20} {
		var elapsed time.Duration
		for i := 0; i < 40 && elapsed < 200*time.Millisecond; i++ {
			start := time.Now()
			be.parallel(n, grain, func(lo, hi int) { copy(y[lo:hi], x[lo:hi]) })
			d := time.Since(start)
			if i > 0 {
				best = max(best, float64(8*n)/d.Seconds())
			}
			elapsed += d
		}
	}
	return best
}

// measureBytes times f, which has been checked, and reports GB/s of the bytes that it must move, and the share of
// what copying as many moves in the same run.
func measureBytes(b *testing.B, be *Backend, bytes int, f func()) {
	f()
	ceiling := copyRate(be, bytes/8)
	b.ResetTimer()
	for b.Loop() {
		f()
	}
	rate := float64(bytes) * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate/1e9, "GB/s")
	b.ReportMetric(rate/ceiling, "of-copy")
}

func BenchmarkSoftmax(b *testing.B) {
	for _, s := range []struct {
		name string
		r, d int
	}{
		{"attention-16x197x197", 16 * 197, 197},
		{"attention-4x16x197x197", 4 * 16 * 197, 197},
		{"beyond-L3-16x16x197x197", 16 * 16 * 197, 197},
		{"head-64x1000", 64, 1000},
	} {
		b.Run(s.name, func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				n := s.r * s.d
				x, y, want := randomFloats(rand.New(rand.NewPCG(1, 1)), n), make([]float32, n), make([]float32, n)
				op := kernels.Softmax{R: s.r, D: s.d, X: of(x), Y: of(y)}
				be.Softmax(op)
				softmaxGo(&want[0], &x[0], s.d, s.r)
				require.InDeltaSlice(b, want, y, 1e-7)
				measureBytes(b, be, 8*n, func() { be.Softmax(op) })
			})
		})
	}
}
