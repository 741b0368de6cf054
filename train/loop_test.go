package train_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/nn/state"
	"truegrain/tensor"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/optim"
)

// brightness is a model of two parameters that sees the mean of a picture.
type brightness struct{ w, b *autograd.Param }

func newBrightness(t testing.TB) *brightness {
	be := ref.Open32()
	w, err := autograd.NewParam(be, "w", autograd.Plain, 1, 3)
	require.NoError(t, err)
	b, err := autograd.NewParam(be, "b", autograd.Plain, 1)
	require.NoError(t, err)
	return &brightness{w, b}
}

func (m *brightness) Params() []*autograd.Param { return []*autograd.Param{m.w, m.b} }
func (m *brightness) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	mean := t.Reshape(t.AdaptiveAvgPool2D(x, 1, 1), x.Dim(0), 3)
	defer t.Enter("fc")()
	return t.Linear(mean, t.Param(m.w), t.Param(m.b), nil, kernels.NoActivation)
}
func (m *brightness) Probability(t *autograd.Tape, out *autograd.Var) *autograd.Var {
	return t.Reshape(t.Sigmoid(out), out.Dim(0))
}

// lamps are four batches of bright photographs and dark AI pictures; some may be unread.
type lamps struct {
	scale  float32
	unread map[int]bool
}

func (l lamps) Batches() int  { return 4 }
func (l lamps) Pictures() int { return 8 }
func (l lamps) Epoch(ctx context.Context, _, first int) iter.Seq2[*data.Batch, error] {
	return func(yield func(*data.Batch, error) bool) {
		for i := first; i < 4; i++ {
			x := make([]float32, 2*2*2*3)
			for k := range x {
				x[k] = l.scale * (0.5 + 0.1*float32(i))
				if k < len(x)/2 {
					x[k] = -x[k]
				}
			}
			b := &data.Batch{X: tensor.FromSlice(x, 2, 2, 2, 3), Label: []int32{0, 1}}
			if l.unread[i] {
				name := fmt.Sprintf("%d.jpg", i)
				b = &data.Batch{Unread: []data.Unread{{Path: name, Reason: name + ": cut short"}}}
			}
			if ctx.Err() != nil || !yield(b, nil) {
				return
			}
		}
	}
}

func loop(t testing.TB, m *brightness) *train.Loop {
	opt, err := optim.New("sgd", m.Params(), optim.Options{})
	require.NoError(t, err)
	return &train.Loop{Backend: ref.Open32(), Model: m, Train: lamps{scale: 1}, Val: lamps{scale: 0.5},
		Optimizer: opt, Schedule: optim.Constant(1), Epochs: 5}
}

// kept gives a loop checkpoints in a new folder.
func kept(t testing.TB, l *train.Loop) *train.Loop {
	l.Checkpoints = &train.Checkpoints{Dir: t.TempDir(), Last: 2,
		Settings: map[string]string{"model": "brightness"}}
	require.NoError(t, l.Checkpoints.Open())
	return l
}

func TestLoopLearnsAndKeepsTheBest(t *testing.T) {
	l := kept(t, loop(t, newBrightness(t)))
	steps := 0
	l.Watch = func(p train.Progress) error {
		if p.Done == nil {
			steps++
			require.True(t, p.Updated)
			require.Positive(t, p.GradNorm)
		}
		return nil
	}
	history, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Len(t, history, 5)
	require.Equal(t, 20, steps)
	require.Less(t, history[4].ValLoss, history[0].ValLoss)
	require.Equal(t, 1.0, history[4].Accuracy)
	require.Equal(t, 5, l.State.BestEpoch, "the validation loss fell in every epoch")
	require.NotEmpty(t, l.State.Done)
	require.FileExists(t, l.Checkpoints.Best())
	found, err := filepath.Glob(filepath.Join(l.Checkpoints.Dir, "checkpoints", "*"))
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, "000000020.safetensors", filepath.Base(found[1]))
}

