//go:build cuda

package energy

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/require"
)

// standIn is a library that answers as NVML does, with a counter that goes up by a joule with every reading.
const standIn = `
#include <string.h>
int nvmlInit_v2(void) { return 0; }
int nvmlInit(void) { return 0; }
int nvmlInitWithFlags(unsigned f) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { if (i > 1) return 6; *d = (void *)(size_t)(i + 1); return 0; }
int nvmlDeviceGetHandleByUUID(const char *u, void **d) { if (strcmp(u, "GPU-5f")) return 6; *d = (void *)2; return 0; }
int nvmlDeviceGetName(void *d, char *name, unsigned n) { strncpy(name, d == (void *)1 ? "Stand-in A" : "Stand-in B", n); return 0; }
int nvmlDeviceGetTotalEnergyConsumption(void *d, unsigned long long *mj) {
	static unsigned long long used = 123456;
	if (d != (void *)1) return 3;
	*mj = used += 1000;
	return 0;
}
const char *nvmlErrorString(int r) { return r == 6 ? "not found" : "other"; }
`

func TestNVML(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("needs a C compiler for the stand-in library")
	}
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
	dir := t.TempDir()
	require.NoError(t, nvml.SetLibraryOptions(nvml.WithLibraryPath(filepath.Join(dir, "absent.so"))))
	m := Open("cuda:0", "Stand-in A, 1 GiB")
	require.Contains(t, m.Method(), "cuda:0 is not counted: NVML: no libnvidia-ml.so.1 is installed")

	src, lib := filepath.Join(dir, "nvml.c"), filepath.Join(dir, "libnvidia-ml.so.1")
	require.NoError(t, os.WriteFile(src, []byte(standIn), 0o644))
	out, err := exec.Command("cc", "-shared", "-fPIC", "-w", "-o", lib, src).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, nvml.SetLibraryOptions(nvml.WithLibraryPath(lib)))
	defer nvml.Shutdown()
	c, err := openNVML("cuda:0", "Stand-in A, 1 GiB")
	require.NoError(t, err)
	a, err := c.millijoules()
	require.NoError(t, err)
	b, err := c.millijoules()
	require.NoError(t, err)
	require.Equal(t, uint64(1000), b-a)
	require.Contains(t, Open("cuda:0", "Stand-in A, 1 GiB").Method(),
		"the NVML counter of cuda:0 (Stand-in A)")
	require.Contains(t, Open("cuda:1", "Stand-in B").Method(), "the device has no energy counter")
	_, err = openNVML("cuda:1", "Stand-in A")
	require.ErrorContains(t, err, `NVML calls device 1 "Stand-in B", CUDA "Stand-in A"`)
	_, err = openNVML("cuda:7", "Stand-in A")
	require.ErrorContains(t, err, "not found")
	t.Setenv("CUDA_VISIBLE_DEVICES", "GPU-5f,0")
	_, err = openNVML("cuda:1", "Stand-in A")
	require.NoError(t, err)
	_, err = openNVML("cuda:0", "Stand-in B")
	require.NoError(t, err)
}
