package models_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
	"truegrain/models"
	"truegrain/nn/golden"
	"truegrain/tensor"
)

// TestDeviceTrainsAsTheCPUDoes takes the loss and all gradients of one training step of each kind of model.
func TestDeviceTrainsAsTheCPUDoes(t *testing.T) {
	be := kerneltest.Accelerator(t)
	for name, size := range map[string]int{"resnet_mini": 32, "fcn8s_mini": 33, "vit_mini_8": 64} {
		t.Run(name, func(t *testing.T) {
			wantLoss, want := trainingStep(t, open(t, "cpu"), name, size)
			gotLoss, got := trainingStep(t, be, name, size)
			require.InDelta(t, wantLoss, gotLoss, 1e-5)
			require.Len(t, got, len(want))
			for p, g := range want {
				var d, n float64
				for i := range g {
					d += math.Pow(float64(got[p][i]-g[i]), 2)
					n += math.Pow(float64(g[i]), 2)
				}
				require.LessOrEqual(t, math.Sqrt(d), 1e-3*math.Sqrt(n)+1e-6, "gradient of %s", p)
			}
		})
	}
}

// trainingStep is the loss and the gradients of one training step on a picture of noise.
func trainingStep(t *testing.T, be kernels.Backend, name string, size int) (float64, map[string][]float32) {
	m, err := models.New(be, name, models.Config{Classes: 2, Seed: 1, NoDropout: true})
	require.NoError(t, err)
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain())
	defer tape.Reset()
	x := make([]float32, 2*size*size*3)
	p := kernels.NewPhilox(9)
	for i := range x {
		x[i] = 2*p.Uniform(0, 0, uint64(i)) - 1
	}
	y := m.Forward(tape, tape.Upload(tensor.FromSlice(x, 2, size, size, 3)))
	loss := tape.MSE(tape.Sigmoid(y), tape.Upload(tensor.FromSlice(make([]float32, y.Len()), y.Shape()...)))
	require.NoError(t, tape.Backward(loss))
	v, err := loss.Scalar()
	require.NoError(t, err)
	grads := map[string][]float32{}
	for _, p := range m.Params() {
		if g := p.Grad(); !g.IsZero() {
			grads[p.Name] = golden.TorchOrder(p, g.Float32s(be))
		}
	}
	return v, grads
}

// smallCases are models that an emulator runs in seconds.
var smallCases = steadyCases[4:]

// TestFrozenOnAGraph: the first run of a frozen model goes op by op, later ones are replays of a recording.
// They give the same bytes, whatever pictures came between.
func TestFrozenOnAGraph(t *testing.T) {
	be := kerneltest.Accelerator(t)
	_, ok := be.(kernels.Recorder)
	require.True(t, ok)
	for _, c := range smallCases {
		for _, how := range []kernels.Packing{kernels.Exact, kernels.BFloat16} {
			t.Run(c.name+" "+how.String(), func(t *testing.T) {
				x := pictures(2, c.size, c.size)
				other := tensor.FromSlice(make([]float32, x.Len()), x.Shape()...)
				f, err := models.Freeze(withStatistics(t, be, c.name), 2, c.size, c.size, models.WithPacking(how))
				require.NoError(t, err)
				defer f.Close()
				var seen []uint64
				for _, in := range []tensor.Tensor{x, other, x, other, x} {
					y, err := f.Run(t.Context(), in)
					require.NoError(t, err)
					seen = append(seen, digest(t, be, y.Buf))
				}
				require.NotEqual(t, seen[0], seen[1])
				require.Equal(t, []uint64{seen[0], seen[1], seen[0], seen[1], seen[0]}, seen)
				y := tensor.FromSlice(make([]float32, f.OutputShape().Len()), f.OutputShape()...)
				h, err := f.Hold(other)
				require.NoError(t, err)
				for range 2 {
					require.NoError(t, h.Run())
				}
				require.NoError(t, h.Result(y))
				h.Release()
				require.Equal(t, seen[1], digest(t, be, y.Buf), "pictures that stay on the device")
			})
		}
	}
}

// TestFrozenOnGraphsTakesBytes between replays, and before them.
func TestFrozenOnGraphsTakesBytes(t *testing.T) { bytesAreValues(t, kerneltest.Accelerator(t)) }

// TestFrozenOnGraphsHoldsHalves: values between ops, which are most of what a run needs, take half the memory.
func TestFrozenOnGraphsHoldsHalves(t *testing.T) {
	be := kerneltest.Accelerator(t)
	held := map[kernels.Packing]float64{}
	for _, how := range []kernels.Packing{kernels.Exact, kernels.BFloat16} {
		f, err := models.Freeze(withStatistics(t, be, "resnet_mini"), 2, 32, 32, models.WithPacking(how))
		require.NoError(t, err)
		held[how] = float64(f.Bytes())
		f.Close()
	}
	require.InDelta(t, 0.5, held[kernels.BFloat16]/held[kernels.Exact], 0.1, "%v", held)
}

// TestFrozenOnGraphsServesManyGoroutines records and replays on one device at once.
func TestFrozenOnGraphsServesManyGoroutines(t *testing.T) {
	be := kerneltest.Accelerator(t)
	f, err := models.Freeze(withStatistics(t, be, "resnet_mini"), 1, 16, 16)
	require.NoError(t, err)
	defer f.Close()
	var all sync.WaitGroup
	for i := range 3 {
		x := tensor.FromSlice(golden.Array("x", uint64(i), 16*16*3, -1, 1), 1, 16, 16, 3)
		want, err := f.Run(t.Context(), x)
		require.NoError(t, err)
		all.Go(func() {
			for range 3 {
				y, err := f.Run(context.Background(), x)
				if err != nil || digest(t, be, y.Buf) != digest(t, be, want.Buf) {
					t.Errorf("goroutine %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
}

// TestTwoTrainingRunsAreTheSame to the last bit, in float32 and in mixed precision.
func TestTwoTrainingRunsAreTheSame(t *testing.T) {
	be := kerneltest.Accelerator(t)
	half, ok := be.(kernels.Mixed).Mixed()
	require.True(t, ok)
	for name, be := range map[string]kernels.Backend{"float32": be, "mixed": half} {
		cases := smallCases
		if strings.HasPrefix(be.Name(), "cuda") {
			cases = steadyCases
		}
		for _, c := range cases {
			t.Run(name+" "+c.name, func(t *testing.T) {
				run := func() (all []uint64) {
					m := withStatistics(t, be, c.name)
					for range 2 {
						all = append(all, step(t, be, m, c.size))
					}
					return all
				}
				first := run()
				require.NotEqual(t, first[0], first[1])
				require.Equal(t, first, run())
			})
		}
	}
}

// TestGoldenTrainMixed trains with products of bfloat16 operands and weights in float32, by the rules for
// bfloat16.
func TestGoldenTrainMixed(t *testing.T) {
	everywhere(t, "train_*", func(t *testing.T, be kernels.Backend, c *golden.Case) {
		half, ok := be.(kernels.Mixed)
		if !ok {
			t.Skipf("needs a backend that trains in mixed precision: %s does not", be.Name())
		}
		work, ok := half.Mixed()
		if !ok {
			t.Skipf("needs a backend that trains in mixed precision: %s does not", be.Name())
		}
		m := build(t, work, c)
		losses, grads := trainGolden(t, work, c, m)
		c.RequireMixed(t, losses, grads)
	})
}
