// Package ref is the oracle: every op of the contract in plain serial loops, straight from its formula,
// generic over float32 and float64. All sums are gathered in float64, so that a float32 result is as good as
// its storage. It is slow on purpose: what it computes must be obvious.
package ref

import (
	"context"
	"fmt"

	"truegrain/kernels"
)

// Float is the type of a backend's values.
type Float interface{ float32 | float64 }

// Backend computes in host memory with values of type T.
type Backend[T Float] struct {
	kernels.Unsupported
	name string
}

// Open32 opens the oracle with float32 values.
func Open32() kernels.Backend { return open[float32]("ref") }

// Open64 opens the oracle with float64 values: what gradients are checked on.
func Open64() kernels.Backend { return open[float64]("ref:float64") }

func open[T Float](name string) *Backend[T] {
	return &Backend[T]{kernels.Unsupported{Backend: name}, name}
}

func init() {
	kernels.Register(kernels.Driver{
		Kind: "ref",
		Open: func(arg string) (kernels.Backend, error) {
			switch arg {
			case "", "float32":
				return Open32(), nil
			case "float64":
				return Open64(), nil
			}
			return nil, fmt.Errorf("%w; ref is ref or ref:float64", kernels.ErrNoBackend)
		},
		Devices: func() []kernels.DeviceInfo {
			return []kernels.DeviceInfo{{Spec: "ref", Description: "the oracle: plain loops, float32"},
				{Spec: "ref:float64", Description: "the oracle: plain loops, float64"}}
		},
	})
}

// Name is the spec.
func (b *Backend[T]) Name() string { return b.name }

// DType is the type of the values.
func (b *Backend[T]) DType() kernels.DType { return kernels.Of([]T(nil)).DType() }

// Activations is the type of the values.
func (b *Backend[T]) Activations() kernels.DType { return b.DType() }

// WithContext is the backend itself: the oracle's ops are small and run to their end.
func (b *Backend[T]) WithContext(context.Context) kernels.Backend { return b }

// Close does nothing.
func (b *Backend[T]) Close() error { return nil }

// floats is the elements of a buffer in host memory; nil for the zero Buf.
func (b *Backend[T]) floats(x kernels.Buf) []T { return kernels.Floats[T](x) }

// sum gathers one output in float64 before it is stored: a gradient, or a result with many contributions.
type sum []float64

// gather starts the sum of a wanted Grad.
func gather(g kernels.Grad) sum { return make(sum, g.Buf.Len()) }

// store writes the sum where the Grad says, or adds it.
func (b *Backend[T]) store(g kernels.Grad, s sum) {
	dst := b.floats(g.Buf)
	for i, v := range s {
		if g.Acc {
			dst[i] += T(v)
		} else {
			dst[i] = T(v)
		}
	}
}

// each stores f(i) for every element of a Grad that is wanted.
func (b *Backend[T]) each(g kernels.Grad, f func(i int) float64) {
	if !g.Wanted() {
		return
	}
	s := gather(g)
	for i := range s {
		s[i] = f(i)
	}
	b.store(g, s)
}

// dot adds the products of a and b to s, one after the other.
func dot[A, B Float](s float64, a []A, b []B) float64 {
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// add adds a·x to s.
func add[X Float](s []float64, a float64, x []X) {
	for i, v := range x {
		s[i] += a * float64(v)
	}
}
