package nn_test

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/nn"
	"truegrain/tensor"
)

// A network with one hidden layer learns XOR, which no linear one can.
func Example_xor() {
	be, err := kernels.Open("cpu")
	if err != nil {
		panic(err)
	}
	defer be.Close()
	b := nn.NewBuilder(be, 1 /* seed */)
	hidden, out := nn.NewLinear(b.In("hidden"), 2, 8), nn.NewLinear(b.In("out"), 8, 1)
	questions := []float32{0, 0, 0, 1, 1, 0, 1, 1}
	x, answers := tensor.FromSlice(questions, 4, 2), tensor.FromSlice([]float32{0, 1, 1, 0}, 4, 1)

	t := autograd.NewTape(be, autograd.WithGrad())
	defer t.Reset()
	forward := func() *autograd.Var { return out.Forward(t, t.ReLU(hidden.Forward(t, t.Upload(x)))) }
	for range 300 {
		if err := t.Backward(t.BCELogits(forward(), t.Upload(answers))); err != nil {
			panic(err)
		}
		for _, p := range b.Params() {
			be.SGD(kernels.SGD{N: p.Value.Len(), LR: 0.5, P: p.Value.Buf, G: p.Grad().Buf})
			p.ZeroGrad()
		}
		t.Reset()
	}

	p, err := t.Sigmoid(forward()).Values()
	for i := range p {
		fmt.Printf("%v xor %v: %.1f\n", questions[2*i], questions[2*i+1], p[i])
	}
	fmt.Println(err)
	// Output:
	// 0 xor 0: 0.0
	// 0 xor 1: 1.0
	// 1 xor 0: 1.0
	// 1 xor 1: 0.0
	// <nil>
}

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
