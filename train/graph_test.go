package train_test

import (
	"encoding/binary"
	"hash/fnv"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/kernels/kerneltest"
	"truegrain/models"
	"truegrain/train"
	"truegrain/train/optim"
)

// opByOp is a device that can't record.
type opByOp struct{ kernels.Backend }

// counted is a device that counts the replays of its recordings, and the batches that it was sent ahead.
type counted struct {
	kernels.Backend
	replays, ahead *int
}

func (c counted) Record(f func(kernels.Backend)) (kernels.Recording, error) {
	r, err := c.Backend.(kernels.Recorder).Record(f)
	return playing{r, c}, err
}

type playing struct {
	kernels.Recording
	counted
}

func (p playing) Replay(host ...kernels.Buf) error {
	*p.replays++
	return p.Recording.Replay(host...)
}

func (p playing) Prepare(host ...kernels.Buf) error {
	*p.ahead++
	return p.Recording.Prepare(host...)
}

// dropping is a model that sees a tenth less of its pictures in training.
type dropping struct{ models.Model }

func (d dropping) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return d.Model.Forward(t, t.Dropout(x, 0.1))
}

// twoEpochs trains a small model and gives a fingerprint of its weights.
func twoEpochs(t *testing.T, be kernels.Backend, arch string, loss train.Loss) uint64 {
	classes := 1
	if arch == "vit_mini_8" {
		classes = 2
	}
	size := map[string]int{"vit_mini_8": 64}[arch]
	if size == 0 {
		size = 16
	}
	m, err := models.New(be, arch, models.Config{Classes: classes, Seed: 3})
	require.NoError(t, err)
	opt, err := optim.New("adamw", m.Params(), optim.Options{WeightDecay: 0.01})
	require.NoError(t, err)
	l := &train.Loop{Backend: be, Model: dropping{m}, Train: noise{5, 2, size, 0, 1},
		Val: noise{2, 2, size, 0, 1}, Optimizer: opt, Schedule: optim.Cosine(0.01, 0, 6), Loss: loss,
		Epochs: 2, Seed: 9, Clip: 1}
	_, err = l.Run(t.Context())
	require.NoError(t, err)
	return fingerprint(be, m.Params())
}

func fingerprint(be kernels.Backend, params []*autograd.Param) uint64 {
	h := fnv.New64a()
	for _, p := range params {
		binary.Write(h, binary.LittleEndian, p.Value.Float32s(be)) //nolint:errcheck // a hash takes all
	}
	return h.Sum64()
}

// TestDeviceReplaysTrainingSteps: a run whose steps are recorded and replayed ends with the bytes of one that
// goes op by op, with dropout, a changing rate, and a last batch of another size.
func TestDeviceReplaysTrainingSteps(t *testing.T) {
	be := kerneltest.Accelerator(t)
	for name, c := range map[string]struct {
		arch  string
		loss  train.Loss
		mixed bool
	}{
		"resnet":              {"resnet_mini", train.Loss{}, false},
		"segmenter, smooth":   {"fcn8s_mini", train.Loss{Smoothing: 0.1}, true},
		"transformer, smooth": {"vit_mini_8", train.Loss{Smoothing: 0.1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			be := be
			if c.mixed {
				be, _ = be.(kernels.Mixed).Mixed()
			}
			var n, ahead int
			want := twoEpochs(t, opByOp{be}, c.arch, c.loss)
			require.Equal(t, want, twoEpochs(t, counted{be, &n, &ahead}, c.arch, c.loss))
			require.Equal(t, 3, n, "of six batches the first one goes op by op, and two are too small")
			require.Equal(t, 1, ahead, "one replay follows another")
		})
	}
}
