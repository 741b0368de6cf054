package train_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/optim"
)

func TestConfusionByHand(t *testing.T) {
	c := train.Confusion{TP: 8, FN: 2, FP: 1, TN: 9}
	require.Equal(t, 20, c.N())
	require.InDelta(t, 0.85, c.Accuracy(), 1e-12)
	require.InDelta(t, 8.0/9, c.Precision(), 1e-12)
	require.InDelta(t, 0.8, c.Recall(), 1e-12)
	require.InDelta(t, 16.0/19, c.F1(), 1e-12)
	lo, hi := c.Interval() // Wilson by hand: z = 1.96, p = .85, n = 20
	require.InDelta(t, 0.6396, lo, 1e-3)
	require.InDelta(t, 0.9476, hi, 1e-3)
	require.Zero(t, train.Confusion{}.Accuracy())
}

func TestAUCWithTies(t *testing.T) {
	// Pairs (AI, photograph): .9>.4, .9>.6, .6>.4, .6=.6 counts half: 3.5 of 4.
	auc, err := train.AUC([]float64{0.9, 0.6, 0.4, 0.6}, []bool{true, true, false, false})
	require.NoError(t, err)
	require.InDelta(t, 3.5/4, auc, 1e-12)
	_, err = train.AUC([]float64{0.1}, []bool{true})
	require.ErrorIs(t, err, train.ErrOneClass)
}

func TestCalibrationErrorByHand(t *testing.T) {
	// Two bins: .9 said twice with one AI (off by .8/2 of each), .1 said twice with none.
	p, ai := []float64{0.9, 0.9, 0.1, 0.1}, []bool{true, false, false, false}
	require.InDelta(t, (0.8+0.2)/4, train.ECE(p, ai), 1e-12)
	require.InDelta(t, (0.01+0.81+0.01+0.01)/4, train.Brier(p, ai), 1e-12)
	require.Zero(t, train.ECE(nil, nil))
	require.Zero(t, train.ECE([]float64{1, 0}, []bool{true, false}))
}

func TestIoU(t *testing.T) {
	require.InDelta(t, 1.0/3, train.IoU([]float32{1, 1, 0, 0}, []float32{0, 1, 1, 0}), 1e-12)
	require.Equal(t, 1.0, train.IoU([]float32{0, 0}, []float32{0, 0}))
	require.Zero(t, train.IoU([]float32{1, 0}, []float32{0, 1}))
}

func TestSizeFloor(t *testing.T) {
	var apart, paired []train.Scored
	for i := range 40 {
		label := int32(i % 2)
		apart = append(apart, train.Scored{Label: label, W: 100 + int(label), H: 50})
		paired = append(paired, train.Scored{Label: label, W: 100 + i/2%5, H: 50})
	}
	require.Equal(t, 1.0, train.SizeFloor(apart))
	require.Equal(t, 0.5, train.SizeFloor(paired))
	require.Equal(t, 0.5, train.SizeFloor(apart[:1]))
}

func TestJudge(t *testing.T) {
	s := []train.Scored{{Generator: "a", Label: 0, Raw: 0.1, W: 1, H: 1}, {Generator: "a", Label: 1, Raw: 0.8, W: 1, H: 1},
		{Generator: "b", Label: 0, Raw: 0.7, W: 1, H: 1}}
	r, err := train.Judge(s, func(raw float64) float64 { return 1 - raw })
	require.NoError(t, err)
	require.Equal(t, train.Confusion{TP: 1, FN: 1, TN: 1}, r.Confusion)
	require.Equal(t, 1.0, r.By["a"].Accuracy)
	require.Zero(t, r.By["b"].Accuracy)
	var out bytes.Buffer
	require.NoError(t, r.Write(&out))
	require.Contains(t, out.String(), "accuracy     66.7 %")

	_, err = train.Judge(nil, nil)
	require.Error(t, err)
	_, err = train.Judge([]train.Scored{{File: "x.jpg", Raw: math.NaN()}}, nil)
	require.ErrorContains(t, err, "x.jpg")
}

// brightness is a model of two parameters that sees the mean of a picture.
type brightness struct{ w, b *autograd.Param }

func newBrightness(t *testing.T) *brightness {
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
	return t.Linear(mean, t.Param(m.w), t.Param(m.b), nil, kernels.NoActivation)
}
func (m *brightness) Probability(t *autograd.Tape, out *autograd.Var) *autograd.Var {
	return t.Reshape(t.Sigmoid(out), out.Dim(0))
}

// lamps are batches of bright photographs and dark AI pictures.
type lamps struct{ scale float32 }

func (l lamps) Batches() int { return 4 }
func (l lamps) Epoch(ctx context.Context, _ int) iter.Seq2[*data.Batch, error] {
	return func(yield func(*data.Batch, error) bool) {
		for i := range 4 {
			x := make([]float32, 2*2*2*3)
			for k := range x {
				x[k] = l.scale * (0.5 + 0.1*float32(i))
				if k < len(x)/2 {
					x[k] = -x[k]
				}
			}
			if ctx.Err() != nil || !yield(&data.Batch{X: tensor.FromSlice(x, 2, 2, 2, 3), Label: []int32{0, 1}}, nil) {
				return
			}
		}
	}
}

func loop(t *testing.T, m *brightness, saved *[]train.Epoch) *train.Loop {
	opt, err := optim.New("sgd", m.Params(), optim.Options{})
	require.NoError(t, err)
	return &train.Loop{Backend: ref.Open32(), Model: m, Train: lamps{1}, Val: lamps{0.5}, Optimizer: opt, Schedule: optim.Constant(1),
		Epochs: 5, Save: func(e train.Epoch) error { *saved = append(*saved, e); return nil }}
}

func TestLoopLearnsAndKeepsTheBest(t *testing.T) {
	var saved []train.Epoch
	steps := 0
	l := loop(t, newBrightness(t), &saved)
	l.Progress = func(p train.Progress) {
		if p.Done == nil {
			steps++
		}
	}
	history, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Len(t, history, 5)
	require.Equal(t, 20, steps)
	require.Less(t, history[4].ValLoss, history[0].ValLoss)
	require.Equal(t, 1.0, history[4].Accuracy)
	require.Len(t, saved, 5, "the validation loss fell in every epoch")
}

func TestLoopStopsWhenCancelled(t *testing.T) {
	var saved []train.Epoch
	l := loop(t, newBrightness(t), &saved)
	ctx, cancel := context.WithCancel(t.Context())
	l.Progress = func(p train.Progress) {
		if p.Step == 2 {
			cancel()
		}
	}
	_, err := l.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, saved, 1, "an interruption before the first epoch's end leaves a checkpoint")
}

func TestLoopNoticesDivergence(t *testing.T) {
	var saved []train.Epoch
	l := loop(t, newBrightness(t), &saved)
	l.Train = lamps{float32(math.Inf(1))}
	_, err := l.Run(t.Context())
	require.ErrorIs(t, err, train.ErrDiverged)
	require.Empty(t, saved)
}

func TestLoopPassesOnWhatSaveSays(t *testing.T) {
	var saved []train.Epoch
	full := errors.New("the disk is full")
	l := loop(t, newBrightness(t), &saved)
	l.Save = func(train.Epoch) error { return full }
	_, err := l.Run(t.Context())
	require.ErrorIs(t, err, full)
}
