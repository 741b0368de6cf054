package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
	"truegrain/nn/state"
)

// Case is one golden file.
type Case struct {
	File string // base name without extension: "forward_resnet50_0"
	Kind string // ops, forward, train, explain
	Arch string // "resnet50"; empty for ops
	Seed uint64
	Meta map[string]string

	file *state.File
}

// Cases reads the files whose base name matches glob ("forward_*"), in order, from the folder
// TRUEGRAIN_GOLDEN, or ../shared/golden beside the repository. It skips the test if the folder or every such
// file is missing.
func Cases(t testing.TB, glob string) []*Case {
	t.Helper()
	dir := kerneltest.Shared(t, "golden")
	paths, err := filepath.Glob(filepath.Join(dir, glob+".safetensors"))
	require.NoError(t, err)
	if len(paths) == 0 {
		t.Skipf("no %s.safetensors in %s", glob, dir)
	}
	slices.Sort(paths)
	cases := make([]*Case, len(paths))
	for i, path := range paths {
		cases[i] = read(t, path)
	}
	return cases
}

func read(t testing.TB, path string) *Case {
	t.Helper()
	f, err := state.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	meta := f.Metadata()
	seed, err := strconv.ParseInt(meta["seed"], 10, 64)
	require.NoError(t, err, "%s: seed", path)
	name := strings.TrimSuffix(filepath.Base(path), ".safetensors")
	return &Case{File: name, Kind: meta["case"], Arch: meta["arch"], Seed: uint64(seed), Meta: meta, file: f}
}

// Has says whether the file holds a tensor of that name.
func (c *Case) Has(name string) bool {
	_, ok := c.file.Info(name)
	return ok
}

// Names lists the tensors that begin with prefix, without the prefix, sorted.
func (c *Case) Names(prefix string) []string {
	var names []string
	for _, n := range c.file.Names() {
		if rest, ok := strings.CutPrefix(n, prefix); ok {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names
}

// Values is a tensor, float64, in PyTorch's order.
func (c *Case) Values(t testing.TB, name string) []float64 {
	t.Helper()
	v, err := c.file.Float64s(name)
	require.NoError(t, err, "%s: %s", c.File, name)
	return v
}

// Shape is the shape of a tensor, PyTorch's.
func (c *Case) Shape(name string) []int {
	info, _ := c.file.Info(name)
	return info.Shape
}

// Ints is a list of integers in the metadata: "input_shape".
func (c *Case) Ints(t testing.TB, key string) []int {
	t.Helper()
	var v []int
	require.NoError(t, json.Unmarshal([]byte(c.Meta[key]), &v), "%s: %s", c.File, key)
	return v
}

// Slow says that the large cases are wanted on slow backends, too: TRUEGRAIN_SLOW=1.
func Slow() bool { return os.Getenv("TRUEGRAIN_SLOW") == "1" }

// Uniform, Array and Picture are the formula with the case's seed.
func (c *Case) Uniform(name string, n int) []float64 { return Uniform(name, c.Seed, n) }

// Array is uniform in [lo,hi).
func (c *Case) Array(name string, n int, lo, hi float64) []float32 {
	return Array(name, c.Seed, n, lo, hi)
}

// Picture is (B,C,H,W).
func (c *Case) Picture(name string, shape []int) []float32 {
	return Picture(name, c.Seed, shape[0], shape[1], shape[2], shape[3])
}
