package cpu

import (
	"testing"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
)

func TestConformance(t *testing.T) {
	for _, level := range []string{"generic", "avx2", "avx512"} {
		t.Run(level, func(t *testing.T) {
			be, err := kernels.Open("cpu:" + level)
			if err != nil {
				t.Skip(err)
			}
			defer be.Close()
			kerneltest.Run(t, be)
		})
	}
}

// BenchmarkOps checks and times every op of the contract at the best level of this processor.
func BenchmarkOps(b *testing.B) {
	be, err := kernels.Open("cpu")
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	kerneltest.Bench(b, be)
}
