package store_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/nn/state"
	"truegrain/nn/state/store"
)

// weights writes a small weight file of n numbers and names it after its own SHA-256, as published ones are.
func weights(t testing.TB, n int) (path string, content []byte) {
	raw := filepath.Join(t.TempDir(), "w.safetensors")
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i % 251)
	}
	require.NoError(t, state.Write(raw, []state.Out{{Name: "w", DType: "F32", Shape: []int{n},
		Values: values}}, nil))
	content, err := os.ReadFile(raw)
	require.NoError(t, err)
	path = filepath.Join(filepath.Dir(raw), fmt.Sprintf("net-%.4x.pth", sha256.Sum256(content)))
	require.NoError(t, os.Rename(raw, path))
	return path, content
}

func holds(t *testing.T, s store.Store) []string {
	var names []string
	entries, err := os.ReadDir(s.Dir)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestImport(t *testing.T) {
	path, content := weights(t, 1000)
	name := filepath.Base(path)
	s := store.Store{Dir: filepath.Join(t.TempDir(), "deep", "store")}
	_, ok := s.Find(name)
	require.False(t, ok)
	got, err := s.Import(path, "")
	require.NoError(t, err)
	require.Equal(t, &store.Stored{Path: s.Path(name), SHA256: fmt.Sprintf("%x", sha256.Sum256(content)),
		Bytes: int64(len(content)), Checked: true}, got)
	found, ok := s.Find(name)
	require.True(t, ok)
	there, err := os.ReadFile(found)
	require.NoError(t, err)
	require.Equal(t, content, there)

	plain := filepath.Join(t.TempDir(), "mine.safetensors")
	require.NoError(t, os.WriteFile(plain, content, 0o644))
	got, err = s.Import(plain, "")
	require.NoError(t, err)
	require.False(t, got.Checked, "nothing is known about it")
	got, err = s.Import(plain, strings.ToUpper(got.SHA256))
	require.NoError(t, err)
	require.True(t, got.Checked)
	require.Equal(t, []string{"mine.safetensors", name}, holds(t, s))
}

func TestImportRefuses(t *testing.T) {
	path, content := weights(t, 1000)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, b, 0o644))
		return p
	}
	flipped := append([]byte(nil), content...)
	flipped[len(flipped)-1] ^= 1
	name := filepath.Base(path)
	s := store.Store{Dir: filepath.Join(dir, "store")}
	for what, c := range map[string]struct{ path, sum, want string }{
		"a bit has changed":      {write(name, flipped), "", "its name says " + store.Published(name)},
		"another one than meant": {path, strings.Repeat("ab", 32), "it should be abab"},
		"no digest":              {path, "abc", "64 hexadecimal digits"},
		"no weights":             {write("words-00000000.pth", []byte("words")), "", "not a safetensors"},
		"cut off": {write("short.safetensors", content[:len(content)-4]), "",
			"MetadataIncompleteBuffer"},
		"a picture's name": {write("w.png", content), "", "want a name that ends in .pth"},
		"hidden":           {write(".w.pth", content), "", "want a name"},
		"not there":        {filepath.Join(dir, "none.pth"), "", "no such file"},
		"a folder":         {dir + "/", "", "want a name"},
	} {
		_, err := s.Import(c.path, c.sum)
		require.ErrorContains(t, err, c.want, what)
		require.Empty(t, holds(t, s), what)
	}
}
