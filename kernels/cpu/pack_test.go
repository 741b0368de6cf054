package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPack compares both packers with the layout by definition, into scratch that held NaN: the padding must
// be zeros, since whatever a kernel multiplies there, a denormal say, costs time.
func TestPack(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		rng := rand.New(rand.NewPCG(6, 6))
		for _, s := range []struct{ k, n int }{{1, 1}, {3, 5}, {4, 16}, {9, 17}, {30, 64}, {33, 65},
			{700, 130}} {
			ld := max(s.k, s.n) + 1
			src := randomFloats(rng, max(s.k, s.n)*ld)
			rows, columns := nans(b.packedLen(s.k, s.n)), nans(b.packedLen(s.k, s.n))
			half, p := s.k/2, b.packer()
			p.rows(rows, s.k, 0, src, ld, half, s.n)
			p.rows(rows, s.k, half, src[half*ld:], ld, s.k-half, s.n)
			p.execute()
			b.packColumns(columns, src, ld, s.k, s.n)
			wantRows, wantColumns := make([]float32, len(rows)), make([]float32, len(rows))
			for j := range s.n {
				for k := range s.k {
					at := (j/l.width*s.k+k)*l.width + j%l.width
					wantRows[at], wantColumns[at] = src[k*ld+j], src[j*ld+k]
				}
			}
			require.Equal(t, wantRows, rows, "rows of %dx%d", s.k, s.n)
			require.Equal(t, wantColumns, columns, "columns of %dx%d", s.k, s.n)
		}
	})
}

func nans(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = nan
	}
	return x
}
