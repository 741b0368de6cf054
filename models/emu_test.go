//go:build emu

package models_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/nn/golden"
	"truegrain/tensor"
)

// TestEmulatorTrainsAsTheCPUDoes takes the loss and all gradients of one training step of each kind of model.
func TestEmulatorTrainsAsTheCPUDoes(t *testing.T) {
	for name, size := range map[string]int{"resnet_mini": 32, "fcn8s_mini": 33, "vit_mini_8": 64} {
		t.Run(name, func(t *testing.T) {
			wantLoss, want := trainingStep(t, open(t, "cpu"), name, size)
			gotLoss, got := trainingStep(t, open(t, "emu:5"), name, size)
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
