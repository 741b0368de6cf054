package autograd_test

import (
	"fmt"
	"os"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// A tape computes as it records, and then differentiates: the slope of x² at 3 is 6.
func Example() {
	t := autograd.NewTape(ref.Open64())
	defer t.Reset()
	x := t.Input(tensor.FromSlice([]float64{3}, 1))
	y := t.Mul(x, x)
	if err := t.Backward(y); err != nil {
		panic(err)
	}
	v, _ := y.Scalar()
	fmt.Println(v, x.Gradient().Float64s(t.Backend()))
	// Output: 9 [6]
}

// A tape describes what it ran: this is what inspection, graphs and frozen models read.
func ExampleTape_Nodes() {
	t := autograd.NewTape(ref.Open64())
	defer t.Reset()
	x := t.Zeros(1, 8, 8, 3) // one picture, channels last
	leave := t.Enter("conv1")
	y := t.Conv2D(x, t.Zeros(16, 3, 3, 3), nil, nil,
		autograd.Conv{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}})
	leave()
	t.ReLU(y)
	for _, n := range t.Nodes() {
		fmt.Printf("%q %s %v: %d FLOPs\n", n.Path, n.Name, n.Out.Shape(), n.Cost().FLOPs)
	}
	// Output:
	// "conv1" conv2d [1 4 4 16]: 13824 FLOPs
	// "" relu [1 4 4 16]: 256 FLOPs
}

// Guided backpropagation is a rule of every ReLU on the tape: only positive gradients pass.
func ExampleWithReLURule() {
	for _, rule := range []kernels.ReLURule{kernels.Gradient, kernels.Guided} {
		t := autograd.NewTape(ref.Open64(), autograd.WithReLURule(rule))
		x := t.Input(tensor.FromSlice([]float64{1, 2, -3}, 3))
		weights := t.Const(tensor.FromSlice([]float64{5, -5, 5}, 3))
		if err := t.Backward(t.Sum(t.Mul(t.ReLU(x), weights))); err != nil {
			panic(err)
		}
		fmt.Println(rule, x.Gradient().Float64s(t.Backend()))
		t.Reset()
	}
	// Output:
	// gradient [5 -5 0]
	// guided [5 0 0]
}

// A tap keeps the value that a layer marked, and its gradient: all that Grad-CAM needs.
func ExampleWithTaps() {
	t := autograd.NewTape(ref.Open64(), autograd.WithTaps("layer4"), autograd.WithTapGrads())
	defer t.Reset()
	x := t.Const(tensor.FromSlice([]float64{1, 2}, 2))
	leave := t.Enter("layer4")
	y := t.Mark(t.Scale(x, 10))
	leave()
	if err := t.Backward(t.Sum(t.Mul(y, y))); err != nil {
		panic(err)
	}
	tap := t.Tapped("layer4")
	fmt.Println(tap.Float64s(t.Backend()), tap.Gradient().Float64s(t.Backend()))
	// Output: [10 20] [20 40]
}

// A scope lets go of what was computed inside it, except its result.
func ExampleTape_Scope() {
	be := ref.Open64()
	pool := autograd.NewPool(be)
	t := autograd.NewTape(be, autograd.WithPool(pool))
	x := t.Zeros(16)
	t.Scope(func() *autograd.Var { return t.Sigmoid(t.Sigmoid(t.Sigmoid(x))) })
	fmt.Println(pool.Live()/128, "values of 16 float64 are alive")
	t.Reset()
	fmt.Println(pool.Live(), "after Reset")
	// Output:
	// 2 values of 16 float64 are alive
	// 0 after Reset
}

// What a tape ran, as a graph for Graphviz.
func ExampleWriteDOT() {
	be := ref.Open64()
	w, err := autograd.NewParam(be, "fc.weight", autograd.Plain, 2, 3)
	if err != nil {
		panic(err)
	}
	t := autograd.NewTape(be)
	defer t.Reset()
	defer t.Enter("fc")()
	t.Sigmoid(t.Linear(t.Zeros(1, 3), t.Param(w), nil, nil, kernels.NoActivation))
	if err := autograd.WriteDOT(os.Stdout, t.Nodes()); err != nil {
		panic(err)
	}
	// Output:
	// digraph model {
	//   rankdir=TB; node [shape=box, fontname=sans];
	//   n0 [label="fc\nlinear [1 2]"];
	//   input -> n0;
	//   "fc.weight" [shape=ellipse, label="fc.weight\n[2 3]"];
	//   "fc.weight" -> n0;
	//   n1 [label="fc\nsigmoid [1 2]"];
	//   n0 -> n1;
	// }
}
