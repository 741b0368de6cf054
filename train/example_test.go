package train_test

import (
	"context"
	"fmt"
	"iter"

	"truegrain/autograd"
	"truegrain/kernels"
	_ "truegrain/kernels/all" // the backends
	"truegrain/nn"
	"truegrain/tensor"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/optim"
)

// tiny is a network of one convolution, 3x3, averaged over the picture. What a Loop needs of a model is these
// three methods.
type tiny struct {
	conv   *nn.Conv2D
	params []*autograd.Param
}

func (m *tiny) Params() []*autograd.Param { return m.params }

func (m *tiny) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return t.Reshape(t.AdaptiveAvgPool2D(m.conv.Forward(t, x), 1, 1), x.Dim(0), 1) // logits (B,1)
}

func (m *tiny) Probability(t *autograd.Tape, logits *autograd.Var) *autograd.Var {
	return t.Reshape(t.Sigmoid(logits), logits.Dim(0))
}

// lights gives four batches of two pictures 8x8: a dark AI picture and a bright photograph.
type lights struct{ seed uint64 }

func (lights) Batches() int  { return 4 }
func (lights) Pictures() int { return 8 }

func (n lights) Epoch(_ context.Context, epoch, first int) iter.Seq2[*data.Batch, error] {
	return func(yield func(*data.Batch, error) bool) {
		for i := first; i < n.Batches(); i++ {
			x, random := make([]float32, 2*8*8*3), kernels.NewPhilox(n.seed)
			for k := range x {
				x[k] = random.Uniform(uint32(epoch), uint32(i), uint64(k)) - float32(1-k/(8*8*3))
			}
			b := &data.Batch{X: tensor.FromSlice(x, 2, 8, 8, 3), Label: []int32{data.AI, data.Photograph}}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// A loop takes any model and any source of batches.
func Example() {
	be, err := kernels.Open("cpu")
	if err != nil {
		panic(err)
	}
	defer be.Close()
	b := nn.NewBuilder(be, 1 /* seed */)
	m := &tiny{conv: nn.NewConv2D(b.In("conv"), 3, 1, nn.Conv{Kernel: 3, Padding: 1})}
	m.params = b.Params()
	adam, err := optim.New("adam", m.Params(), optim.Options{})
	if err != nil {
		panic(err)
	}

	l := &train.Loop{Backend: be, Model: m, Train: lights{seed: 1}, Val: lights{seed: 2},
		Optimizer: adam, Schedule: optim.Constant(0.1), Epochs: 5}
	history, err := l.Run(context.Background())
	last := history[len(history)-1]
	fmt.Printf("%d epochs, accuracy %.0f %%, loss below a tenth: %t, %v\n", len(history), 100*last.Accuracy,
		last.ValLoss < 0.1, err)
	// Output: 5 epochs, accuracy 100 %, loss below a tenth: true, <nil>
}
