package all_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// layers is the architecture: what each part of the tree may import of the others. The longest name that fits
// counts.
var layers = map[string][]string{
	"kernels":            {},
	"kernels/ref":        {"kernels"},
	"kernels/cpu":        {"kernels"},
	"kernels/cuda":       {"kernels"},
	"kernels/all":        {"kernels/ref", "kernels/cpu", "kernels/cuda"},
	"kernels/kerneltest": {"kernels", "kernels/ref"},
	"tensor":             {"kernels"},
	"tensor/picture":     {"tensor"},
	"autograd":           {"kernels", "tensor"},
	"autograd/gradcheck": {"kernels", "kernels/ref", "tensor", "autograd"},
	"nn":                 {"kernels", "tensor", "autograd"},
	"nn/state":           {"kernels", "tensor", "autograd", "nn"},
	"nn/card":            {},
	"nn/golden":          {"kernels", "kernels/kerneltest", "tensor", "autograd", "nn", "nn/state"},
	"models":             {"kernels", "tensor", "tensor/picture", "autograd", "nn", "models"},
	"train":              {"kernels", "tensor", "tensor/picture", "autograd", "nn", "train"},
	"cmd":                {"kernels", "tensor", "autograd", "nn", "models", "train", "cmd"},
	"bench":              {"kernels", "kernels/ref", "tensor", "autograd", "nn", "models", "train"},
}

// folders is the top level, fixed.
var folders = []string{".ci", "autograd", "bench", "cmd", "kernels", "models", "nn", "tensor", "train"}

// ignored are folders that a run makes and git does not track.
var ignored = []string{".git", "bin", "report", "runs", "data", "maps"}

func TestImportsPointOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == "_gen" || e.Name() == ".git" || e.Name() == "testdata" ||
			e.Name() == ".venv") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, path)
		require.NoError(t, err)
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, imp := range f.Imports {
			to, ours := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), "truegrain/")
			if ours {
				require.True(t, allowed(filepath.ToSlash(filepath.Dir(rel)), to), "%s imports truegrain/%s",
					rel, to)
			}
		}
		return nil
	}))
	require.Greater(t, files, 200)
}

// allowed says whether a package may import another: those of its layer's list and what lies below them, and
// its own folder's neighbours within one layer.
func allowed(from, to string) bool {
	layer := layerOf(from)
	if layerOf(to) == layer {
		return layer != "kernels" // a leaf has no neighbours
	}
	for _, l := range layers[layer] {
		if to == l || layerOf(to) == l || strings.HasPrefix(layerOf(to), l+"/") &&
			!strings.HasPrefix(l, "kernels") {
			return true
		}
	}
	return (from == "cmd/truegrain" || from == "bench") && to == "kernels/all"
}

// layerOf is the longest entry of the table that a package lies in.
func layerOf(pkg string) string {
	for p := pkg; p != "."; p = filepath.ToSlash(filepath.Dir(p)) {
		if _, ok := layers[p]; ok {
			return p
		}
	}
	return pkg
}

func TestTheTableRefuses(t *testing.T) {
	for _, bad := range [][2]string{{"train", "models"}, {"models/detect", "train"}, {"kernels", "tensor"},
		{"tensor", "autograd"},
		{"autograd", "kernels/cpu"}, {"nn", "models"}, {"models", "kernels/all"},
		{"kernels/ref", "kernels/cpu"}, {"kernels/cuda", "kernels/cpu"}, {"train/data", "models/detect"},
		{"bench/kernel", "kernels/cpu"}, {"bench", "cmd/truegrain"}, {"models", "bench/kernel"}} {
		require.False(t, allowed(bad[0], bad[1]), "%s must not import %s", bad[0], bad[1])
	}
}

// Folders that users have made, for reports or maps, hold no code.
func TestNoOtherTopLevelFolder(t *testing.T) {
	root := filepath.Join("..", "..")
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, e := range entries {
		if !e.IsDir() || slices.Contains(ignored, e.Name()) || slices.Contains(folders, e.Name()) {
			continue
		}
		err := filepath.WalkDir(filepath.Join(root, e.Name()), func(path string, _ fs.DirEntry, err error) error {
			require.NotEqual(t, ".go", filepath.Ext(path), "%s: code is in %v", path, folders)
			return err
		})
		require.NoError(t, err)
	}
}
