package state_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
	"truegrain/nn/state"
)

type expectation struct{ File, Expect, Why string }

func manifest(t testing.TB) (dir string, all []expectation) {
	dir = kerneltest.Shared(t, "data", "weights")
	js, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(js, &all))
	require.NotEmpty(t, all)
	return dir, all
}

// Every file has the outcome that the manifest states, and reading it takes little memory beyond the file
// itself.
func TestManifest(t *testing.T) {
	dir, all := manifest(t)
	for _, e := range all {
		t.Run(e.File, func(t *testing.T) {
			path := filepath.Join(dir, e.File)
			info, err := os.Stat(path)
			require.NoError(t, err)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f, err := state.Open(path)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(info.Size())+16<<20, "%v", err)
			if err == nil {
				defer f.Close()
			}
			check(t, e, f, err)
		})
	}
}

func check(t *testing.T, e expectation, f *state.File, err error) {
	switch {
	case e.Expect == "ok":
		require.NoError(t, err)
		for _, name := range f.Names() {
			_, known := f.Info(name)
			require.True(t, known)
		}
	case strings.HasPrefix(e.Expect, "ok-or-"), strings.HasPrefix(e.Expect, "parse or refuse"),
		strings.Contains(e.Expect, " or "):
		if strings.HasPrefix(e.File, "pickle") && err == nil {
			require.NotEmpty(t, f.Names())
		}
	case strings.HasPrefix(e.File, "pickle"):
		require.Error(t, err)
	case strings.HasPrefix(e.File, "torch-zip"), e.Expect == "any error":
		require.Error(t, err)
		require.NotContains(t, err.Error(), "\n")
	default:
		var bad *state.FormatError
		require.True(t, errors.As(err, &bad), "got %v, want %s", err, e.Expect)
		require.Equal(t, e.Expect, bad.Kind, "%v", err)
	}
}

// The calibration files of real detectors load with the values that the manifest states.
func TestRealTorchFiles(t *testing.T) {
	dir, all := manifest(t)
	n := 0
	for _, e := range all {
		if !strings.HasPrefix(e.File, "torch-zip/real/") {
			continue
		}
		n++
		f, err := state.Open(filepath.Join(dir, e.File))
		require.NoError(t, err, e.File)
		require.Len(t, f.Names(), 1)
		v, err := f.Float64s(f.Names()[0])
		require.NoError(t, err)
		var want []float64
		text := strings.NewReplacer("(", "[", ")", "]").Replace(e.Why[strings.Index(e.Why, "("):])
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		require.Equal(t, want, v, e.File)
		require.NoError(t, f.Close())
	}
	require.Positive(t, n)
}
