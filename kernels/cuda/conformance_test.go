//go:build cuda || emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
)

// opened is a device that is closed with the test.
func opened(t *testing.T, open func(string) (kernels.Backend, error), spec string) *Device {
	be, err := open(spec)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, be.Close()) })
	return be.(*Device)
}

// everywhere runs f on the GPU, or on emulators: checked ones, and fast ones with an order of threads and copies
// each.
func everywhere(t *testing.T, f func(t *testing.T, d *Device), emulators ...string) {
	for _, spec := range specs(emulators...) {
		t.Run(spec, func(t *testing.T) { f(t, testDevice(t, spec)) })
	}
}

func TestConformance(t *testing.T) {
	everywhere(t, func(t *testing.T, d *Device) { kerneltest.Run(t, d) }, "check,1", "1", "2", "3", "ptx,1")
}

func TestConformanceInBFloat16(t *testing.T) {
	everywhere(t, func(t *testing.T, d *Device) {
		kerneltest.RunBFloat16(t, d, "adaptiveavgpool2d", "add", "avgpool2d", "batchnorm", "bce", "bcelogits", "bias",
			"crossentropy", "dropout", "gelu", "layernorm", "maxpool2d", "mse", "mul", "pad", "relu", "resize", "scale",
			"sigmoid", "slice", "softmax", "sum")
	}, "check,1", "2", "ptx,1")
}

func TestConformanceInMixedPrecision(t *testing.T) {
	everywhere(t, func(t *testing.T, d *Device) { kerneltest.RunMixed(t, d) }, "check,1", "2", "portable,3", "ptx,1", "ptx,portable")
}

func TestNaNComesOut(t *testing.T) {
	everywhere(t, func(t *testing.T, d *Device) { kerneltest.RunNaN(t, d) }, "1")
}
