package detect_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/nn/card"
	"truegrain/tensor/picture"
)

// failing is a device that is lost after some uploads or convolutions.
type failing struct {
	kernels.Backend
	left *atomic.Int32
}

func (f failing) count() {
	if f.left.Add(-1) < 0 {
		panic(&kernels.DeviceError{Op: "launch", Code: "CUDA_ERROR_ILLEGAL_ADDRESS", Err: kernels.ErrDeviceLost})
	}
}

func (f failing) WithContext(ctx context.Context) kernels.Backend {
	return failing{f.Backend.WithContext(ctx), f.left}
}

func (f failing) Upload(dst, host kernels.Buf) { f.count(); f.Backend.Upload(dst, host) }
func (f failing) Conv2D(o kernels.Conv2D)      { f.count(); f.Backend.Conv2D(o) }

// TestALostDeviceIsAnError wherever it is lost, and the detector works when it is there again.
func TestALostDeviceIsAnError(t *testing.T) {
	cpu, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cpu.Close()) })
	be := failing{cpu, new(atomic.Int32)}
	be.left.Store(1 << 30)
	m, err := models.New(be, "resnet_mini", models.Config{Classes: 1, Seed: 1})
	require.NoError(t, err)
	d := detect.New(be, "it", m, &card.Card{Arch: "resnet_mini", Classes: 1, Size: 32, View: "crop",
		Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}})
	p := &picture.Picture{W: 32, H: 32, Pix: make([]uint8, 3*32*32)}
	for _, view := range []detect.View{detect.Crop, detect.Full} {
		for left := range int32(4) {
			be.left.Store(left)
			_, err := d.Score(t.Context(), p, view)
			require.ErrorIs(t, err, kernels.ErrDeviceLost, "%s, after %d", view, left)
			be.left.Store(left)
			_, err = d.Analyze(t.Context(), p, detect.Options{View: view, Maps: true})
			require.ErrorIs(t, err, kernels.ErrDeviceLost, "%s with maps, after %d", view, left)
		}
		be.left.Store(1 << 30)
		_, err = d.Score(t.Context(), p, view)
		require.NoError(t, err)
	}
}
