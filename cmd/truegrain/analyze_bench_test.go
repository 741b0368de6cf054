package main

import (
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/models/detect"
)

// BenchmarkAnalyze is one JPEG of 1024×768 pixels through the bundled detectors, all maps and the report
// included.
func BenchmarkAnalyze(b *testing.B) {
	file := filepath.Join(b.TempDir(), "waves.jpg")
	writeJPEG(b, file, 1024, 768)
	detectors, closeAll, err := openDetectors("cpu", nil)
	require.NoError(b, err)
	defer closeAll()
	a := analysis{t: &terminal{out: io.Discard, err: io.Discard}, detectors: detectors,
		opts: detect.Options{Maps: true}}
	a.report, err = newReport(b.TempDir(), detectors)
	require.NoError(b, err)
	for b.Loop() {
		r, err := a.one(b.Context(), target{path: file})
		require.NoError(b, err)
		require.Empty(b, r.Error)
	}
	b.ReportMetric(float64(b.N)*1024*768/1e6/b.Elapsed().Seconds(), "Mpx/s")
}

// writeJPEG draws something smooth with some noise, so that maps and files have the usual sizes.
func writeJPEG(tb testing.TB, path string, w, h int) {
	tb.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	noise := uint32(1)
	for y := range h {
		for x := range w {
			noise = noise*1664525 + 1013904223
			n := uint8(noise >> 29)
			img.SetRGBA(x, y, color.RGBA{uint8(x/5) + n, uint8(y/4) + n, uint8((x+y)/9) + n, 255})
		}
	}
	f, err := os.Create(path)
	require.NoError(tb, err)
	defer f.Close()
	require.NoError(tb, jpeg.Encode(f, img, &jpeg.Options{Quality: 90}))
}
