//go:build cuda || emu

package cuda

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestModulesLoad compiles every module for the device and finds every kernel in it. With -test.v it prints how long
// that took and what the driver's compiler said: registers, and whether anything was spilled.
func TestModulesLoad(t *testing.T) {
	d := testDevice(t, "")
	var modules []string
	for _, k := range table {
		if !slices.Contains(modules, k.module) {
			modules = append(modules, k.module)
		}
	}
	for _, m := range modules {
		t.Run(m, func(t *testing.T) {
			if strings.HasSuffix(m, "_sm90") && !d.hopper() {
				t.Skip("needs the emulator, or a GPU of compute capability 9.0 and a driver of CUDA 12.3 or later")
			}
			start, n := time.Now(), 0
			for _, k := range table {
				if k.module != m {
					continue
				}
				_, err := d.function(k)
				require.NoError(t, err)
				n++
			}
			t.Logf("%d kernels in %d ms", n, time.Since(start).Milliseconds())
			if drv, ok := d.drv.(interface{ Said(module string) string }); ok {
				t.Log(drv.Said(m))
			}
		})
	}
}
