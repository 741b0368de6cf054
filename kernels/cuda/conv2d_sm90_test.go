//go:build cuda || emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// TestCornersOfPatches holds them to what follows from the driver's documentation: -padding, and padding less the
// window's reach, where whole steps fill the padded picture; and in any case to as many positions as there are outputs.
func TestCornersOfPatches(t *testing.T) {
	for _, c := range []struct {
		size, k, stride, pad, dil int32
		lower, upper              int
	}{
		{56, 3, 1, 1, 1, -1, -1},
		{56, 3, 2, 1, 1, -1, -1},
		{224, 7, 2, 3, 1, -3, -3},
		{56, 1, 2, 0, 1, 0, 0},
		{28, 3, 1, 2, 2, -2, -2},
		{9, 3, 1, 0, 1, 0, -2},
		{57, 3, 2, 1, 1, -1, 0}, // the last step ends outside
	} {
		out := (c.size+2*c.pad-c.dil*(c.k-1)-1)/c.stride + 1
		s := convShape{Batch: 1, H: c.size, W: c.size, C: 64, OH: out, OW: out, KH: c.k, KW: c.k, SH: c.stride,
			SW: c.stride, PH: c.pad, PW: c.pad, DH: c.dil, DW: c.dil}
		m, fits := s.patchesOfX(kernels.Buf{}, 128)
		require.True(t, fits)
		require.Equal(t, [2]int{c.lower, c.lower}, m.lower, c)
		require.Equal(t, [2]int{c.upper, c.upper}, m.upper, c)
		require.EqualValues(t, out, (int(c.size)+m.upper[0]-m.lower[0])/int(c.stride), c)
	}
}
