// Package tensor holds shapes and the memory they describe: contiguous, row-major, channels last. A Tensor is
// a small value, copied freely; views by Reshape, Index and Rows share memory. Nothing here computes.
package tensor

import (
	"fmt"
	"slices"

	"truegrain/kernels"
)

// Shape is the size of each axis, slowest first. Pictures are (B,H,W,C), tokens (B,T,D).
type Shape []int

// Len is the number of elements, 1 for a scalar's empty shape.
func (s Shape) Len() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

func (s Shape) String() string { return fmt.Sprint([]int(s)) }

// Tensor is a shape over a buffer of exactly that many elements.
type Tensor struct {
	shape Shape
	Buf   kernels.Buf
}

// New puts a shape over a buffer. It panics with *ShapeError if their sizes differ.
func New(buf kernels.Buf, shape ...int) Tensor {
	if Shape(shape).Len() != buf.Len() || slices.ContainsFunc(shape, func(d int) bool { return d < 0 }) {
		panic(&ShapeError{Op: fmt.Sprintf("tensor over %d elements", buf.Len()), Want: []int{buf.Len()},
			Got: shape})
	}
	return Tensor{slices.Clone(Shape(shape)), buf}
}

// FromSlice puts a shape over a Go slice in host memory, sharing it.
func FromSlice[T kernels.Element](data []T, shape ...int) Tensor {
	return New(kernels.Of(data), shape...)
}

// Shape is the size of each axis; the caller must not change it.
func (t Tensor) Shape() Shape { return t.shape }

// Rank is the number of axes.
func (t Tensor) Rank() int { return len(t.shape) }

// Len is the number of elements.
func (t Tensor) Len() int { return t.Buf.Len() }

// Dim is the size of axis i; negative i counts from the last axis, −1.
func (t Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.shape)
	}
	if i < 0 || i >= len(t.shape) {
		panic(&ShapeError{Op: fmt.Sprintf("axis %d", i), Got: t.shape})
	}
	return t.shape[i]
}

// IsZero says that there is no tensor here.
func (t Tensor) IsZero() bool { return t.Buf.IsZero() }

// Reshape is the same elements in another shape. One axis may be −1: what is left over.
func (t Tensor) Reshape(shape ...int) Tensor {
	shape = slices.Clone(shape)
	if i := slices.Index(shape, -1); i >= 0 {
		shape[i] = 1
		if rest := Shape(shape).Len(); rest > 0 && t.Len()%rest == 0 {
			shape[i] = t.Len() / rest
		}
	}
	if Shape(shape).Len() != t.Len() {
		panic(&ShapeError{Op: "reshape", Got: shape, Want: t.shape})
	}
	return Tensor{shape, t.Buf}
}

// Rows is elements lo..hi−1 of the leading axis.
func (t Tensor) Rows(lo, hi int) Tensor {
	n := t.Dim(0)
	if lo < 0 || hi < lo || hi > n {
		panic(&ShapeError{Op: fmt.Sprintf("rows %d..%d", lo, hi), Got: t.shape})
	}
	each := t.shape[1:].Len()
	shape := slices.Clone(t.shape)
	shape[0] = hi - lo
	return Tensor{shape, t.Buf.Slice(lo*each, hi*each)}
}

// Index is element i of the leading axis, one axis fewer.
func (t Tensor) Index(i int) Tensor {
	r := t.Rows(i, i+1)
	r.shape = r.shape[1:]
	return r
}

// MustShape panics with *ShapeError, naming op, unless the shape is exactly want; −1 stands for any size.
func (t Tensor) MustShape(op string, want ...int) {
	ok := len(want) == len(t.shape)
	for i := 0; ok && i < len(want); i++ {
		ok = want[i] == -1 || want[i] == t.shape[i]
	}
	if !ok {
		panic(&ShapeError{Op: op, Got: t.shape, Want: want})
	}
}

// Float32s copies the elements to host memory as float32, from whichever type and device they have.
func (t Tensor) Float32s(be kernels.Memory) []float32 {
	out := make([]float32, t.Len())
	be.Download(kernels.Of(out), t.Buf)
	return out
}

// Float64s copies the elements to host memory as float64.
func (t Tensor) Float64s(be kernels.Memory) []float64 {
	out := make([]float64, t.Len())
	be.Download(kernels.Of(out), t.Buf)
	return out
}
