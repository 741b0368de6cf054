package train_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/models"
	"truegrain/train"
	"truegrain/train/optim"
)

// losses trains a mini for two epochs as one of several workers and gives the loss of every batch and every
// validation.
func losses(t *testing.T, i, batch int, r train.Reducer, accumulate int) (out []float64) {
	c := minis[i]
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	defer be.Close()
	m, err := models.New(be, c.arch, models.Config{Classes: c.classes, Seed: 3})
	require.NoError(t, err)
	opt, err := optim.New("sgd", m.Params(), optim.Options{})
	require.NoError(t, err)
	rank, world := 0, 1
	if r != nil {
		rank, world = r.Rank(), r.World()
	}
	l := &train.Loop{Backend: be, Model: m, Train: noise{20, batch, c.size, rank, world},
		Val: noise{8, batch, c.size, rank, world}, Optimizer: opt, Schedule: optim.Constant(0.01), Epochs: 2,
		Seed: 9, Reducer: r, Accumulate: accumulate}
	l.Watch = func(p train.Progress) error {
		out = append(out, p.Loss)
		if p.Done != nil {
			out = append(out, p.Done.ValLoss, p.Done.Accuracy)
		}
		return nil
	}
	_, err = l.Run(t.Context())
	require.NoError(t, err)
	return out
}

// Two workers with batches of four compute what one computes with batches of eight: losses, batch norm,
// validation.
func TestTwoWorkersAreOneWithTwiceTheBatch(t *testing.T) {
	for i, c := range minis {
		t.Run(c.arch, func(t *testing.T) {
			want := losses(t, i, 8, nil, 1)
			got := make([][]float64, 2)
			var wg sync.WaitGroup
			for k, r := range train.Local(2) {
				wg.Go(func() { got[k] = losses(t, i, 4, r, 1) })
			}
			wg.Wait()
			require.Len(t, want, 2*(3+3))
			require.Equal(t, got[0], got[1])
			require.InDeltaSlice(t, want, got[0], 1e-6)
		})
	}
}

// The same when gradients gather over two batches before they travel.
func TestWorkersAccumulate(t *testing.T) {
	got := make([][]float64, 2)
	var wg sync.WaitGroup
	for k, r := range train.Local(2) {
		wg.Go(func() { got[k] = losses(t, 2, 4, r, 2) })
	}
	wg.Wait()
	require.InDeltaSlice(t, losses(t, 2, 8, nil, 2), got[0], 1e-6)
}

func TestLocalSumsInTheOrderOfRanks(t *testing.T) {
	for range 20 {
		values := [][]float64{{1, 1e16}, {2, 1}, {3, -1e16}}
		grads := [][]float32{{1, 2}, {10, 20}, {100, 200}}
		be := ref.Open32()
		var wg sync.WaitGroup
		for k, r := range train.Local(3) {
			wg.Go(func() {
				wait := r.Start("w", be, kernels.Of(grads[k]))
				require.NoError(t, r.Sum(values[k]))
				require.NoError(t, wait())
			})
		}
		wg.Wait()
		for k := range values {
			require.Equal(t, []float64{6, 0}, values[k], "1e16 + 1 is 1e16")
			require.Equal(t, []float32{111, 222}, grads[k])
		}
	}
}

func TestAWorkerThatFailsWakesTheOthers(t *testing.T) {
	r := train.Local(2)
	broken := errors.New("broken")
	time.AfterFunc(10*time.Millisecond, func() { r[1].Abort(broken) })
	require.ErrorIs(t, r[0].Sum([]float64{1}), broken)
	require.ErrorContains(t, r[0].Sum([]float64{1}), "worker 1")
}

// Values inside blocks that are computed twice give the same bits as values that are kept, from less memory.
// TestRehearsalsHoldHalvesInBFloat16: what is counted is what is kept, values of two bytes; a transformer's
// shortcuts and the norms' statistics stay float32.
func TestRehearsalsHoldHalvesInBFloat16(t *testing.T) {
	for name, share := range map[string]float64{"resnet50": 0.5, "vit_b_16": 0.6} {
		m, err := models.New(kernels.NewPaper(), name, models.Config{Classes: 1, Empty: true})
		require.NoError(t, err)
		be := m.Params()[0].Backend()
		opt, err := optim.New("sgd", m.Params(), optim.Options{})
		require.NoError(t, err)
		l := &train.Loop{Backend: be, Model: m, Optimizer: opt}
		whole, err := train.Rehearse(l, nil, 4, 224)
		require.NoError(t, err)
		l.Backend, _ = be.(kernels.Mixed).Mixed()
		half, err := train.Rehearse(l, nil, 4, 224)
		require.NoError(t, err)
		require.InDelta(t, share, float64(half.Values)/float64(whole.Values), 0.1, name)
		require.Equal(t, whole.Weights, half.Weights)
	}
}

func TestRecomputingChangesNothingButMemory(t *testing.T) {
	for i, c := range minis {
		t.Run(c.arch, func(t *testing.T) {
			kept, saving := t.TempDir(), t.TempDir()
			_, err := miniLoop(t, i, kept).Run(t.Context())
			require.NoError(t, err)
			l := miniLoop(t, i, saving)
			l.Recompute = true
			_, err = l.Run(t.Context())
			require.NoError(t, err)
			requireSame(t, ends(t, kept), ends(t, saving))

			whole, err := train.Rehearse(miniLoop(t, i, kept), nil, 4, c.size)
			require.NoError(t, err)
			less, err := train.Rehearse(l, nil, 4, c.size)
			require.NoError(t, err)
			require.Less(t, float64(less.Values), 0.8*float64(whole.Values))
			require.Equal(t, whole.FLOPs, less.FLOPs)
		})
	}
}
