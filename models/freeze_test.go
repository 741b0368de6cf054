package models_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/nn/golden"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// withStatistics is a model with weights and running statistics that leave none at its default.
func withStatistics(t *testing.T, be kernels.Backend, name string) models.Model {
	t.Helper()
	m, err := models.New(be, name, models.Config{Classes: 2, Empty: true})
	require.NoError(t, err)
	golden.FillParams(be, m.Params(), 7)
	return m
}

func pictures(b, h, w int) tensor.Tensor {
	return tensor.FromSlice(golden.FromNCHW(golden.Picture("x", 3, b, 3, h, w), b, 3, h, w), b, h, w, 3)
}

func eager(t *testing.T, be kernels.Backend, m models.Model, x tensor.Tensor) []float64 {
	t.Helper()
	tape := autograd.NewTape(be)
	defer tape.Reset()
	y := m.Forward(tape, tape.Upload(x))
	require.NoError(t, tape.Err())
	return y.Float64s(be)
}

func TestFrozenEqualsEager(t *testing.T) {
	be := open(t, "cpu")
	sizes := map[string][2]int{"resnet18": {64, 64}, "resnet50": {33, 40}, "fcn_resnet50": {40, 33},
		"fcn8s_resnet50": {40, 33}, "vit_mini": {64, 64}, "resnet_mini": {64, 64}, "fcn8s_mini": {50, 70},
		"vit_mini_8": {64, 64}}
	for name, size := range sizes {
		m, x := withStatistics(t, be, name), pictures(4, size[0], size[1])
		want := eager(t, be, m, x)
		limits := map[kernels.Packing]float64{kernels.Exact: 1e-5, kernels.Fast: 1e-5, kernels.BFloat16: 3e-2}
		for how, limit := range limits {
			for _, cache := range []int{0, 400 << 10, 1 << 40} { // one picture at a time, some, all
				t.Run(fmt.Sprint(name, how, cache), func(t *testing.T) {
					f, err := models.Freeze(m, 4, size[0], size[1], models.WithPacking(how),
						models.WithCache(cache))
					require.NoError(t, err)
					defer f.Close()
					require.Equal(t, how, f.Packing())
					for range 2 { // the second run finds used buffers
						got, err := f.Run(t.Context(), x)
						require.NoError(t, err)
						require.Less(t, golden.Relative(got.Float64s(be), want), limit)
					}
				})
			}
		}
	}
}

func TestFrozenFusesWhatItCan(t *testing.T) {
	for _, tc := range []struct {
		name string
		size int
		want map[string]int
	}{
		{"resnet50", 224, map[string]int{"conv2d": 53, "maxpool2d": 1, "adaptiveavgpool2d": 1, "linear": 1}},
		{"fcn_resnet50", 224, map[string]int{"conv2d": 55, "maxpool2d": 1, "resize": 1}},
		{"fcn8s_resnet50", 224, map[string]int{"conv2d": 56, "maxpool2d": 1, "convtranspose2d": 3}},
		{"vit_b_16", 224, map[string]int{"conv2d": 1, "concat": 2, "bias": 1, "layernorm": 25,
			"attention": 12, "linear": 49, "slice": 1}},
	} {
		f, err := models.Freeze(build0(t, tc.name, models.Config{}), 1, tc.size, tc.size)
		require.NoError(t, err)
		got := map[string]int{}
		for _, op := range f.Ops() {
			got[op.Stem()]++
		}
		require.Equal(t, tc.want, got, tc.name)
	}
}

// TestBytesBecomeTheSameValues as those of the host, whatever came before.
func TestBytesBecomeTheSameValues(t *testing.T) {
	for _, spec := range []string{"ref", "cpu"} {
		bytesAreValues(t, open(t, spec))
	}
}

func bytesAreValues(t *testing.T, be kernels.Backend) {
	f, err := models.Freeze(withStatistics(t, be, "resnet_mini"), 2, 16, 16)
	require.NoError(t, err)
	defer f.Close()
	mean, std := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	for seed := range 3 {
		pics := make([]*picture.Picture, 2)
		for i := range pics {
			pics[i] = &picture.Picture{W: 16, H: 16, Pix: make([]uint8, 16*16*3)}
			for k := range pics[i].Pix {
				pics[i].Pix[k] = uint8(k*(7+seed) + 31*i)
			}
		}
		want, err := f.Run(t.Context(), picture.Batch(pics, mean, std))
		require.NoError(t, err)
		got, err := f.RunBytes(t.Context(), picture.Stack(pics), mean, std)
		require.NoError(t, err)
		require.Equal(t, kernels.Floats[float32](want.Buf), kernels.Floats[float32](got.Buf), be.Name())
	}
}

