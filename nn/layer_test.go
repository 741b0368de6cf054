package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/nn"
	"truegrain/tensor"
)

func TestLayersShapesPathsAndMarks(t *testing.T) {
	for _, tc := range []struct {
		name  string
		build func(b *nn.Builder) nn.Layer
		x     []int
		want  tensor.Shape
		ops   []string
	}{
		{"strided convolution", func(b *nn.Builder) nn.Layer {
			return nn.NewConv2D(b, 6, 8, nn.Conv{Kernel: 3, Stride: 2, Padding: 2, Dilation: 2, Groups: 2})
		}, []int{2, 9, 7, 6}, tensor.Shape{2, 5, 4, 8}, []string{"conv2d"}},
		{"transposed convolution", func(b *nn.Builder) nn.Layer {
			return nn.NewConvTranspose2D(b, 1, 1, nn.Conv{Kernel: 16, Stride: 8, Padding: 4, NoBias: true})
		}, []int{1, 3, 2, 1}, tensor.Shape{1, 24, 16, 1}, []string{"convtranspose2d"}},
		{"linear on tokens", func(b *nn.Builder) nn.Layer { return nn.NewLinear(b, 4, 6) },
			[]int{2, 5, 4}, tensor.Shape{2, 5, 6}, []string{"linear"}},
		{"batch norm", func(b *nn.Builder) nn.Layer { return nn.NewBatchNorm2D(b, 4).WithReLU() },
			[]int{2, 3, 3, 4}, tensor.Shape{2, 3, 3, 4}, []string{"batchnorm"}},
		{"layer norm", func(b *nn.Builder) nn.Layer { return nn.NewLayerNorm(b, 4, 1e-6) },
			[]int{2, 5, 4}, tensor.Shape{2, 5, 4}, []string{"layernorm"}},
		{"attention", func(b *nn.Builder) nn.Layer { return nn.NewMultiHeadAttention(b, 8, 2) },
			[]int{2, 5, 8}, tensor.Shape{2, 5, 8}, []string{"linear", "reshape", "attention", "linear"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			be := open(t)
			b := nn.NewBuilder(be, 1)
			layer := tc.build(b.In("a").In("b"))
			tape := autograd.NewTape(be, autograd.WithPool(autograd.NewDryPool()), autograd.WithTaps("b"))
			y := layer.Forward(tape, tape.Alloc(tc.x...))

			require.Equal(t, tc.want, y.Shape())
			require.Same(t, y, tape.Tapped("b"))
			var ops []string
			for _, n := range tape.Nodes() {
				ops = append(ops, n.Name)
				require.Equal(t, "b", n.Path[:1])
			}
			require.Equal(t, tc.ops, ops)
			require.Empty(t, tape.Path(), "every layer that was entered is left")
		})
	}
}

func TestAttentionMapCanBeTapped(t *testing.T) {
	be := open(t)
	layer := nn.NewMultiHeadAttention(nn.NewBuilder(be, 1).In("self_attention"), 8, 2)
	const tap = "self_attention.attention"
	tape := autograd.NewTape(be, autograd.WithPool(autograd.NewDryPool()), autograd.WithTaps(tap))
	layer.Forward(tape, tape.Alloc(3, 5, 8))
	require.Equal(t, tensor.Shape{3, 2, 5, 5}, tape.Tapped(tap).Shape())
}

func TestHeadsMustDivideTheWidth(t *testing.T) {
	var arg *kernels.ArgError
	err := tensor.Catch(func() { nn.NewMultiHeadAttention(nn.NewBuilder(open(t), 1), 8, 3) })
	require.ErrorAs(t, err, &arg)
}

func TestSumsOnlyInTraining(t *testing.T) {
	be := open(t)
	conv := nn.NewConv2D(nn.NewBuilder(be, 1), 3, 4, nn.Conv{Kernel: 1, NoBias: true, BatchNorm: true})
	for _, train := range []bool{false, true} {
		opts := []autograd.Option{autograd.WithPool(autograd.NewDryPool())}
		if train {
			opts = append(opts, autograd.WithTrain())
		}
		tape := autograd.NewTape(be, opts...)
		conv.Forward(tape, tape.Alloc(1, 2, 2, 3))
		require.Equal(t, train, !tape.Nodes()[0].Op.(kernels.Conv2D).Sums.IsZero())
	}
}

func TestSequentialLetsGoOfWhatLiesBetween(t *testing.T) {
	be := open(t)
	b := nn.NewBuilder(be, 1)
	pool := autograd.NewDryPool()
	tape := autograd.NewTape(be, autograd.WithPool(pool))
	s := nn.Sequential{nn.NewLinear(b.In("0"), 16, 1024), nn.NewLinear(b.In("1"), 1024, 1024),
		nn.NewLinear(b.In("2"), 1024, 16)}
	s.Forward(tape, tape.Alloc(1, 16))
	require.Equal(t, int64(64+64), pool.Live())
	require.Equal(t, int64(64+2*4096), pool.Peak())
}

func open(t *testing.T) kernels.Backend {
	t.Helper()
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() })
	return be
}
