package synth

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
)

func TestSameSeedSameBytes(t *testing.T) {
	var dirs []string
	for _, procs := range []int{1, 3} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		dir := t.TempDir()
		_, err := Make(t.Context(), dir, Options{Seed: 7, Train: 1, Test: 1})
		require.NoError(t, err)
		dirs = append(dirs, dir)
	}
	files := 0
	require.NoError(t, filepath.Walk(dirs[0], func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		files++
		rel, err := filepath.Rel(dirs[0], path)
		require.NoError(t, err)
		a, err := os.ReadFile(path)
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(dirs[1], rel))
		require.NoError(t, err)
		require.Equal(t, a, b, rel)
		return nil
	}))
	require.Greater(t, files, 50)
}

// Each photograph has an AI picture of the same size and the same encoder: neither tells the classes apart.
func TestPairsShareSizeAndEncoder(t *testing.T) {
	dir := t.TempDir()
	rows, err := Make(t.Context(), dir, Options{Seed: 1, Train: 4})
	require.NoError(t, err)
	type look struct {
		w, h int
		ext  string
	}
	count := map[string]map[look]int{"ai": {}, "nature": {}}
	for _, r := range rows {
		if r.Label == "composite" {
			continue
		}
		p, err := picture.Open(filepath.Join(dir, r.File))
		require.NoError(t, err)
		count[r.Label][look{p.W, p.H, filepath.Ext(r.File)}]++
	}
	require.Equal(t, count["nature"], count["ai"])
	require.Greater(t, len(count["ai"]), 5)
}

func TestHeldOutGeneratorIsInTestAlone(t *testing.T) {
	held := 0
	for _, g := range Generators {
		if g.HeldOut {
			held++
		}
	}
	require.Len(t, Generators, 8)
	require.Equal(t, 1, held)
	for _, j := range plan(Options{Train: 2, Val: 2, Test: 2}) {
		if j.Split != "test" {
			require.NotEqual(t, "grain", j.Generator)
		}
	}
}

// Where its mask is zero a composite is the photograph of its scene to the last bit; elsewhere it is not.
func TestCompositesAreGeneratedInsideTheirMasks(t *testing.T) {
	for _, j := range plan(Options{Test: 1}) {
		if j.kind != composite {
			continue
		}
		const w, h = 96, 80
		pixels, mask := j.draw(1, w, h)
		r := newRand(1, uint32(j.index), uint32(j.kind)) // draws what j.draw draws, in its order
		photo := photograph(r, drawScene(r, w, h)).bytes()
		inside, changed := 0, 0
		for i, m := range mask {
			same := [3]uint8(pixels[3*i:]) == [3]uint8(photo[3*i:])
			switch {
			case m == 0:
				require.True(t, same, "%s: pixel %d outside the mask", j.File, i)
			case m == 1:
				inside++
				if !same {
					changed++
				}
			}
		}
		require.Greater(t, inside, w*h/50, j.File)
		require.Less(t, inside, w*h*9/10, j.File)
		require.Greater(t, changed, inside/2, j.File)
	}
}

func TestMakeStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Make(ctx, t.TempDir(), Options{Train: 50, Progress: func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	_, err = Make(t.Context(), t.TempDir(), Options{})
	require.ErrorContains(t, err, "want some")
}
