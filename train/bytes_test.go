package train_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
	"truegrain/models"
	"truegrain/tensor"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/optim"
)

// shown is noise as bytes, or as the values that those have.
type shown struct {
	noise
	bytes bool
}

func (s shown) Epoch(ctx context.Context, epoch, first int) iter.Seq2[*data.Batch, error] {
	scale := kernels.Normalize{Mean: [3]float32{0.5, 0.4, 0.3}, Std: [3]float32{0.2, 0.3, 0.4}}
	table := scale.Table()
	return func(yield func(*data.Batch, error) bool) {
		for b, err := range s.noise.Epoch(ctx, epoch, first) {
			x := kernels.Floats[float32](b.X.Buf)
			bytes := make([]uint8, len(x))
			for i, v := range x {
				bytes[i] = uint8(min(max(128+64*v, 0), 255))
				x[i] = table[i%3][bytes[i]]
			}
			if s.bytes {
				b.X, b.Mean, b.Std = tensor.FromSlice(bytes, b.X.Shape()...), scale.Mean, scale.Std
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

// TestDeviceNormalisesPictures: bytes that the device makes values of give the weights that their values
// give, op by op and replayed.
func TestDeviceNormalisesPictures(t *testing.T) {
	be := kerneltest.Accelerator(t)
	half, ok := be.(kernels.Mixed).Mixed()
	require.True(t, ok)
	for name, be := range map[string]kernels.Backend{"float32": be, "mixed": half} {
		t.Run(name, func(t *testing.T) {
			run := func(bytes bool) uint64 {
				m, err := models.New(be, "resnet_mini", models.Config{Classes: 1, Seed: 3})
				require.NoError(t, err)
				opt, err := optim.New("sgd", m.Params(), optim.Options{})
				require.NoError(t, err)
				l := &train.Loop{Backend: be, Model: m, Train: shown{noise{5, 2, 8, 0, 1}, bytes},
					Optimizer: opt, Schedule: optim.Cosine(0.1, 0, 3), Epochs: 1, Seed: 9}
				_, err = l.Run(t.Context())
				require.NoError(t, err)
				return fingerprint(be, m.Params())
			}
			require.Equal(t, run(false), run(true))
		})
	}
}
