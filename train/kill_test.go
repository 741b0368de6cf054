package train_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/train"
)

// TestKilledChild is the run that TestKilledRunsEndTheSame kills: it goes on from what it finds.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv("TRUEGRAIN_KILLED_RUN")
	if dir == "" {
		t.Skip("is a child of TestKilledRunsEndTheSame")
	}
	i, err := strconv.Atoi(os.Getenv("TRUEGRAIN_KILLED_MINI"))
	require.NoError(t, err)
	l := miniLoop(t, i, dir)
	if latest, err := l.Checkpoints.Latest(); err == nil {
		require.NoError(t, l.Resume(latest))
	} else {
		require.ErrorIs(t, err, train.ErrNoCheckpoint)
	}
	_, err = l.Run(t.Context())
	require.NoError(t, err)
}

// A run that is killed at random moments, some of them while a checkpoint is being written, ends with the
// very bytes of one that was left alone.
func TestKilledRunsEndTheSame(t *testing.T) {
	points := 3
	if os.Getenv("TRUEGRAIN_SLOW") != "" {
		points = 20
	} else if testing.Short() {
		t.Skip("starts a dozen processes: runs without -short")
	}
	for i, c := range minis {
		t.Run(c.arch, func(t *testing.T) {
			whole := t.TempDir()
			start := time.Now()
			require.NoError(t, child(t, i, whole).Run())
			took := time.Since(start)
			want := ends(t, whole)
			writing := 0
			dir := t.TempDir()
			for killed := 0; killed < points; {
				cmd := child(t, i, dir)
				require.NoError(t, cmd.Start())
				inWrite := killed%2 == 1
				if inWrite {
					awaitWrite(dir, took)
				} else {
					time.Sleep(rand.N(took))
				}
				cmd.Process.Kill() //nolint:errcheck // it may have ended
				if cmd.Wait() == nil {
					requireSame(t, want, ends(t, dir))
					dir = t.TempDir() // it was faster than the knife: once more from the beginning
					took = took * 3 / 4
					continue
				}
				killed++
				if len(unfinished(dir)) > 0 {
					writing++
				}
			}
			require.NoError(t, child(t, i, dir).Run())
			requireSame(t, want, ends(t, dir))
			t.Logf("%d kills, %d of them in the middle of a write", points, writing)
		})
	}
}

func child(t *testing.T, mini int, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
	cmd.Env = append(os.Environ(), "TRUEGRAIN_KILLED_RUN="+dir, "TRUEGRAIN_KILLED_MINI="+strconv.Itoa(mini))
	return cmd
}

// unfinished lists the files whose writing has begun and not ended.
func unfinished(dir string) (out []string) {
	filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error { //nolint:errcheck // it changes as we look
		if err == nil && strings.HasPrefix(filepath.Base(path), ".") &&
			strings.Contains(path, ".safetensors.") {
			out = append(out, path)
		}
		return nil
	})
	return out
}

// awaitWrite returns when a file is being written, at a moment of the run that is drawn, or after limit.
func awaitWrite(dir string, limit time.Duration) {
	end := time.Now().Add(limit)
	time.Sleep(rand.N(limit))
	for time.Now().Before(end.Add(limit)) && len(unfinished(dir)) == 0 {
		time.Sleep(200 * time.Microsecond)
	}
}
