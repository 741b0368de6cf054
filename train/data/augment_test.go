package data_test

import (
	"math"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
	"truegrain/train/data"
	"truegrain/train/data/degrade"
)

// What is done to pictures depends on seed, epoch and picture alone; nothing is done at probability 0, and
// masks stay with their pictures when these are scaled.
func TestStrongAugmentation(t *testing.T) {
	root := t.TempDir()
	for _, label := range []string{"ai", "nature"} {
		write(t, filepath.Join(root, "train", label), 8, 40, 36)
	}
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	batches := func(procs int, a data.Augment) (values []float32) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		o := options()
		o.Size, o.Augment, o.CacheBytes = 16, a, 1<<20
		l, err := data.NewLoader(s, o)
		require.NoError(t, err)
		values, labels := epochs(t, l, 2)
		require.Len(t, labels, 32)
		return values
	}
	plain := data.Augment{Crop: true, FlipH: 0.5}
	want := batches(1, plain)
	for _, change := range []func(a *data.Augment, p float64){
		func(a *data.Augment, p float64) { a.Resize = data.Random{P: p, From: 0.5, To: 2} },
		func(a *data.Augment, p float64) { a.Blur = data.Random{P: p, From: 1, To: 2} },
		func(a *data.Augment, p float64) { a.Noise = data.Random{P: p, From: 2, To: 9} },
		func(a *data.Augment, p float64) { a.JPEG = data.Random{P: p, From: 30, To: 95} },
		func(a *data.Augment, p float64) { a.WebP = data.Random{P: p, From: 30, To: 95} },
	} {
		a := plain
		change(&a, 0)
		require.Equal(t, want, batches(1, a))
		change(&a, 0.7)
		once := batches(1, a)
		require.NotEqual(t, want, once)
		require.Equal(t, once, batches(3, a))
		change(&a, 1.5)
		_, err := data.NewLoader(s, data.LoaderOptions{Batch: 1, Size: 1, Std: [3]float32{1, 1, 1},
			Augment: a})
		require.ErrorContains(t, err, "augment.")
	}
}

// Compression leaves the picture what it is: its mean and most of its pixels.
func TestThroughEncoders(t *testing.T) {
	p := &picture.Picture{W: 64, H: 48, Pix: make([]uint8, 3*64*48)}
	for i := range p.Pix {
		p.Pix[i] = uint8(40 + i/3%64*2 + i%3*20)
	}
	for name, through := range map[string]func(*picture.Picture, int) (*picture.Picture, error){
		"jpeg": degrade.JPEG, "webp": degrade.WebP} {
		q, err := through(p, 90)
		require.NoError(t, err)
		require.Equal(t, name, q.Format)
		var off float64
		for i := range p.Pix {
			off += math.Abs(float64(p.Pix[i]) - float64(q.Pix[i]))
		}
		require.Less(t, off/float64(len(p.Pix)), 3.0, name)
	}
}
