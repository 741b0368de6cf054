package models_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels/ref"
	"truegrain/models"
)

// Numbers of torchvision 0.29's interpolate_embeddings (PyTorch 2.15) on embeddings v[t,k] = (7t + 5k + t²)
// mod 11 − 5 of a grid of so many patches.
func TestPositionsAreInterpolatedAsInTorchvision(t *testing.T) {
	for _, c := range []struct {
		from, to, d int
		want        []float32
	}{
		{3, 5, 1, []float32{-5, 3, 2.40625, 2, 2.40625, 3, -1.9375, -0.606445, 0.53125, 0.24707, -0.5, -5, -2.125, 0,
			-1.53125, -4, -0.75, 1.43457, 2.3125, -0.884766, -4.65625, 5, 5.84375, 5, 0.5, -4}},
		{4, 2, 2, []float32{-5, 0, 3, -3, -5, 0, 2, -4, 0, 5}},
		{1, 2, 2, []float32{-5, 0, 3, -3, 3, -3, 3, -3, 3, -3}},
		{3, 1, 2, []float32{-5, 0, 3, -3}},
		{4, 6, 2, []float32{-5, 0, 3, -3, 2.28, -3.72, 2.272, -3.992, 3.567998, -3.487999, 0.003997, -1.727999, -5, 0,
			1.596, 2.328, -1.468464, 0.118896, -1.060159, -1.853024, 4.292321, -2.025536}},
	} {
		p, err := autograd.NewParam(ref.Open32(), "encoder.pos_embedding", autograd.Plain, 1, c.to*c.to+1, c.d)
		require.NoError(t, err)
		f := models.Positions(p, []int{1, c.from*c.from + 1, c.d})
		require.NotNil(t, f)
		v := make([]float32, (c.from*c.from+1)*c.d)
		for i := range v {
			row, k := i/c.d, i%c.d
			v[i] = float32((row*7+k*5+row*row)%11 - 5)
		}
		got := f(v)
		require.Len(t, got, (c.to*c.to+1)*c.d)
		require.InDeltaSlice(t, c.want, got[:len(c.want)], 1e-5, "%d to %d", c.from, c.to)
	}
}

func TestPositionsOfOtherThingsAreNone(t *testing.T) {
	p, err := autograd.NewParam(ref.Open32(), "encoder.pos_embedding", autograd.Plain, 1, 17, 8)
	require.NoError(t, err)
	for _, shape := range [][]int{{1, 18, 8}, {1, 26, 4}, {2, 26, 8}, {26, 8}, {1, 1, 8}, {1, 0, 8}} {
		require.Nil(t, models.Positions(p, shape), "%v", shape)
	}
	require.NotNil(t, models.Positions(p, []int{1, 26, 8}))
	p.Name = "encoder.ln.weight"
	require.Nil(t, models.Positions(p, []int{1, 26, 8}))
}

func TestModelsOfAnotherSize(t *testing.T) {
	for _, name := range []string{"vit_mini_8", "vit_b_16", "resnet_mini"} {
		own := build0(t, name, models.Config{}).InputSize()
		defer func() { require.Equal(t, own, build0(t, name, models.Config{}).InputSize()) }()
		m := build0(t, name, models.Config{Size: 96})
		require.Equal(t, 96, m.InputSize())
		_, y, _ := rehearse(m, 2, 96, 96)
		require.Equal(t, 2, y.Dim(0))
	}
	for _, c := range []struct {
		name string
		size int
		want string
	}{{"vit_l_16", 200, "multiple of 16"}, {"vit_b_16", 1 << 20, "16 to 2048"}, {"vit_b_16", 8, "16 to 2048"},
		{"resnet18", -1, "size -1"}} {
		_, err := models.New(newPaper(), c.name, models.Config{Size: c.size, Empty: true})
		require.ErrorContains(t, err, c.want)
	}
}