// TestBFloat16KeepsShortcutsExact looks at which convolutions are rounded: not what a shortcut carries alone, nor
// the head, whose result is not added to anything larger.
func TestBFloat16KeepsShortcutsExact(t *testing.T) {
	be := open(t, "cpu")
	m, err := models.New(be, "resnet50", models.Config{Empty: true, Classes: 1})
	require.NoError(t, err)
	f, err := models.Freeze(m, 1, 64, 64, models.WithPacking(kernels.BFloat16))
	require.NoError(t, err)
	defer f.Close()
	rounded := 0
	for _, l := range f.Layers() {
		exact := l.Path == "conv1" || l.Path == "fc" || strings.Contains(l.Path, "downsample")
		if exact {
			require.NotEqual(t, "bfloat16", l.Method(), l.Path)
		} else if l.Method() == "bfloat16" {
			rounded++
		}
	}
	if rounded == 0 {
		t.Skip("products in bfloat16 need a processor with AVX512_BF16")
	}
	require.GreaterOrEqual(t, rounded, 32) // conv1 and conv3 of each block
}

func TestEarlyStepsRunPictureByPicture(t *testing.T) {
	be := open(t, "cpu")
	m, err := models.New(be, "resnet50", models.Config{Empty: true})
	require.NoError(t, err)
	f, err := models.Freeze(m, 8, 224, 224)
	require.NoError(t, err)
	defer f.Close()
	images, runs, methods := map[string]int{}, 0, map[string]string{}
	for _, l := range f.Layers() {
		require.Equal(t, 8, l.Images*l.Runs, l.Path)
		images[l.Path], methods[l.Path] = l.Images, l.Method()
		runs += l.Runs
	}
	require.Equal(t, 1, images["conv1"])
	require.Equal(t, 1, images["layer1.2.conv3"])
	require.Equal(t, 2, images["layer2.3.conv3"])
	require.Equal(t, 8, images["layer4.2.conv3"])
	require.Equal(t, "direct", methods["conv1"])
	require.Equal(t, "Winograd 4x4", methods["layer1.0.conv2"])
	require.Len(t, f.Ops(), runs)
	whole, err := models.Freeze(m, 8, 224, 224, models.WithCache(1<<40))
	require.NoError(t, err)
	defer whole.Close()
	require.Less(t, f.Bytes(), whole.Bytes()/3*2, "smaller buffers, too")
}

func TestFrozenNeedsLessMemoryThanEager(t *testing.T) {
	for _, name := range []string{"resnet50", "vit_b_16"} {
		m := build0(t, name, models.Config{})
		f, err := models.Freeze(m, 1, 224, 224)
		require.NoError(t, err)
		_, _, peak := rehearse(m, 1, 224, 224)
		require.Less(t, f.Bytes(), peak, name)
	}
}

func TestFrozenServesManyGoroutines(t *testing.T) {
	be := open(t, "cpu")
	m := withStatistics(t, be, "resnet_mini")
	f, err := models.Freeze(m, 1, 32, 32)
	require.NoError(t, err)
	defer f.Close()
	var all sync.WaitGroup
	for i := range 4 {
		x := tensor.FromSlice(golden.Array("x", uint64(i), 32*32*3, -1, 1), 1, 32, 32, 3)
		want := eager(t, be, m, x)
		all.Go(func() {
			for range 5 {
				y, err := f.Run(context.Background(), x)
				if err != nil || golden.Relative(y.Float64s(be), want) > 1e-5 {
					t.Errorf("goroutine %d: %v, want %v (%v)", i, y.Float64s(be), want, err)
				}
			}
		})
	}
	all.Wait()
}

func TestFrozenStopsWithTheContext(t *testing.T) {
	be := open(t, "cpu")
	f, err := models.Freeze(withStatistics(t, be, "resnet_mini"), 1, 32, 32)
	require.NoError(t, err)
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Run(ctx, pictures(1, 32, 32))
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Run(t.Context(), pictures(1, 32, 32))
	require.NoError(t, err, "the next run is not disturbed")
}

func TestFrozenRefusesAnotherShape(t *testing.T) {
	f, err := models.Freeze(build0(t, "resnet_mini", models.Config{}), 1, 32, 32)
	require.NoError(t, err)
	var shape *tensor.ShapeError
	require.ErrorAs(t, tensor.Catch(func() { _, _ = f.Run(t.Context(), pictures(1, 32, 31)) }), &shape)
}

func TestFrozenRunAllocatesNothing(t *testing.T) {
	be := open(t, "cpu")
	sizes := map[string]int{"resnet18": 64, "resnet50": 64, "fcn_resnet50": 48, "fcn8s_mini": 50,
		"vit_mini": 64, "vit_mini_8": 64}
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			f, err := models.Freeze(withStatistics(t, be, name), 2, size, size)
			require.NoError(t, err)
			defer f.Close()
			x, shape := pictures(2, size, size), f.OutputShape()
			y := tensor.FromSlice(make([]float32, shape.Len()), shape...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for _, ctx := range []context.Context{context.Background(), ctx} {
				run := func() {
					if err := f.RunInto(ctx, y, x); err != nil {
						t.Error(err)
					}
				}
				// What workers keep grows until as many have worked at once as ever will: on a busy machine that
				// may take a while.
				allocs := testing.AllocsPerRun(20, run)
				for try := 0; try < 10 && allocs > 0; try++ {
					allocs = testing.AllocsPerRun(20, run)
				}
				require.Zero(t, allocs)
			}
		})
	}
}

func open(t testing.TB, spec string) kernels.Backend {
	t.Helper()
	be, err := kernels.Open(spec)
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() })
	return be
}
