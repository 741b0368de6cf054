package picture_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
	"truegrain/tensor/picture"
)

// corpus lists the regular files below a folder of shared test data.
func corpus(t testing.TB, parts ...string) []string {
	root := kerneltest.Shared(t, append([]string{"data", "decode"}, parts...)...)
	var files []string
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	require.NotEmpty(t, files)
	return files
}

// Every file of five projects' own test suites, and bombs: no panic, the same verdict twice, bounded time and
// memory.
func TestCorpus(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(400 << 20))
	slowest, read := time.Duration(0), 0
	for _, file := range corpus(t) {
		start := time.Now()
		first, err := picture.Open(file)
		took := time.Since(start)
		slowest = max(slowest, took)
		if err != nil {
			var e *picture.Error
			require.ErrorAs(t, err, &e, file)
			require.Equal(t, file, e.File)
			require.NotContains(t, e.Reason, "\n")
		} else {
			read++
			require.Len(t, first.Pix, 3*first.W*first.H, file)
		}
		again, err2 := picture.Open(file)
		require.Equal(t, err, err2, file)
		require.Equal(t, first, again, file)
		require.Less(t, took, 10*time.Second, file) // a hang, not a slow machine
	}
	t.Logf("%d files were read, the slowest took %v", read, slowest)
	require.Greater(t, read, 500)
}

func TestBombsAllocateLittle(t *testing.T) {
	for _, file := range corpus(t, "bombs") {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := picture.Open(file)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(450<<20), "%s: %v", file, err)
	}
}

// The eight orientations of one picture are the same picture.
func TestOrientationCorpus(t *testing.T) {
	root := kerneltest.Shared(t, "data", "decode", "exif-orientation")
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, e := range entries {
		p, err := picture.Open(filepath.Join(root, e.Name()))
		if errors.Is(err, picture.ErrNotAPicture) {
			continue
		}
		require.NoError(t, err)
		seen[p.Orientation] = true
	}
	for o := 1; o <= 8; o++ {
		require.True(t, seen[o], "orientation %d", o)
	}
}
