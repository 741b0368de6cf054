package models_test

import (
	"context"
	"testing"

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
