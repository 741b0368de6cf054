package models_test

import (
	"context"
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/tensor"
)

// What a model would do and take can be told without running it: on a tape over a dry pool.
func Example_inspect() {
	be, err := kernels.Open("cpu")
	if err != nil {
		panic(err)
	}
	defer be.Close()
	m, err := models.New(be, "resnet18", models.Config{Classes: 1, Empty: true})
	if err != nil {
		panic(err)
	}
	t := autograd.NewTape(be, autograd.WithPool(autograd.NewDryPool()))
	m.Forward(t, t.Alloc(1, 224, 224, 3))
	var total kernels.Cost
	for i, n := range t.Nodes() {
		if i < 3 {
			fmt.Println(n.Path, n.Name, n.Out.Shape())
		}
		total = total.Plus(n.Cost())
	}
	fmt.Printf("%.1f GFLOP\n", float64(total.FLOPs)/1e9)
	// Output:
	// conv1 conv2d [1 112 112 64]
	// bn1 batchnorm [1 112 112 64]
	// maxpool maxpool2d [1 56 56 64]
	// 3.6 GFLOP
}

// A frozen model answers for pictures of one size, from any number of goroutines.
func ExampleFreeze() {
	be, err := kernels.Open("cpu")
	if err != nil {
		panic(err)
	}
	defer be.Close()
	m, err := models.New(be, "resnet_mini", models.Config{Classes: 2, Seed: 1})
	if err != nil {
		panic(err)
	}
	f, err := models.Freeze(m, 1, 64, 64)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	y, err := f.Run(context.Background(), tensor.FromSlice(make([]float32, 64*64*3), 1, 64, 64, 3))
	fmt.Println(y.Shape(), err)
	// Output: [1 2] <nil>
}
