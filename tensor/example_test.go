package tensor_test

import (
	"fmt"

	"truegrain/kernels"
	"truegrain/tensor"
)

// A tensor is a shape over memory. Views share the memory, and what does not fit says so.
func Example() {
	x := tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	fmt.Println(x.Shape(), x.Dim(-1), x.Len())
	fmt.Println(kernels.Floats[float32](x.Index(1).Buf)) // a view: no copy
	err := tensor.Catch(func() { x.Reshape(4, 4) })
	fmt.Println(err)
	// Output:
	// [2 3] 3 6
	// [4 5 6]
	// reshape: shape is [4 4], want [2 3]
}
