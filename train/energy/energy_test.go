package energy

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counter makes a folder as the system shows one package's counter.
func counter(t *testing.T, dir, name, value string) {
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for file, text := range map[string]string{"name": name, "max_energy_range_uj": "1000000",
		"energy_uj": value} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text+"\n"), 0o644))
	}
}

func TestCountersOfAllPackagesAreAddedAndWrapAround(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "intel-rapl:0"), filepath.Join(dir, "intel-rapl:1")
	counter(t, one, "package-0", "900000")
	counter(t, two, "package-1", "10")
	counter(t, filepath.Join(dir, "intel-rapl:0:0"), "core", "5")
	m := open(dir)
	require.Contains(t, m.Method(), "RAPL")
	require.Zero(t, m.Joules())
	counter(t, one, "package-0", "100000") // over the limit
	counter(t, two, "package-1", "300010")
	require.InDelta(t, 0.2+0.3, m.Joules(), 1e-9)
	counter(t, one, "package-0", "200000")
	require.InDelta(t, 0.6, m.Joules(), 1e-9)
	require.NoError(t, os.RemoveAll(two))
	require.InDelta(t, 0.6, m.Joules(), 1e-9)
	require.Contains(t, m.Method(), "could not be read")
}

func TestEstimateFollowsTheProcessorTime(t *testing.T) {
	m := open(t.TempDir())
	require.Contains(t, m.Method(), "estimate: 10 W")
	before, start := m.Joules(), time.Now()
	x := 1.0
	for time.Since(start) < 50*time.Millisecond {
		x *= 1.0000001
	}
	require.NotZero(t, x)
	used := m.Joules() - before
	require.Greater(t, used, 0.01)
	require.Less(t, used, 60.0)
}

func TestPeakMemory(t *testing.T) {
	require.Greater(t, PeakMemory(), int64(1<<20))
}