func TestInterruptedLoopFinishesTheBatchAndSaves(t *testing.T) {
	l := kept(t, loop(t, newBrightness(t)))
	ctx, cancel := context.WithCancel(t.Context())
	l.Watch = func(p train.Progress) error {
		if p.Batch == 2 {
			cancel()
		}
		return nil
	}
	_, err := l.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.FileExists(t, l.Checkpoints.Best(),
		"an interruption before the first epoch's end leaves weights that can be used")
	latest, err := l.Checkpoints.Latest()
	require.NoError(t, err)
	again := kept(t, loop(t, newBrightness(t)))
	require.NoError(t, again.Resume(latest))
	require.Equal(t, 3, again.State.Seen,
		"the batch that was under way when the interruption came is finished")
}

func TestBudgetEndsARunThatCanGoOn(t *testing.T) {
	l := kept(t, loop(t, newBrightness(t)))
	l.Budget = time.Nanosecond
	_, err := l.Run(t.Context())
	require.ErrorIs(t, err, train.ErrBudget)
	require.Equal(t, 1, l.State.Seen)
	l.Budget = 0
	history, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Len(t, history, 5)
}

func TestDivergenceNamesTheLayerAndKeepsTheLastCheckpoint(t *testing.T) {
	l := kept(t, loop(t, newBrightness(t)))
	l.Epochs = 1
	_, err := l.Run(t.Context())
	require.NoError(t, err)
	latest, err := l.Checkpoints.Latest()
	require.NoError(t, err)
	was, err := os.ReadFile(latest)
	require.NoError(t, err)

	l.Epochs, l.State.Done = 2, ""
	l.Backend.Fill(l.Model.Params()[0].Value.Buf, math.Inf(1))
	_, err = l.Run(t.Context())
	require.ErrorIs(t, err, train.ErrDiverged)
	require.ErrorContains(t, err, "fc (linear)")
	is, err := os.ReadFile(latest)
	require.NoError(t, err)
	require.Equal(t, was, is)
	last, err := l.Checkpoints.Latest()
	require.NoError(t, err)
	require.Equal(t, latest, last)
}

// An update that leaves no number behind is not written, though no loss has shown it yet.
func TestBrokenWeightsAreNotSaved(t *testing.T) {
	l := kept(t, loop(t, newBrightness(t)))
	l.Checkpoints.Batches = 1
	l.Schedule = func(step int) float64 {
		if step == 2 {
			return math.Inf(1)
		}
		return 1
	}
	_, err := l.Run(t.Context())
	require.ErrorIs(t, err, train.ErrDiverged)
	latest, err := l.Checkpoints.Latest()
	require.NoError(t, err)
	f, err := state.Open(latest)
	require.NoError(t, err)
	defer f.Close()
	v, err := f.Float32s("w")
	require.NoError(t, err)
	for _, x := range v {
		require.False(t, math.IsNaN(float64(x)) || math.IsInf(float64(x), 0))
	}
}

func TestPatienceAndEnoughEndARun(t *testing.T) {
	l := loop(t, newBrightness(t))
	l.Val = lamps{scale: -1} // it gets worse from the first epoch on
	l.Patience, l.Epochs = 3, 100
	history, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Len(t, history, 4)
	require.Contains(t, l.State.Done, "3 epochs")

	l = loop(t, newBrightness(t))
	l.Enough, l.Epochs = 0.2, 1000
	history, err = l.Run(t.Context())
	require.NoError(t, err)
	require.Less(t, history[len(history)-1].TrainLoss, 0.2)
	require.Less(t, len(history), 1000)
}

func TestWhatWatchSaysEndsTheRun(t *testing.T) {
	full := fmt.Errorf("the disk is full")
	l := loop(t, newBrightness(t))
	l.Watch = func(train.Progress) error { return full }
	_, err := l.Run(t.Context())
	require.ErrorIs(t, err, full)
}

