//go:build cuda

package cuda

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"
)

// specs are the devices that a test runs on: the GPU that TRUEGRAIN_DEVICE names, or the first one. Where one of the
// emulators would be portable it runs there once more, without the kernels for sm_90a.
func specs(emulators ...string) []string {
	_, gpu, _ := strings.Cut(cmp.Or(os.Getenv("TRUEGRAIN_DEVICE"), "cuda:0"), ":")
	if slices.ContainsFunc(emulators, portable) && !portable(gpu) {
		return []string{gpu, gpu + ",portable"}
	}
	return []string{gpu}
}

func portable(spec string) bool { return strings.Contains(spec, "portable") }

// testDevice opens the GPU, whatever emulator the test would like.
func testDevice(t *testing.T, emulator string) *Device {
	gpu := specs(emulator)
	return opened(t, openCUDA, gpu[len(gpu)-1])
}
