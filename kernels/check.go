package kernels

import (
	"fmt"
	"slices"
)

// check panics with *ArgError if the geometry is wrong or the channels do not divide into the groups.
func check(op string, window error, groups bool) {
	if window != nil {
		panic(&ArgError{op, "Window", window.Error()})
	}
	if !groups {
		panic(&ArgError{op, "Groups", "must divide the channels of input and output"})
	}
}

// checkLen panics with *ArgError unless b holds exactly the elements of dims.
func checkLen(op, field string, b Buf, dims ...int) {
	if int64(b.Len()) != product(dims...) {
		shape := slices.Clone(dims) // so that dims, which is right nearly always, stays on the stack
		panic(&ArgError{op, field,
			fmt.Sprintf("has %d elements, its shape %v needs %d", b.Len(), shape, product(dims...))})
	}
}

func checkOptional(op, field string, b Buf, dims ...int) {
	if !b.IsZero() {
		checkLen(op, field, b, dims...)
	}
}
