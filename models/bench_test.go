package models_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/models"
	"truegrain/tensor"
)

// BenchmarkForward compares a model on a tape with the same model frozen: one picture of its input size.
func BenchmarkForward(b *testing.B) {
	be := open(b, "cpu")
	for _, name := range []string{"resnet50", "fcn_resnet50", "vit_b_16", "resnet_mini", "fcn8s_mini",
		"vit_mini_8"} {
		m, err := models.New(be, name, models.Config{Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		s := m.InputSize()
		x, pool := pictures(1, s, s), autograd.NewPool(be)
		var flops int64
		b.Run(name+"/eager", func(b *testing.B) {
			for b.Loop() {
				t := autograd.NewTape(be, autograd.WithPool(pool))
				m.Forward(t, t.Upload(x))
				flops = 0
				for _, n := range t.Nodes() {
					flops += n.Cost().FLOPs
				}
				t.Reset()
			}
			rate(b, flops)
		})
		b.Run(name+"/frozen", func(b *testing.B) {
			f, err := models.Freeze(m, 1, s, s)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			y := tensor.FromSlice(make([]float32, f.OutputShape().Len()), f.OutputShape()...)
			b.ReportAllocs()
			for b.Loop() {
				if err := f.RunInto(context.Background(), y, x); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, flops)
		})
	}
}

// BenchmarkTrain is a step of training without the optimiser's: forward and backward of 32 crops.
func BenchmarkTrain(b *testing.B) {
	be := open(b, "cpu")
	for _, name := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		b.Run(name, func(b *testing.B) {
			m, err := models.New(be, name, models.Config{Seed: 1})
			if err != nil {
				b.Fatal(err)
			}
			const batch = 32
			s := m.InputSize()
			x := pictures(batch, s, s)
			t := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain())
			for b.Loop() {
				y := m.Forward(t, t.Upload(x))
				if err := t.Backward(t.BCELogits(y, t.Zeros(y.Shape()...))); err != nil {
					b.Fatal(err)
				}
				t.Reset()
			}
			b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}

func rate(b *testing.B, flops int64) {
	b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkSpeedUp is ResNet50 at batch 8, frozen, on one core and on two in turn: times are the sums of the medians of
// all layers, so that a layer from which another program took a core does not count, and those of the fastest.
func BenchmarkSpeedUp(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("needs two cores")
	}
	x := pictures(8, 224, 224)
	var frozen [2]*models.Frozen
	var times [2][][]float64 // by layer, in ms
	for i := range frozen {
		before := runtime.GOMAXPROCS(i + 1)
		be := open(b, "cpu")
		runtime.GOMAXPROCS(before)
		m, err := models.New(be, "resnet50", models.Config{Seed: 1})
		require.NoError(b, err)
		frozen[i], err = models.Freeze(m, 8, 224, 224)
		require.NoError(b, err)
		defer frozen[i].Close()
		times[i] = make([][]float64, len(frozen[i].Layers()))
	}
	y := tensor.FromSlice(make([]float32, frozen[0].OutputShape().Len()), frozen[0].OutputShape()...)
	for b.Loop() {
		for i, f := range frozen {
			took := make([]float64, len(times[i]))
			see := func(layer int, _ time.Time, d time.Duration) { took[layer] += d.Seconds() * 1e3 }
			require.NoError(b, f.Profile(b.Context(), y, x, see))
			for l := range took {
				times[i][l] = append(times[i][l], took[l])
			}
		}
	}
	median1, fastest1 := sumOfLayers(times[0])
	median2, fastest2 := sumOfLayers(times[1])
	b.ReportMetric(median1, "ms/one-core")
	b.ReportMetric(median2, "ms/two-cores")
	b.ReportMetric(median1/median2, "speed-up")
	b.ReportMetric(fastest1/fastest2, "fastest-speed-up")
}

// sumOfLayers adds up the medians of some times by layer, and the least of them.
func sumOfLayers(times [][]float64) (median, fastest float64) {
	for _, t := range times {
		slices.Sort(t)
		median += t[len(t)/2]
		fastest += t[0]
	}
	return median, fastest
}
