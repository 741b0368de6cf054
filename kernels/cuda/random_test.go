//go:build cuda || emu

package cuda

import (
	"os"
	"testing"

	"truegrain/kernels/kerneltest"
)

// Shapes that are drawn, in float32 and in mixed precision; with TRUEGRAIN_SLOW=1 many more.
func TestRandomShapes(t *testing.T) {
	n := 25
	if os.Getenv("TRUEGRAIN_SLOW") != "" {
		n = 1000
	}
	everywhere(t, func(t *testing.T, d *Device) { kerneltest.RunRandom(t, d, 1, n) }, "check,1", "ptx,2")
	everywhere(t, func(t *testing.T, d *Device) { kerneltest.RunRandomMixed(t, d, 1, 2*n) }, "check,3", "check,portable,4",
		"ptx,5", "ptx,portable,6")
}
