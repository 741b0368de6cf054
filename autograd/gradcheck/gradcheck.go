// Package gradcheck compares gradients with central differences in float64 on the reference backend, where
// tolerances are tight and no op needs a step size of its own.
package gradcheck

import (
	"fmt"
	"math"
	"testing"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// Input is one operand: its shape and its values.
type Input struct {
	Shape  []int
	Values []float64
}

// Case is one op, or any function made of ops.
type Case struct {
	Inputs []Input
	Op     func(t *autograd.Tape, in []*autograd.Var) *autograd.Var
	// Rel is the largest error of each gradient, as a share of the gradient's norm; 0 means 1e-6.
	Rel     float64
	Options []autograd.Option
}

// Run fails the test unless every gradient of Σ y·probe is that of the central differences.
func Run(t *testing.T, c Case) {
	t.Helper()
	if err := Check(ref.Open64(), c); err != nil {
		t.Error(err)
	}
}

// Check is Run on a float64 backend of the caller's, for those that are wrong on purpose.
func Check(be kernels.Backend, c Case) error {
	rel := c.Rel
	if rel == 0 {
		rel = 1e-6
	}
	got, err := c.gradients(be)
	if err != nil {
		return err
	}
	for k, in := range c.Inputs {
		want := make([]float64, len(in.Values))
		for i, x := range in.Values {
			// The error of a central difference is O(h²) from the third derivative and ε/h from rounding.
			h := 1e-5 * math.Max(1, math.Abs(x))
			up, err1 := c.value(be, k, i, x+h)
			down, err2 := c.value(be, k, i, x-h)
			if err1 != nil || err2 != nil {
				return fmt.Errorf("gradcheck: %v %v", err1, err2)
			}
			want[i] = (up - down) / (2 * h)
		}
		if e := relative(got[k], want); !(e <= rel) {
			return fmt.Errorf("gradient of input %d is off by %.3g of its norm, allowed are %.3g: got %v, "+
				"differences give %v",
				k, e, rel, head(got[k]), head(want))
		}
	}
	return nil
}

func head(v []float64) []float64 { return v[:min(8, len(v))] }

// relative is ‖got − want‖ as a share of ‖want‖, with a floor for gradients that are all zero.
func relative(got, want []float64) float64 {
	var d, n float64
	for i, w := range want {
		d += (got[i] - w) * (got[i] - w)
		n += w * w
	}
	return math.Sqrt(d) / math.Max(math.Sqrt(n), 1e-4)
}

// probe weights the elements of the result, so that every one of them counts and none alike.
func probe(n int) []float64 { return Uniform(99, -1, 1, []int{n})[0].Values }

// gradients runs the case once and reads what reached each input; zeros where nothing did.
func (c Case) gradients(be kernels.Backend) ([][]float64, error) {
	t := autograd.NewTape(be, c.Options...)
	defer t.Reset()
	vars := c.vars(t, -1, 0, 0)
	y := c.Op(t, vars)
	if err := t.BackwardFrom(y, tensor.FromSlice(probe(y.Len()), y.Shape()...)); err != nil {
		return nil, err
	}
	out := make([][]float64, len(vars))
	for i, v := range vars {
		if g := v.Gradient(); !g.IsZero() {
			out[i] = g.Float64s(be)
		} else {
			out[i] = make([]float64, v.Len())
		}
	}
	return out, nil
}

// value is Σ y·probe with element i of input k replaced.
func (c Case) value(be kernels.Backend, k, i int, x float64) (float64, error) {
	t := autograd.NewTape(be, c.Options...)
	defer t.Reset()
	y := c.Op(t, c.vars(t, k, i, x))
	if err := t.Err(); err != nil {
		return 0, err
	}
	var s float64
	p := probe(y.Len())
	for j, v := range y.Float64s(be) {
		s += v * p[j]
	}
	return s, nil
}

func (c Case) vars(t *autograd.Tape, k, i int, x float64) []*autograd.Var {
	vars := make([]*autograd.Var, len(c.Inputs))
	for n, in := range c.Inputs {
		values := append([]float64(nil), in.Values...)
		if n == k {
			values[i] = x
		}
		vars[n] = t.Input(tensor.FromSlice(values, in.Shape...))
	}
	return vars
}

// Uniform gives inputs with values uniform in [lo,hi), from a seed.
func Uniform(seed uint64, lo, hi float64, shapes ...[]int) []Input {
	p := kernels.NewPhilox(seed)
	out := make([]Input, len(shapes))
	for k, s := range shapes {
		v := make([]float64, tensor.Shape(s).Len())
		for i := range v {
			v[i] = lo + (hi-lo)*float64(p.Uniform(0, uint32(k), uint64(i)))
		}
		out[k] = Input{s, v}
	}
	return out
}

// Normal gives inputs with standard normal values, from a seed.
func Normal(seed uint64, shapes ...[]int) []Input {
	u, v := Uniform(seed, 0, 1, shapes...), Uniform(seed+1, 0, 1, shapes...)
	for k := range u {
		for i, a := range u[k].Values {
			u[k].Values[i] = math.Sqrt(-2*math.Log(1-a)) * math.Cos(2*math.Pi*v[k].Values[i])
		}
	}
	return u
}

// Apart gives inputs whose values all differ by at least gap and stay half of it away from zero, in a
// shuffled order: no difference quotient steps over the kink of a ReLU or over the tie of a maximum.
func Apart(seed uint64, gap float64, shapes ...[]int) []Input {
	out := Uniform(seed, 0, 1, shapes...)
	for k := range out {
		v := out[k].Values
		rank := make([]int, len(v))
		for i := range v {
			for j := range v {
				if v[j] < v[i] || v[j] == v[i] && j < i {
					rank[i]++
				}
			}
		}
		for i, r := range rank {
			v[i] = (float64(r-len(v)/2) + 0.5) * gap
		}
	}
	return out
}
