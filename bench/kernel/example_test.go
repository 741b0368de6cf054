package kernel_test

import (
	"fmt"

	"truegrain/bench/kernel"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
)

// A kernel of one's own is a function of the op's argument struct. Registered in a file beside bench/main.go,
//
//	go run ./bench kernels --op relu --impl builtin,mine
//
// checks it against the oracle and times it in turn with the built-in one. Here it is checked only.
func Example() {
	kernel.Register("mine", func(op kernels.ReLU) {
		y := kernels.Floats[float32](op.Y)
		for i, x := range kernels.Floats[float32](op.X) {
			y[i] = max(x, 0)
		}
	})

	host, _ := kernel.OpenImpl(kernel.Builtin) // whose memory all share
	defer host.Close()
	mine, _ := kernel.OpenImpl("mine")
	problem, err := kernel.New("relu", "forward", "1000")
	if err != nil {
		fmt.Println(err)
		return
	}
	bench, _ := problem.Load(host.Backend)
	defer bench.Close()
	call, _ := bench.Prepare(mine)
	e, err := bench.Check(call)
	fmt.Println(problem.Name(), "error", e, err)
	// Output: relu/forward 1000 error 0 <nil>
}

// A shape is written as sizes, the result's behind a dash, options, and what is fused.
func ExampleNew() {
	_, err := kernel.New("conv2d", "forward", "8x56x56x64-64k3p1+bias+relu")
	fmt.Println(err)
	_, err = kernel.New("conv2d", "forward", "8x56x56x64")
	fmt.Println(err)
	// Output:
	// <nil>
	// conv2d 8x56x56x64: the sizes of the result are missing; an example is 8x56x56x64-64k3p1
}
