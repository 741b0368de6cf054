//go:build emu

package cuda

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
)

// missing are the stems that this package does not have yet. The list only shrinks: a stem of it that is
// there fails the test below.
var missing = []string{"adam", "adaptiveavgpool2d", "avgpool2d", "batchnorm", "bce", "bcelogits",
	"concat", "crossentropy", "dropout", "gelu", "layernorm",
	"maxpool2d", "mse", "optimisers", "pad", "resize", "sigmoid", "slice"}

// emulated is the specs that everything must hold on: checked, and fast with three orders of threads and
// copies.
func emulated(t *testing.T, f func(t *testing.T, d *Device)) {
	for _, spec := range []string{"check,1", "1", "2", "3"} {
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
	emulated(t, func(t *testing.T, d *Device) { kerneltest.Run(t, d, missing...) })
}

func TestMissingIsMissing(t *testing.T) {
	be, err := openEmu("")
	require.NoError(t, err)
	for _, c := range kerneltest.Cases() {
		if slices.Contains(missing, c.Op.Stem()) {
			no := &kernels.UnsupportedError{Backend: "emu", Op: reflect.TypeOf(c.Op).Name()}
			require.PanicsWithError(t, no.Error(), func() { c.Op.Run(be) }, "%s is there: take it from the list",
				c.Op.Stem())
		}
	}
}
