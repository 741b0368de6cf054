package report_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/bench/measure"
	"truegrain/bench/report"
)

func stat(median float64) measure.Stat {
	return measure.Stat{Median: median, Lo: median * 0.98, Hi: median * 1.02, Min: median * 0.9,
		Max: median * 1.3, N: 21}
}

func sample() *report.Report {
	ceiling := []measure.Ceiling{{Cores: 1, FLOPs: 270e9,
		Copy: []measure.CopyRate{{Bytes: 32 << 10, Rate: 400e9}, {Bytes: 256 << 20, Rate: 30e9}}},
		{Cores: 2, FLOPs: 540e9, Copy: []measure.CopyRate{{Bytes: 32 << 10, Rate: 800e9},
			{Bytes: 256 << 20, Rate: 55e9}}}}
	return &report.Report{Kind: "kernels", Machine: report.Here("cpu:avx512"),
		Date:   time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
		Before: ceiling, After: ceiling,
		Rows: []report.Row{
			{Name: "conv2d/forward 8x56x56x64-64k3p1", Impl: "builtin", Time: stat(4e-3), FLOPs: 1849688064,
				Bytes: 12992512, OfPeak: .92, Error: 2e-7},
			{Name: "relu/forward 6422528", Impl: "builtin", Time: stat(1e-3), FLOPs: 6422528, Bytes: 51380224,
				OfCopy: .9, OfBound: .95},
			{Name: "relu/forward 6422528", Impl: "mine", Time: stat(2e-3), FLOPs: 6422528, Bytes: 51380224},
			{Name: "gelu/forward 9", Impl: "mine", Skipped: "no good"},
		}}
}

func write(t *testing.T, r *report.Report) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path
}

func TestJSONRoundTrip(t *testing.T) {
	r := sample()
	got, err := report.Read(write(t, r))
	require.NoError(t, err)
	require.Equal(t, r, got)
	require.NotEmpty(t, got.Machine.Commit)
	require.NotEmpty(t, got.Machine.CPU)
}

func TestReadRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.json")
	for _, text := range []string{"{", "{}", `{"kind": 3}`} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := report.Read(path)
		require.ErrorContains(t, err, "no report of these benchmarks")
	}
	_, err := report.Read(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCompareTellsNoiseFromChange(t *testing.T) {
	before := report.Row{Time: stat(1)}
	for _, c := range []struct {
		median float64
		says   string
	}{{0.5, "0.50 (0.48 to 0.52) faster"}, {1.5, "1.50 (1.44 to 1.56) slower"},
		{1.01, "1.01 (0.97 to 1.05) ~"}} {
		require.Equal(t, c.says, report.CompareRow(before, report.Row{Time: stat(c.median)}).String())
	}
}

func TestSummary(t *testing.T) {
	before, after := sample(), sample()
	after.Rows[0].Time = stat(2e-3)
	s := report.Summary(before, after)
	require.Contains(t, s, "geometric mean 0.794 over 3 rows; 1 faster and 0 slower")
	require.NotContains(t, s, "careful")
	before.Machine.Cores = 99
	require.Contains(t, report.Summary(before, after), "careful: the old report is of")
	require.Contains(t, report.Summary(&report.Report{}, after), "nothing to compare")
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	old := sample()
	old.Rows[1].Time = stat(2e-3)
	table := report.NewTable(&b, "kernels", true, old)
	for _, r := range sample().Rows {
		table.Row(r)
	}
	lines := strings.Split(b.String(), "\n")
	require.Regexp(t, `^kernel +shape +impl +time +± +GFLOP/s +of peak +GB/s +of copy +of bound +error +speed +old +new/old$`, lines[0])
	require.Regexp(t, `^conv2d/forward +8x56x56x64-64k3p1 +builtin +4.00 ms +2.0 % +462 +92 % +3.25 +- +- +2.0e-07 +1.00× +4.00 ms +1.00 \(0.96 to 1.04\) ~$`, lines[1])
	require.Regexp(t, `builtin .* 90 % +95 % .* 1.00× +2.00 ms +0.50 .* faster$`, lines[2])
	require.Regexp(t, `mine .* 0.50× `, lines[3])
	require.Regexp(t, `gelu/forward +9 +mine +not timed: no good$`, lines[4])
}

func TestModelTable(t *testing.T) {
	var b bytes.Buffer
	report.NewTable(&b, "models", false, nil).Row(report.Row{Name: "resnet50 b8", Impl: "frozen", Images: 8,
		Time: stat(0.16), FLOPs: 65_000_000_000, OfPeak: .75, PeakRSS: 300 << 20, Error: 3e-7})
	require.Regexp(t, `resnet50 b8 +frozen +50.0 +160 ms +144 ms +208 ms +2.0 % +406 +75 % +300 MiB +0 +3.0e-07`, b.String())
}

func TestHeader(t *testing.T) {
	var b bytes.Buffer
	r := sample()
	r.Header(&b)
	require.Contains(t, b.String(),
		"ceilings, 2 cores: multiply-adds 540 GFLOP/s; copy, read and written, GB/s: 32.0 KiB 800, 256 MiB 55.0")
	require.Contains(t, r.Drift(), "multiply-adds 1.00, copy 1.00")
}

func TestRooflineIsAPicture(t *testing.T) {
	r := sample()
	path := filepath.Join(t.TempDir(), "roof.png")
	require.NoError(t, report.Roofline(path, "a title", r.Ceiling(), r.Points()))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	colours := map[uint32]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			red, green, blue, _ := img.At(x, y).RGBA()
			colours[red<<16^green<<8^blue] = true
		}
	}
	require.Greater(t, len(colours), 20, "points, lines and letters")
	require.ErrorContains(t, report.Roofline(path, "", r.Ceiling(), nil), "no op")
}

func TestUnits(t *testing.T) {
	require.Equal(t, []string{"1.23 s", "12.3 ms", "123 µs", "5.00 ns", "0 ns"},
		[]string{report.Seconds(1.234), report.Seconds(0.01234), report.Seconds(123.4e-6),
			report.Seconds(5e-9), report.Seconds(0)})
	require.Equal(t, []string{"12 B", "1.50 KiB", "300 MiB"},
		[]string{report.Bytes(12), report.Bytes(1536), report.Bytes(300 << 20)})
}
