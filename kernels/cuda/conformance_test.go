//go:build emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
)

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
	emulated(t, func(t *testing.T, d *Device) { kerneltest.Run(t, d) })
}
