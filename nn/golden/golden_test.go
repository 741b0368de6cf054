package golden_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/nn/golden"
)

func TestUniform(t *testing.T) {
	for _, tc := range []struct {
		name string
		seed uint64
		want []float64 // in units of 2^−24, from the generating script
	}{
		{"conv1.weight", 1, []float64{100035, 12445152, 11858133, 9334849}},
		{"a.b", 7, []float64{12631155, 610050}},
	} {
		got := golden.Uniform(tc.name, tc.seed, len(tc.want))
		for i := range got {
			require.Equal(t, tc.want[i], got[i]*(1<<24), "%s[%d]", tc.name, i)
		}
	}
}

func TestPictureIsBlocksAndNoise(t *testing.T) {
	x := golden.Picture("p", 3, 2, 3, 17, 33)
	coarse := golden.Array("p.coarse", 3, 2*3*2*3, -1, 1)
	noise := golden.Array("p", 3, len(x), -1, 1)
	at := ((1*3+2)*17+16)*33 + 32 // the last pixel of the last plane: a block of its own
	require.InDelta(t, 0.75*coarse[len(coarse)-1]+0.25*noise[at], x[at], 1e-7)
	require.InDelta(t, 0.75*coarse[0]+0.25*noise[33+1], x[33+1], 1e-7)
}

func TestFillRules(t *testing.T) {
	for _, tc := range []struct {
		name   string
		shape  []int
		lo, hi float64
	}{
		{"conv1.weight", []int{64, 3, 7, 7}, -math.Sqrt(3.0 / 147), math.Sqrt(3.0 / 147)},
		{"layer1.0.bn3.weight", []int{4096}, 0.18, 0.22},
		{"layer1.0.bn1.weight", []int{4096}, 0.9, 1.1},
		{"fc.bias", []int{4096}, -0.1, 0.1},
		{"bn1.running_var", []int{4096}, 1, 1.5},
		{"bn1.running_mean", []int{4096}, -0.1, 0.1},
		{"class_token", []int{1, 1, 4096}, -0.1, 0.1},
	} {
		v := golden.Fill(tc.name, 5, tc.shape...)
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, x := range v {
			lo, hi = min(lo, float64(x)), max(hi, float64(x))
		}
		slack := (tc.hi - tc.lo) / 100
		require.InDelta(t, tc.lo, lo, slack, tc.name)
		require.InDelta(t, tc.hi, hi, slack, tc.name)
	}
}

func TestLayoutsAreInverse(t *testing.T) {
	x := golden.Array("x", 1, 2*3*4*5, -1, 1)
	y := golden.FromNCHW(x, 2, 3, 4, 5)
	require.Equal(t, x[((1*3+2)*4+3)*5+1], y[((1*4+3)*5+1)*3+2])
	require.Equal(t, x, golden.ToNCHW(y, 2, 4, 5, 3))
}

func TestGoldenFilesHaveErrorsForEveryTensor(t *testing.T) {
	for _, c := range golden.Cases(t, "*") {
		require.Contains(t, []string{"ops", "forward", "train", "explain"}, c.Kind, c.File)
		for _, name := range c.Names("float32_error.") {
			limit := c.Limit(t, name)
			require.True(t, limit >= 1e-6 && limit < 1, "%s: limit of %s is %v", c.File, name, limit)
		}
	}
}

func TestRelative(t *testing.T) {
	require.InDelta(t, 0.1, golden.Relative([]float32{3.3, 4.4}, []float64{3, 4}), 1e-6)
	require.Equal(t, 5.0, golden.Relative([]float64{3, 4}, []float64{0, 0}))
	require.True(t, math.IsNaN(golden.Relative([]float64{math.NaN()}, []float64{1})))
}
