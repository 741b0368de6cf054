package nn_test

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/nn"
	"truegrain/tensor"
)

// A layer is its parameters and one call of autograd. One step of gradient descent makes the loss smaller.
func Example() {
	be, err := kernels.Open("cpu")
	if err != nil {
		panic(err)
	}
	defer be.Close()
	b := nn.NewBuilder(be, 1)
	model := nn.Sequential{
		nn.NewConv2D(b.In("conv"), 1, 4, nn.Conv{Kernel: 3, Padding: 1}),
		nn.NewBatchNorm2D(b.In("bn"), 4).WithReLU(),
		nn.NewConv2D(b.In("score"), 4, 1, nn.Conv{Kernel: 1}),
	}
	for _, p := range b.Params()[:4] {
		fmt.Println(p.Name, p.Value.Shape())
	}

	t := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain())
	loss := func() float64 {
		x := t.Upload(tensor.FromSlice([]float32{0, 1, 0, 1, 1, 1, 0, 1, 0}, 1, 3, 3, 1))
		l := t.MSE(model.Forward(t, x), t.Zeros(1, 3, 3, 1))
		if err := t.Backward(l); err != nil {
			panic(err)
		}
		v, _ := l.Scalar()
		t.Reset()
		return v
	}
	before := loss()
	for _, p := range b.Params() {
		if !p.Buffer {
			be.SGD(kernels.SGD{N: p.Value.Len(), LR: 0.01, P: p.Value.Buf, G: p.Grad().Buf})
			p.ZeroGrad()
		}
	}
	fmt.Println("smaller:", loss() < before)
	// Output:
	// conv.weight [4 3 3 1]
	// conv.bias [4]
	// bn.weight [4]
	// bn.bias [4]
	// smaller: true
}
