package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Imported and pulled weights are found by the recipes that start from them.
func TestRecipesFindTheStore(t *testing.T) {
	dir, good, places := tiny(t), savedMini(t, "resnet_mini"), t.TempDir()
	t.Setenv("TRUEGRAIN_STORE", filepath.Join(places, "store"))
	t.Setenv("TORCH_HOME", t.TempDir())
	train := func(out string) (int, string) {
		code, _, errs := call(t, "train", dir, "-m", "resnet_mini",
			"--set", "model.weights="+filepath.Base(good), "--size", "32", "--epochs", "1",
			"-o", filepath.Join(places, out))
		return code, errs
	}
	code, errs := train("none")
	require.Equal(t, exitFailed, code)
	for _, want := range []string{"weights import", "weights pull", "--from-scratch", filepath.Join("store",
		filepath.Base(good))} {
		require.Contains(t, errs, want)
	}
	code, out, errs := call(t, "weights", "import", good)
	require.Zero(t, code, errs)
	require.Equal(t, filepath.Join(places, "store", filepath.Base(good)), strings.TrimSpace(out))
	code, errs = train("imported")
	require.Zero(t, code, errs)
	require.Contains(t, errs, "fresh: fc.weight, fc.bias")

	srv := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(good))))
	defer srv.Close()
	t.Setenv("TRUEGRAIN_STORE", filepath.Join(places, "other"))
	url := srv.URL + "/" + filepath.Base(good)
	code, _, errs = call(t, "weights", "pull", url)
	require.Zero(t, code, errs)
	code, _, errs = call(t, "weights", "pull", url)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "there already")
	code, errs = train("pulled")
	require.Zero(t, code, errs)

	code, _, errs = call(t, "weights", "pull", url, "--sha256", fmt.Sprintf("%064x", 7))
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "another one")
	code, _, _ = call(t, "weights", "import", good, good, "--sha256", "00")
	require.Equal(t, exitUsage, code)
}
