package data_test

import (
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// A limit keeps every class and, as far as it reaches, every generator, in their proportions; which pictures
// is drawn from the seed.
func TestLimitLosesNoClass(t *testing.T) {
	s := &data.Set{}
	add := func(generator string, label int32, n int) {
		for i := range n {
			s.Items = append(s.Items, data.Item{Path: fmt.Sprintf("%s/%d/%03d", generator, label, i),
				Generator: generator, Label: label})
		}
	}
	add("a", data.AI, 60)
	add("b", data.AI, 30)
	add("c", data.AI, 3)
	add("a", data.Photograph, 7)
	for n := 1; n <= len(s.Items); n++ {
		of, classes := map[string]int{}, [2]int{}
		kept := s.Limited(n, 5).Items
		require.Len(t, kept, n)
		for i, it := range kept {
			of[fmt.Sprint(it.Generator, it.Label)]++
			classes[it.Label]++
			require.True(t, i == 0 || slices.Index(s.Items, kept[i-1]) < slices.Index(s.Items, it),
				"in order")
		}
		require.InDelta(t, float64(n)*93/100, classes[data.AI], 1)
		if n >= 2 {
			require.Positive(t, classes[data.Photograph])
		}
		if n >= 4 {
			require.Len(t, of, 4, "%d: %v", n, of)
		}
		require.InDelta(t, float64(n)*0.6, of["a0"], 2)
	}
	require.Equal(t, s.Limited(20, 5), s.Limited(20, 5))
	require.NotEqual(t, s.Limited(20, 5), s.Limited(20, 6))
	require.Same(t, s, s.Limited(0, 1))
}

func options() data.LoaderOptions {
	return data.LoaderOptions{Batch: 7, Size: 8, Mean: [3]float32{.5, .5, .5}, Std: [3]float32{.5, .5, .5},
		Seed: 3, Shuffle: true, Augment: data.Augment{Crop: true, FlipH: 0.5, FlipV: 0.5}}
}

// epochs reads some epochs whole.
func epochs(t *testing.T, l *data.Loader, n int) (values []float32, labels []int32) {
	for e := range n {
		for b, err := range l.Epoch(t.Context(), e, 0) {
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
	o.Shuffle, o.Augment = false, data.Augment{}
	l, err := data.NewLoader(s, o)
	require.NoError(t, err)
	values, labels := epochs(t, l, 1)
	require.Len(t, labels, 3)
	require.Equal(t, float32(-1), values[3*4], "black beside a picture of three columns")
	for b, err := range l.Epoch(t.Context(), 0, 0) {
		require.NoError(t, err)
		require.Len(t, b.Unread, 1)
		require.Contains(t, b.Unread[0].Path, "bad.jpg")
	}
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
	for b, err := range l.Epoch(t.Context(), 0, 0) {
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
		for range l.Epoch(t.Context(), 0, 0) {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range l.Epoch(ctx, 0, 0) {
		}
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 5*time.Second,
		time.Millisecond)
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

// An epoch that is taken up again in its middle gives the batches that were left.
func TestEpochFromItsMiddle(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	l, err := data.NewLoader(s, options())
	require.NoError(t, err)
	var whole, rest [][]float32
	for b := range l.Epoch(t.Context(), 1, 0) {
		whole = append(whole, b.X.Float32s(be))
	}
	for b := range l.Epoch(t.Context(), 1, 2) {
		rest = append(rest, b.X.Float32s(be))
	}
	require.Equal(t, whole[2:], rest)
}

// Two workers see in each batch what one worker with a batch twice as large would see.
func TestWorkersShareBatches(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	batches := func(batch, rank, world int) (out [][]float32) {
		o := options()
		o.Batch, o.Rank, o.World = batch, rank, world
		l, err := data.NewLoader(s, o)
		require.NoError(t, err)
		require.Equal(t, 5, l.Batches())
		for b := range l.Epoch(t.Context(), 1, 0) {
			out = append(out, b.X.Float32s(be))
		}
		return out
	}
	one, first, second := batches(8, 0, 1), batches(4, 0, 2), batches(4, 1, 2)
	for k := range one {
		require.Equal(t, one[k], append(first[k], second[k]...))
	}
	_, err = data.NewLoader(s, data.LoaderOptions{Batch: 1, Size: 1, Std: [3]float32{1, 1, 1}, Rank: 2,
		World: 2})
	require.ErrorContains(t, err, "rank 2")
}

func TestGeneratorsByName(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"stable_diffusion_v_1_4/imagenet_ai_0419_sdv4", "Midjourney", "mine"} {
		layout(t, filepath.Join(root, dir))
	}
	for _, names := range [][]string{{"sd14"}, {"midjourney"}, {"Mine"}, {"sd14", "imagenet_ai_0419_sdv4"}} {
		s, err := data.OpenGenImage(root, data.All, data.Options{Generators: names[:1]})
		require.NoError(t, err)
		require.Len(t, s.Items, 40, names)
	}
	_, err := data.OpenGenImage(root, data.All, data.Options{Generators: []string{"glide"}})
	require.ErrorContains(t, err, "midjourney, mine, sd14")
}

// A validation share is cut from the train folder; the val folder is then what is tested on.
func TestValidationShare(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	write(t, filepath.Join(root, "val", "ai"), 3, 5, 5)
	counts := func(o data.Options) (n []int) {
		for _, split := range []string{data.Train, data.Val} {
			s, err := data.OpenGenImage(root, split, o)
			require.NoError(t, err)
			n = append(n, len(s.Items))
		}
		return n
	}
	require.Equal(t, []int{40, 3}, counts(data.Options{}))
	require.Equal(t, []int{30, 10}, counts(data.Options{Validation: 0.25}))
	test, err := data.OpenGenImage(root, data.Test, data.Options{Validation: 0.25})
	require.NoError(t, err)
	require.Len(t, test.Items, 3)
}

func TestFingerprint(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	was := s.Fingerprint(root)
	require.Equal(t, was, s.Fingerprint(root))
	s.Items[3].Label = 1 - s.Items[3].Label
	require.NotEqual(t, was, s.Fingerprint(root))
}

// Pairs of an original and its edited twin stay together in train or in val.
func TestPairsWithMasks(t *testing.T) {
	root := t.TempDir()
	for i := range 10 {
		dir := filepath.Join(root, fmt.Sprintf("sample%d", i))
		write(t, dir, 3, 8, 8)
		for k, name := range []string{"edited", "mask", "original"} {
			require.NoError(t, os.Rename(filepath.Join(dir, fmt.Sprintf("%03d.png", k)),
				filepath.Join(dir, name+".png")))
		}
	}
	seen := map[string]bool{}
	for split, want := range map[string]int{data.Train: 16, data.Val: 4} {
		s, err := data.OpenMasks(root, split, data.Options{Validation: 0.2, Seed: 1})
		require.NoError(t, err)
		require.Len(t, s.Items, want)
		for i, it := range s.Items {
			require.Equal(t, int32(i%2), it.Label)
			require.Equal(t, i%2 == 0, it.Mask != "")
			seen[it.Path] = true
		}
	}
	require.Len(t, seen, 20)
	_, err := data.OpenMasks(t.TempDir(), data.Train, data.Options{})
	require.ErrorIs(t, err, data.ErrNoPictures)
	require.NoError(t, os.Remove(filepath.Join(root, "sample3", "edited.png")))
	_, err = data.OpenMasks(root, data.Train, data.Options{})
	require.ErrorContains(t, err, "sample3")
}
