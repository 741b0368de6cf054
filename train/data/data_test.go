package data_test

import (
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/ref"
	"truegrain/tensor/picture"
	"truegrain/train/data"
)

// be reads tensors; batches lie in host memory.
var be = ref.Open32()

// write makes n pictures below dir/part/label, each of one grey that tells it apart.
func write(t testing.TB, dir string, n, w, h int) {
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for i := range n {
		p := &picture.Picture{W: w, H: h, Pix: make([]uint8, 3*w*h)}
		for k := range p.Pix {
			p.Pix[k] = uint8(10*i + k/3%w)
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%03d.png", i)))
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, p.Image()))
		require.NoError(t, f.Close())
	}
}

func layout(t testing.TB, root string) {
	for _, label := range []string{"ai", "nature"} {
		write(t, filepath.Join(root, "train", label), 20, 12, 10)
	}
}

func TestGenImageLayouts(t *testing.T) {
	for _, below := range []string{"", "Midjourney", "Midjourney/imagenet_midjourney"} {
		root := t.TempDir()
		layout(t, filepath.Join(root, below))
		write(t, filepath.Join(root, below, "val", "ai"), 3, 5, 5)
		s, err := data.OpenGenImage(root, data.Train, data.Options{})
		require.NoError(t, err)
		require.Len(t, s.Items, 40)
		require.Equal(t, data.AI, s.Items[0].Label)
		require.Equal(t, data.Photograph, s.Items[39].Label)
		if below != "" {
			require.Equal(t, filepath.Base(below), s.Items[0].Generator)
		}
		val, err := data.OpenGenImage(root, data.Val, data.Options{})
		require.NoError(t, err)
		require.Len(t, val.Items, 3)
	}
}

func TestMissingValIsASeededSplit(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	trainSet, err := data.OpenGenImage(root, data.Train, data.Options{Seed: 1})
	require.NoError(t, err)
	val, err := data.OpenGenImage(root, data.Val, data.Options{Seed: 1})
	require.NoError(t, err)
	require.Len(t, val.Items, 4)
	require.Len(t, trainSet.Items, 36)
	for _, it := range val.Items {
		require.NotContains(t, trainSet.Items, it)
	}
	other, err := data.OpenGenImage(root, data.Val, data.Options{Seed: 2})
	require.NoError(t, err)
	require.NotEqual(t, val.Items, other.Items)
}

func TestSetsThatAreNotThere(t *testing.T) {
	_, err := data.OpenGenImage(t.TempDir(), data.Train, data.Options{})
	require.ErrorIs(t, err, data.ErrNoPictures)
	_, err = data.OpenGenImage(filepath.Join(t.TempDir(), "none"), data.Train, data.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = data.OpenGenImage(t.TempDir(), "dev", data.Options{})
	require.ErrorContains(t, err, "train, val, test or all")
}

func TestLimitAndFirst(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	s, err := data.OpenGenImage(root, data.All, data.Options{Limit: 10})
	require.NoError(t, err)
	require.Len(t, s.Items, 10)
	require.Len(t, s.First(4).Items, 4)
	require.NotEqual(t, s.First(4).Items[0].Label, s.First(4).Items[1].Label)
}

func options() data.LoaderOptions {
	return data.LoaderOptions{Batch: 7, Size: 8, Mean: [3]float32{.5, .5, .5}, Std: [3]float32{.5, .5, .5}, Seed: 3, Augment: true}
}

// epochs reads some epochs whole.
func epochs(t *testing.T, l *data.Loader, n int) (values []float32, labels []int32) {
	for e := range n {
		for b, err := range l.Epoch(t.Context(), e) {
			require.NoError(t, err)
			values = append(values, b.X.Float32s(be)...)
			labels = append(labels, b.Label...)
		}
	}
	return values, labels
}

func TestOrderDependsOnTheSeedAlone(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	var want []float32
	for i, procs := range []int{1, 2, 4} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		o := options()
		o.CacheBytes = int64(i) << 20 // the cache changes nothing either
		l, err := data.NewLoader(s, o)
		require.NoError(t, err)
		require.Equal(t, 6, l.Batches())
		got, labels := epochs(t, l, 2)
		require.Len(t, labels, 80)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%d cores", procs)
	}
	o := options()
	o.Seed = 4
	l, err := data.NewLoader(s, o)
	require.NoError(t, err)
	got, _ := epochs(t, l, 2)
	require.NotEqual(t, want, got)
}

func TestSmallPicturesArePaddedAndBadOnesLeftOut(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "train", "ai"), 3, 3, 5)
	require.NoError(t, os.WriteFile(filepath.Join(root, "train", "ai", "bad.jpg"), []byte("words"), 0o644))
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	o := options()
	o.Augment = false
	l, err := data.NewLoader(s, o)
	require.NoError(t, err)
	values, labels := epochs(t, l, 1)
	require.Len(t, labels, 3)
	require.Equal(t, float32(-1), values[3*4], "black beside a picture of three columns")
	require.Len(t, l.Unread(), 1)
}

// A mask is cut and turned with its picture: here the picture is its own mask.
func TestMasksFollowTheirPictures(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "inpaint", "train", "pictures"), 5, 20, 30)
	write(t, filepath.Join(root, "inpaint", "train", "masks"), 5, 20, 30)
	s, err := data.OpenInpaint(root, data.Train)
	require.NoError(t, err)
	require.Len(t, s.Items, 5)
	o := options()
	o.Mean, o.Std = [3]float32{}, [3]float32{1, 1, 1}
	l, err := data.NewLoader(s, o)
	require.NoError(t, err)
	for b, err := range l.Epoch(t.Context(), 0) {
		require.NoError(t, err)
		x, m := b.X.Float32s(be), b.Mask.Float32s(be)
		for i := range m {
			require.InDelta(t, 1-x[3*i], m[i], 1e-6)
		}
	}
	require.NoError(t, os.Remove(s.Items[0].Mask))
	_, err = data.OpenInpaint(root, data.Train)
	require.ErrorContains(t, err, "no mask")
	empty, err := data.OpenInpaint(t.TempDir(), data.Train)
	require.NoError(t, err)
	require.Empty(t, empty.Items)
}

func TestNobodyIsLeftBehind(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	l, err := data.NewLoader(s, options())
	require.NoError(t, err)
	before := runtime.NumGoroutine()
	for range 10 {
		for range l.Epoch(t.Context(), 0) {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range l.Epoch(ctx, 0) {
		}
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 5*time.Second, time.Millisecond)
}

func TestLoaderRefusesNonsense(t *testing.T) {
	for _, spoil := range []func(o *data.LoaderOptions){func(o *data.LoaderOptions) { o.Batch = 0 },
		func(o *data.LoaderOptions) { o.Size = 0 }, func(o *data.LoaderOptions) { o.Std[2] = 0 }} {
		o := options()
		spoil(&o)
		_, err := data.NewLoader(&data.Set{}, o)
		require.Error(t, err)
	}
}

func TestPermutation(t *testing.T) {
	p := data.Permutation(1, 0, 100)
	seen := map[int]bool{}
	for _, i := range p {
		seen[i] = true
	}
	require.Len(t, seen, 100)
	require.Equal(t, p, data.Permutation(1, 0, 100))
	require.NotEqual(t, p, data.Permutation(1, 1, 100))
}
