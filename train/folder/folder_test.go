package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/train/folder"
	"truegrain/train/recipes"
)

func run(t *testing.T) *folder.Run {
	r, err := recipes.Open("vit-all-strong")
	require.NoError(t, err)
	return &folder.Run{Recipe: *r, Code: "abc", Go: "go1.26",
		Data: folder.Data{Dir: "/data", Train: 9, Validation: 1, Fingerprint: "0123456789abcdef"}}
}

func TestRunIsReadAsItWasWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "one")
	f, err := folder.Open(dir)
	require.NoError(t, err)
	defer f.Close()
	_, err = folder.Read(dir)
	require.ErrorIs(t, err, folder.ErrNone)
	require.NoError(t, f.Write(run(t)))
	got, err := folder.Read(dir)
	require.NoError(t, err)
	require.Equal(t, run(t), got)
	require.NoError(t, os.WriteFile(f.Path("run.yaml"), []byte("recipee: {}\n"), 0o644))
	_, err = folder.Read(dir)
	require.ErrorContains(t, err, "recipee")
}

func TestTheSecondRunIsRefused(t *testing.T) {
	dir := t.TempDir()
	first, err := folder.Open(dir)
	require.NoError(t, err)
	_, err = folder.Open(dir)
	require.ErrorIs(t, err, folder.ErrBusy)
	require.ErrorContains(t, err, dir)
	require.NoError(t, first.Close())
	second, err := folder.Open(dir)
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

func TestClearRemovesOnlyWhatARunMakes(t *testing.T) {
	f, err := folder.Open(t.TempDir())
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, os.MkdirAll(f.Path("checkpoints"), 0o755))
	for _, name := range []string{"run.yaml", "best.safetensors", "events.out.tfevents.7",
		"checkpoints/000000001.safetensors", "notes.txt", "mine.safetensors"} {
		require.NoError(t, os.WriteFile(f.Path(name), nil, 0o644))
	}
	require.NoError(t, f.Clear())
	var left []string
	for _, pattern := range []string{"*", "checkpoints/*"} {
		found, err := filepath.Glob(f.Path(pattern))
		require.NoError(t, err)
		left = append(left, found...)
	}
	require.Equal(t, []string{f.Path("checkpoints"), f.Path("lock"), f.Path("mine.safetensors"),
		f.Path("notes.txt")}, left)
}

func TestSettingsAreWhatDecides(t *testing.T) {
	a, b := run(t), run(t)
	b.Recipe.Checkpoint.Minutes, b.Recipe.About, b.Code = 1, "else", "def"
	one, err := a.Settings()
	require.NoError(t, err)
	two, err := b.Settings()
	require.NoError(t, err)
	require.Equal(t, one, two)
	require.Equal(t, "0.75", one["optimizer.layer_decay"])
	b.Recipe.Seed = 7
	b.Data.Fingerprint = "fedcba9876543210"
	two, err = b.Settings()
	require.NoError(t, err)
	require.NotEqual(t, one["seed"], two["seed"])
	require.NotEqual(t, one["pictures"], two["pictures"])
}
