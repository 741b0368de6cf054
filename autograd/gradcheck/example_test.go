package gradcheck_test

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/autograd/gradcheck"
	"truegrain/kernels/ref"
)

// An op of one's own is a function of a tape: it is differentiated, drawn and timed as the ops that it is
// made of.
func Example() {
	swish := func(t *autograd.Tape, x *autograd.Var) *autograd.Var { // x·σ(x), Ramachandran et al. 2017
		return t.Mul(x, t.Sigmoid(x))
	}
	x := gradcheck.Normal(1 /* seed */, []int{2, 5})
	fmt.Println(gradcheck.Check(ref.Open64(), gradcheck.Case{Inputs: x,
		Op: func(t *autograd.Tape, in []*autograd.Var) *autograd.Var { return swish(t, in[0]) }}))

	// A constant hides from the backward what the differences see.
	fmt.Println(gradcheck.Check(ref.Open64(), gradcheck.Case{Inputs: x,
		Op: func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
			return t.Mul(in[0], t.Const(t.Sigmoid(in[0]).Tensor))
		}}) != nil)
	// Output:
	// <nil>
	// true
}
