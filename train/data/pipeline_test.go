package data_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
	"truegrain/train/data"
)

// photos writes n JPEG files of 500×375 pixels with some detail.
func photos(tb testing.TB, root string, n int) {
	for i := range n {
		dir := filepath.Join(root, "train", data.LabelNames[i%2])
		require.NoError(tb, os.MkdirAll(dir, 0o755))
		img, seed := image.NewRGBA(image.Rect(0, 0, 500, 375)), uint32(i+1)
		for k := range 500 * 375 {
			x, y := float64(k%500), float64(k/500)
			seed = seed*1664525 + 1013904223
			v := 120 + 70*math.Sin(x/(9+float64(i)))*math.Cos(y/17) + float64(seed>>27)
			img.Set(k%500, k/500, color.RGBA{uint8(v), uint8(v/2 + x/5), uint8(200 - v/3 + y/9), 255})
		}
		var buf bytes.Buffer
		require.NoError(tb, jpeg.Encode(&buf, img, &jpeg.Options{Quality: 90}))
		require.NoError(tb, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.jpg", i)), buf.Bytes(), 0o644))
	}
}

// decodeAll decodes every picture once, on every core, and nothing else: the pipeline's ceiling.
func decodeAll(tb testing.TB, s *data.Set) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(s.Items); i += workers {
				if _, err := picture.Open(s.Items[i].Path); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkPipeline is batches of 32 normalised crops of 224 pixels beside decoding alone.
func BenchmarkPipeline(b *testing.B) {
	root := b.TempDir()
	photos(b, root, 64)
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(b, err)
	l, err := data.NewLoader(s, data.LoaderOptions{Batch: 32, Size: 224, Mean: [3]float32{.5, .5, .5},
		Std: [3]float32{.5, .5, .5}, Seed: 1, Shuffle: true,
		Augment: data.Augment{Crop: true, FlipH: 0.5, FlipV: 0.5}})
	require.NoError(b, err)
	rate := func(b *testing.B) {
		b.ReportMetric(float64(b.N*len(s.Items))/b.Elapsed().Seconds(), "pictures/s")
	}
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			decodeAll(b, s)
		}
		rate(b)
	})
	b.Run("batches", func(b *testing.B) {
		n := 0
		for b.Loop() {
			for batch, err := range l.Epoch(b.Context(), n, 0) {
				require.NoError(b, err)
				require.Empty(b, batch.Unread)
			}
			n++
		}
		rate(b)
	})
}
