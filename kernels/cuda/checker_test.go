//go:build emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

func TestCheckerNamesWhatItFinds(t *testing.T) {
	d := testDevice(t, "check")
	x := alloc(t, d, kernels.F32, 1, 2, 3)
	fresh := d.scratch(kernels.F32, 3)
	for want, op := range map[string]kernels.Add{
		"outside this launch's operands":      {N: 4, A: x, B: x, Y: x},
		"global memory read before any write": {N: 3, A: fresh, B: x, Y: x},
	} {
		d.Add(op)
		err := d.Wait()
		var dev *kernels.DeviceError
		require.ErrorAs(t, err, &dev)
		require.Contains(t, dev.Log, want)
		require.Contains(t, dev.Log, "add.cu", "the line of the source")
	}
	d.Free(fresh)
}
