package workload_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/bench/workload"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/models"
	"truegrain/nn/state"
)

func open(t *testing.T, s workload.Spec) *workload.Workload {
	t.Helper()
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	w, err := workload.Open(be, s)
	require.NoError(t, err)
	t.Cleanup(func() {
		w.Close()
		require.NoError(t, be.Close())
	})
	require.NoError(t, w.Run())
	require.NoError(t, w.Finite())
	return w
}

// TestFrozenAndTapeAgree with drawn weights, and none of the logits is trivial.
func TestFrozenAndTapeAgree(t *testing.T) {
	for _, model := range []string{"resnet_mini", "fcn8s_mini", "vit_mini"} {
		want := open(t, workload.Spec{Model: model, Batch: 2, Impl: workload.Tape})
		got := open(t, workload.Spec{Model: model, Batch: 2, Impl: "fast"})
		require.Greater(t, want.FLOPs(), int64(1e6))
		require.InDelta(t, want.FLOPs(), got.FLOPs(), 0.1*float64(want.FLOPs()))
		sum := 0.0
		for i, v := range want.Y {
			require.InDelta(t, v, got.Y[i], 1e-4*(1+float64(max(v, -v))))
			sum += float64(v * v)
		}
		require.Positive(t, sum)
	}
}

func TestTrainingMovesTheLoss(t *testing.T) {
	w := open(t, workload.Spec{Model: "vit_mini", Batch: 2, Impl: workload.Tape, Train: true})
	require.Equal(t, 2, w.Labels())
	first := w.Y[0]
	for range 5 {
		require.NoError(t, w.Run())
	}
	require.Less(t, w.Y[0], first)
}

// TestWeightsComeFromAFile: a model with the weights of a file computes the same frozen and on a tape.
func TestWeightsComeFromAFile(t *testing.T) {
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	defer be.Close()
	m, err := models.New(be, "resnet_mini", models.Config{Classes: 1000, Seed: 3})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	require.NoError(t, state.Save(path, m.Params(), nil, state.SaveOptions{}))
	a := open(t, workload.Spec{Model: "resnet_mini", Batch: 1, Impl: workload.Tape, Weights: path})
	b := open(t, workload.Spec{Model: "resnet_mini", Batch: 1, Impl: "exact", Weights: path})
	require.InDeltaSlice(t, a.Y, b.Y, 1e-5)
	c := open(t, workload.Spec{Model: "resnet_mini", Batch: 1, Impl: workload.Tape})
	require.NotEqual(t, a.Y, c.Y, "not those of the file")
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	for says, s := range map[string]workload.Spec{
		"no model":          {Model: "lenet", Batch: 1, Impl: "fast"},
		"want 1 to 1024":    {Model: "resnet_mini", Impl: "fast"},
		"run on a tape":     {Model: "resnet_mini", Batch: 1, Impl: "fast", Train: true},
		"no implementation": {Model: "resnet_mini", Batch: 1, Impl: "slow"},
		"no such file or direct": {Model: "resnet_mini", Batch: 1, Impl: "fast",
			Weights: "nowhere.safetensors"},
	} {
		_, err := workload.Open(nil, s)
		require.ErrorContains(t, err, says)
	}
}
