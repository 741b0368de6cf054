package kerneltest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// Accelerator opens the device that a test beyond conformance runs on, and closes it with the test: the one
// that TRUEGRAIN_DEVICE names, which must be there; where it is unset a GPU, or the emulator in an order of
// threads of its own. Without any, as in a build without the tags cuda and emu, the test is skipped.
func Accelerator(t testing.TB) kernels.Backend {
	t.Helper()
	be, err := kernels.Open(AcceleratorSpec(t))
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() }) //nolint:errcheck // the test has seen what it computed
	return be
}

// AcceleratorSpec is the spec of that device.
func AcceleratorSpec(t testing.TB) string {
	t.Helper()
	if spec := os.Getenv("TRUEGRAIN_DEVICE"); spec != "" {
		return spec
	}
	for _, spec := range []string{"cuda:0", "emu:5"} {
		if be, err := kernels.Open(spec); err == nil {
			be.Close() //nolint:errcheck // nothing was computed
			return spec
		}
	}
	t.Skip("needs a GPU and a build with -tags cuda, or the emulator: 'make emu', and -tags emu")
	return ""
}
