package models_test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/nn/golden"
	"truegrain/train/optim"
)

// steadyCase is an architecture and the size of its pictures.
type steadyCase struct {
	name string
	size int
}

// steadyCases are small enough that every model is run: one step of training and one frozen inference.
var steadyCases = []steadyCase{{"resnet50", 64}, {"fcn_resnet50", 48}, {"fcn8s_resnet50", 48}, {"vit_mini", 64}, {"resnet_mini", 64}, {"fcn8s_mini", 64},
	{"vit_mini_8", 64}}

// fullCases are the architectures at the size of the pictures that they are for.
var fullCases = []steadyCase{{"resnet50", 224}, {"fcn_resnet50", 224}, {"vit_b_16", 224}}

// digest is a fingerprint of the bytes of buffers.
func digest(t testing.TB, be kernels.Backend, bufs ...kernels.Buf) uint64 {
	h := fnv.New64a()
	for _, b := range bufs {
		v := make([]float32, b.Len())
		if b.OnDevice() {
			be.Download(kernels.Of(v), b)
		} else {
			copy(v, kernels.Floats[float32](b))
		}
		require.NoError(t, binary.Write(h, binary.LittleEndian, v))
	}
	return h.Sum64()
}

// step is one step of training on two pictures; it gives a fingerprint of the loss and of all parameters
// after it.
func step(t testing.TB, be kernels.Backend, m models.Model, size int) uint64 {
	opt, err := optim.New("adamw", m.Params(), optim.Options{WeightDecay: 0.01})
	require.NoError(t, err)
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain())
	defer tape.Reset()
	y := m.Forward(tape, tape.Upload(pictures(2, size, size)))
	loss := tape.BCELogits(y, tape.Zeros(y.Shape()...))
	require.NoError(t, tape.Backward(loss))
	opt.Step(1e-3)
	bufs := []kernels.Buf{loss.Buf}
	for _, p := range m.Params() {
		bufs = append(bufs, p.Value.Buf)
	}
	return digest(t, be, bufs...)
}

func TestSameBytesWhateverTheNumberOfCores(t *testing.T) {
	cases := steadyCases
	if golden.Slow() {
		cases = append(slices.Clone(cases), fullCases...)
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %d", c.name, c.size), func(t *testing.T) {
			var trained, served uint64
			for _, cores := range []int{1, 2, 4} {
				func() {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
					be, err := kernels.Open("cpu")
					require.NoError(t, err)
					defer be.Close()
					m := withStatistics(t, be, c.name)
					f, err := models.Freeze(m, 2, c.size, c.size)
					require.NoError(t, err)
					defer f.Close()
					y, err := f.Run(t.Context(), pictures(2, c.size, c.size))
					require.NoError(t, err)
					s, tr := digest(t, be, y.Buf), step(t, be, m, c.size)
					if cores == 1 {
						served, trained = s, tr
					}
					require.Equal(t, served, s, "inference on %d cores", cores)
					require.Equal(t, trained, tr, "training on %d cores", cores)
				}()
			}
		})
	}
}

// collecting runs a garbage collection every millisecond until stop is called.
func collecting() (stop func()) {
	var done sync.WaitGroup
	quit := make(chan struct{})
	done.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Millisecond):
				runtime.GC()
			}
		}
	})
	return func() { close(quit); done.Wait() }
}

func TestTrainingSurvivesTheGarbageCollector(t *testing.T) {
	be := open(t, "cpu")
	for _, c := range steadyCases[4:] {
		want := step(t, be, withStatistics(t, be, c.name), c.size)
		stop := collecting()
		for range 5 {
			require.Equal(t, want, step(t, be, withStatistics(t, be, c.name), c.size), c.name)
		}
		stop()
	}
}

// BenchmarkTrainUnderCollection is a step of training with and without a garbage collection every
// millisecond.
func BenchmarkTrainUnderCollection(b *testing.B) {
	be := open(b, "cpu")
	m, err := models.New(be, "resnet50", models.Config{Seed: 1, Classes: 1})
	require.NoError(b, err)
	x := pictures(8, 224, 224)
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain())
	run := func(b *testing.B) {
		for b.Loop() {
			y := m.Forward(tape, tape.Upload(x))
			require.NoError(b, tape.Backward(tape.BCELogits(y, tape.Zeros(y.Shape()...))))
			tape.Reset()
		}
	}
	b.Run("quiet", run)
	b.Run("every millisecond", func(b *testing.B) {
		defer collecting()()
		run(b)
	})
}
