package nn_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/nn"
	"truegrain/tensor"
)

func values(init nn.Init, shape ...int) []float64 {
	v := make([]float32, tensor.Shape(shape).Len())
	init(nn.NewStream(1, "w"), v, shape)
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// Moments of n draws scatter by about 1/√n; the tolerance is five times that.
func TestInitialMomentsAndBounds(t *testing.T) {
	uniform := func(bound float64) (std, reach float64) { return bound / math.Sqrt(3), bound }
	normal := func(std float64) (float64, float64) { return std, 6 * std }
	for _, tc := range []struct {
		name  string
		init  nn.Init
		shape []int
		want  func(float64) (std, reach float64)
		scale float64
	}{
		{"kaiming uniform, convolution", nn.KaimingUniform, []int{64, 3, 3, 32}, uniform, 1 / math.Sqrt(288)},
		{"kaiming uniform, linear", nn.KaimingUniform, []int{100, 200}, uniform, 1 / math.Sqrt(200)},
		{"kaiming normal", nn.KaimingNormalFanOut, []int{64, 3, 3, 32}, normal, math.Sqrt(2.0 / 576)},
		{"xavier uniform", nn.XavierUniform, []int{300, 100}, uniform, math.Sqrt(6.0 / 400)},
		{"truncated normal", nn.LecunTruncNormal, []int{64, 16, 16, 3}, normal, math.Sqrt(1.0 / 768)},
		{"normal", nn.Normal(0.02), []int{197, 256}, normal, 0.02},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := values(tc.init, tc.shape...)
			std, reach := tc.want(tc.scale)
			slack := 5 / math.Sqrt(float64(len(v)))
			mean, got := stat.MeanStdDev(v, nil)
			require.InDelta(t, 0, mean/std, slack)
			require.InDelta(t, 1, got/std, slack)
			most := 0.0
			for _, x := range v {
				most = max(most, math.Abs(x))
			}
			require.LessOrEqual(t, most, reach)
			require.Greater(t, most, 0.6*reach, "the tails are there")
		})
	}
}

func TestTruncNormalStaysInside(t *testing.T) {
	v := values(nn.TruncNormal(2), 20000)
	_, std := stat.MeanStdDev(v, nil)
	require.InDelta(t, 2*0.5396, std, 0.03, "a normal cut at one standard deviation")
	for _, x := range v {
		require.LessOrEqual(t, math.Abs(x), 2.0)
	}
}

func TestBilinearInterpolates(t *testing.T) {
	v := values(nn.Bilinear, 2, 4, 4, 2)
	at := func(c, p, q, o int) float64 { return v[((c*4+p)*4+q)*2+o] }
	require.Equal(t, 0.75*0.75, at(0, 1, 1, 0))
	require.Equal(t, 0.25*0.75, at(1, 0, 2, 1))
	require.Zero(t, at(0, 1, 1, 1), "no channel leaks into another")
	for phase := range 2 { // each output pixel is a weighted mean: taps two apart sum to 1
		sum := at(0, phase, 0, 0) + at(0, phase, 2, 0) + at(0, phase+2, 0, 0) + at(0, phase+2, 2, 0)
		require.InDelta(t, 1, sum, 1e-7)
	}
}

func TestStreamDependsOnSeedAndNameOnly(t *testing.T) {
	draw := func(seed uint64, name string) [5]float64 {
		s := nn.NewStream(seed, name)
		return [5]float64{s.Uniform(), s.Uniform(), s.Uniform(), s.Uniform(), s.Normal()}
	}
	require.Equal(t, draw(1, "a"), draw(1, "a"))
	require.NotEqual(t, draw(1, "a"), draw(2, "a"))
	require.NotEqual(t, draw(1, "a"), draw(1, "b"))
}

func TestBuilder(t *testing.T) {
	be := open(t)
	b := nn.NewBuilder(be, 1)
	one := nn.NewLinear(b.In("a").In("0"), 3, 2)
	bn := nn.NewBatchNorm2D(b.In("bn"), 2)
	require.NoError(t, b.Err())
	var names []string
	for _, p := range b.Params() {
		names = append(names, p.Name)
	}
	require.Equal(t, []string{"a.0.weight", "a.0.bias", "bn.weight", "bn.bias", "bn.running_mean",
		"bn.running_var"}, names)
	require.True(t, bn.RunningMean.Buffer)
	require.False(t, one.Weight.Buffer)
	require.Equal(t, []float32{1, 1}, bn.RunningVar.Value.Float32s(be))

	var arg *kernels.ArgError
	require.ErrorAs(t, tensor.Catch(func() { nn.NewLinear(b.In("a").In("0"), 3, 2) }), &arg)
	require.ErrorContains(t, arg, "a.0.weight")

	again := nn.NewLinear(nn.NewBuilder(be, 1).In("a").In("0"), 3, 2)
	require.Equal(t, one.Weight.Value.Float32s(be), again.Weight.Value.Float32s(be), "same seed and name")
	other := nn.NewLinear(nn.NewBuilder(be, 2).In("a").In("0"), 3, 2)
	require.NotEqual(t, one.Weight.Value.Float32s(be), other.Weight.Value.Float32s(be))
}
