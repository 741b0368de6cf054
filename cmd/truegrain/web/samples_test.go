package web

import (
	"bytes"
	"encoding/csv"
	"image/jpeg"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
	"truegrain/train/data/synth"
)

// The embedded samples are what samples/origin.csv says of them. TRUEGRAIN_SAMPLES=1 renders them anew.
func TestSamplesAreWhatTheySay(t *testing.T) {
	data, err := os.ReadFile("samples/origin.csv")
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	require.NoError(t, err)
	total := int64(0)
	for _, r := range rows[1:] {
		file, generator, part := filepath.Join("samples", r[0]), r[3], r[4] == "part"
		seed, err := strconv.ParseUint(r[5], 10, 64)
		require.NoError(t, err)
		quality, err := strconv.Atoi(r[6])
		require.NoError(t, err)
		want, err := synth.Sample(seed, generator, part, 480, 360)
		require.NoError(t, err)
		if os.Getenv("TRUEGRAIN_SAMPLES") != "" {
			var buf bytes.Buffer
			p := &picture.Picture{W: 480, H: 360, Pix: want}
			require.NoError(t, jpeg.Encode(&buf, p.Image(), &jpeg.Options{Quality: quality}))
			require.NoError(t, os.WriteFile(file, buf.Bytes(), 0o644))
		}
		got, err := picture.Open(file)
		require.NoError(t, err)
		sum := 0
		for i := range want {
			sum += max(int(want[i])-int(got.Pix[i]), int(got.Pix[i])-int(want[i]))
		}
		require.Less(t, float64(sum)/float64(len(want)), 8.0, "%s differs from what its origin renders", file)
		info, err := os.Stat(file)
		require.NoError(t, err)
		total += info.Size()
	}
	require.Less(t, total, int64(300_000), "samples are to be small")
}