func TestUnreadPicturesAreCountedAndTooManyEndTheRun(t *testing.T) {
	l := loop(t, newBrightness(t))
	l.Train, l.Unreadable = lamps{scale: 1, unread: map[int]bool{1: true}}, 0.1
	_, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"1.jpg": "1.jpg: cut short"}, l.State.Unread)

	l = loop(t, newBrightness(t))
	l.Train, l.Unreadable = lamps{scale: 1, unread: map[int]bool{1: true, 2: true}}, 0.1
	_, err = l.Run(t.Context())
	require.ErrorIs(t, err, train.ErrUnreadable)
	require.ErrorContains(t, err, "2.jpg: cut short")
}

// Two batches in one update are one batch of both.
func TestAccumulationIsALargerBatch(t *testing.T) {
	a := newBrightness(t)
	l := loop(t, a)
	l.Accumulate, l.Epochs = 4, 3
	_, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, l.State.Updates)

	b := newBrightness(t) // by hand: the mean over eight pictures
	opt, err := optim.New("sgd", b.Params(), optim.Options{})
	require.NoError(t, err)
	for range 3 {
		tape := autograd.NewTape(b.w.Backend(), autograd.WithGrad())
		var x []float32
		var labels []float32
		for batch := range (lamps{scale: 1}).Epoch(t.Context(), 0, 0) {
			x = append(x, batch.X.Float32s(b.w.Backend())...)
			labels = append(labels, 0, 1)
		}
		b.w.ZeroGrad()
		b.b.ZeroGrad()
		out := b.Forward(tape, tape.Upload(tensor.FromSlice(x, 8, 2, 2, 3)))
		require.NoError(t, tape.Backward(tape.BCELogits(out, tape.Upload(tensor.FromSlice(labels, 8, 1)))))
		opt.Step(1)
	}
	require.InDeltaSlice(t, b.w.Value.Float32s(b.w.Backend()), a.w.Value.Float32s(a.w.Backend()), 1e-6)
}

func TestClippingBoundsTheUpdate(t *testing.T) {
	m := newBrightness(t)
	l := loop(t, m)
	l.Clip, l.Epochs, l.Train = 1e-3, 1, lamps{scale: 100}
	norms := []float64{}
	before := m.w.Value.Float32s(l.Backend)
	l.Watch = func(p train.Progress) error {
		now := m.w.Value.Float32s(l.Backend)
		var moved float64
		for i := range now {
			moved += math.Pow(float64(now[i]-before[i]), 2)
		}
		if p.Done == nil {
			norms = append(norms, p.GradNorm)
			require.LessOrEqual(t, math.Sqrt(moved), 1e-3*(1+1e-5))
		}
		before = now
		return nil
	}
	_, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Greater(t, norms[0], 1.0, "it is reported as it was before clipping")
}

// With averaged weights, those are validated and kept, and training goes on with its own.
func TestAveragedWeightsAreValidatedAndKept(t *testing.T) {
	m := newBrightness(t)
	l := kept(t, loop(t, m))
	ema, err := optim.NewEMA(m.Params(), 0.99)
	require.NoError(t, err)
	l.EMA = ema
	_, err = l.Run(t.Context())
	require.NoError(t, err)
	f, err := state.Open(l.Checkpoints.Best())
	require.NoError(t, err)
	defer f.Close()
	best, err := f.Float32s("w")
	require.NoError(t, err)
	require.Equal(t, ema.Params()[0].Value.Float32s(l.Backend), best)
	require.NotEqual(t, m.w.Value.Float32s(l.Backend), best)
}

// failing is a device that is lost in an optimiser's step.
type failing struct{ kernels.Backend }

func (failing) SGD(kernels.SGD) {
	panic(&kernels.DeviceError{Op: "sgd", Code: "CUDA_ERROR_LAUNCH_FAILED", Err: kernels.ErrDeviceLost})
}

func TestALostDeviceEndsTheRun(t *testing.T) {
	be := failing{ref.Open32()}
	p, err := autograd.NewParam(be, "w", autograd.Plain, 1, 3)
	require.NoError(t, err)
	b, err := autograd.NewParam(be, "b", autograd.Plain, 1)
	require.NoError(t, err)
	l := loop(t, &brightness{p, b})
	_, err = l.Run(t.Context())
	require.ErrorIs(t, err, kernels.ErrDeviceLost)
}
