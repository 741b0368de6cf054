//go:build emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
)

// emulated runs f on emulators: checked ones, and fast ones with an order of threads and copies each.
func emulated(t *testing.T, f func(t *testing.T, d *Device), specs ...string) {
	for _, spec := range specs {
		t.Run(spec, func(t *testing.T) {
			be, err := openEmu(spec)
			require.NoError(t, err)
			d := be.(*Device)
			f(t, d)
			require.NoError(t, d.Close())
		})
	}
}

func TestConformance(t *testing.T) {
	emulated(t, func(t *testing.T, d *Device) { kerneltest.Run(t, d) }, "check,1", "1", "2", "3")
}

func TestConformanceInBFloat16(t *testing.T) {
	emulated(t, func(t *testing.T, d *Device) {
		kerneltest.RunBFloat16(t, d, "adaptiveavgpool2d", "add", "avgpool2d", "batchnorm", "bce", "bcelogits", "bias",
			"crossentropy", "dropout", "gelu", "layernorm", "maxpool2d", "mse", "mul", "pad", "relu", "resize", "scale",
			"sigmoid", "slice", "softmax", "sum")
	}, "check,1", "2")
}
