package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// anyBits is n float32 of random bits, NaN with any payload among them.
func anyBits(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = math.Float32frombits(rng.Uint32())
	}
	return x
}

// requireSameBits fails unless two results are the same, bit for bit.
func requireSameBits(t *testing.T, want, got []float32, message string, args ...any) {
	t.Helper()
	for i, w := range want {
		if math.Float32bits(w) != math.Float32bits(got[i]) {
			require.Failf(t, "differs", "element %d is %v, want %v: "+message,
				append([]any{i, got[i], w}, args...)...)
		}
	}
}

// compareTranspose turns 4n columns of rows that lie apart, in assembly and in Go.
func compareTranspose(t *testing.T, l *level, n, apart int, seed uint64) {
	t.Helper()
	src := anyBits(rand.New(rand.NewPCG(seed, 3)), l.lanes*(4*n+apart))
	run := func(k func(dst, src *float32, dstStride, srcStride, n int)) []float32 {
		dst := guarded(4*n*(l.lanes+apart) + 1)
		k(&dst[1], &src[0], 4*(l.lanes+apart), 4*(4*n+apart), n)
		return dst
	}
	requireSameBits(t, run(transposeGo(l.lanes)), run(l.transpose), "transpose of 4·%d, %d apart", n, apart)
}

func TestTransposeAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for n := 1; n < 9; n++ {
			compareTranspose(t, l, n, n%4, uint64(n))
		}
	})
}

func FuzzTranspose(f *testing.F) {
	f.Add(uint8(3), uint8(1), uint64(1))
	f.Fuzz(func(t *testing.T, n, apart uint8, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				compareTranspose(t, l, 1+int(n)%100, int(apart)%40, seed)
			}
		}
	})
}

// compareGather copies rows that lie apart, filled up to whole vectors, in assembly and in Go.
func compareGather(t *testing.T, l *level, rows, cols, apart int, seed uint64) {
	t.Helper()
	whole := roundUp(cols, l.lanes)
	src := anyBits(rand.New(rand.NewPCG(seed, 3)), (rows-1)*(cols+apart)+cols)
	run := func(k func(dst, src *float32, rows, cols, dstStride, srcStride int)) []float32 {
		dst := guarded(rows*(whole+apart) + 1)
		k(&dst[1], &src[0], rows, cols, 4*(whole+apart), 4*(cols+apart))
		return dst
	}
	want := run(gatherGo(l.lanes))
	requireSameBits(t, want, run(l.gather), "%d rows of %d, %d apart", rows, cols, apart)
	requireSameBits(t, src[:cols], want[1:], "the first of %d rows of %d", rows, cols)
}

func TestGatherAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for cols := 1; cols < 4*maxWidth; cols++ {
			compareGather(t, l, 1+cols%4, cols, cols%3, uint64(cols))
		}
	})
}

func FuzzGather(f *testing.F) {
	f.Add(uint8(3), uint16(70), uint8(2), uint64(1))
	f.Fuzz(func(t *testing.T, rows uint8, cols uint16, apart uint8, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				compareGather(t, l, 1+int(rows)%20, 1+int(cols)%1000, int(apart)%40, seed)
			}
		}
	})
}
