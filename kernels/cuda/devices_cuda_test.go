//go:build cuda

package cuda

import (
	"cmp"
	"os"
	"strings"
	"testing"
)

// specs are the devices that a test runs on: the GPU that TRUEGRAIN_DEVICE names, or the first one.
func specs(...string) []string {
	_, number, _ := strings.Cut(cmp.Or(os.Getenv("TRUEGRAIN_DEVICE"), "cuda:0"), ":")
	return []string{number}
}

// testDevice opens the GPU, whatever emulator the test would like.
func testDevice(t *testing.T, _ string) *Device { return opened(t, openCUDA, specs()[0]) }
