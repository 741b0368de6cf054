// Package kerneltest holds every backend to the contract: one suite that runs each op, forward and backward,
// against the float64 oracle on the same inputs, rounded to float32.
package kerneltest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// Tolerance is the largest relative L2 error of an output. A sum of K products in float32 errs by about √K·ε
// of its terms (ε = 6e-8); the suite's largest K is some 600, its worst cancellation about 5: √600·6e-8·5 ≈
// 7e-6. A gradient that is wrong by one part in a thousand is a hundred times beyond it.
const Tolerance = 1e-5

// Case is one op with the number of elements of its operands, by field. Grad is the zero value of its
// backward struct, nil if it has none.
type Case struct {
	Name    string
	Op      kernels.Op
	Grad    any
	In, Out map[string]int
	// Range is what inputs are drawn from, [-1,1) unless said, by field.
	Range map[string][2]float64
	// Ints are inputs of indices below a bound.
	Ints map[string]int
	// State names inputs that the op also writes: running statistics.
	State []string
}

// Run runs the whole suite on a backend.
func Run(t *testing.T, be kernels.Backend) {
	for _, c := range Cases() {
		t.Run(c.Op.Stem()+"/"+c.Name, func(t *testing.T) { c.run(t, be) })
	}
	t.Run("concat", func(t *testing.T) { concat(t, be) })
	t.Run("cast", func(t *testing.T) { casts(t, be) })
	t.Run("normalize", func(t *testing.T) { normalized(t, be, be.DType()) })
	t.Run("optimisers", func(t *testing.T) { optimisers(t, be) })
	t.Run("memory", func(t *testing.T) { memory(t, be) })
}

func (c Case) run(t *testing.T, be kernels.Backend) {
	s := &session{t: t, be: be, c: c, oracle: ref.Open64()}
	s.forward()
	s.packed()
	s.backwards()
	s.guards()
}

// session is one case on one backend, with activations in float32 or in bfloat16.
type session struct {
	bf16       bool
	drawn      bool     // sums of few rows, in which one value that was rounded the other way shows
	wide       []string // what stays float32 in mixed precision, where the oracle has bfloat16, too
	t          testing.TB
	be, oracle kernels.Backend
	c          Case
	host       map[string][]float64 // inputs, and the oracle's outputs rounded to float32
	guarded    []kernels.Buf
}

const (
	guard      = 16
	guardValue = -12352 // which bfloat16 holds
)

// buffer is n elements between guards, filled with v, or with NaN if v is nil.
func (s *session) buffer(be kernels.Backend, d kernels.DType, n int, v []float64) kernels.Buf {
	whole, err := be.Alloc(d, n+2*guard)
	require.NoError(s.t, err)
	be.Fill(whole, guardValue)
	if be == s.be {
		s.guarded = append(s.guarded, whole)
	}
	b := whole.Slice(guard, guard+n)
	switch {
	case d == kernels.I32:
		ints := make([]int32, n)
		for i := range ints {
			ints[i] = -7
			if v != nil {
				ints[i] = int32(v[i])
			}
		}
		be.Upload(b, kernels.Of(ints))
	case v != nil:
		be.Upload(b, kernels.Of(v))
	default:
		be.Fill(b, math.NaN())
	}
	return b
}

// guards fails if anything was written beside a buffer.
func (s *session) guards() {
	for _, b := range s.guarded {
		n := b.Len()
		for _, part := range []kernels.Buf{b.Slice(0, guard), b.Slice(n-guard, n)} {
			v := make([]float64, guard)
			if b.DType() == kernels.I32 {
				ints := make([]int32, guard)
				s.be.Download(kernels.Of(ints), part)
				for i, x := range ints {
					v[i] = float64(x) - 0.5
				}
			} else {
				s.be.Download(kernels.Of(v), part)
			}
			for _, x := range v {
				require.InDelta(s.t, guardValue, x, 1, "a kernel wrote beside its buffer")
			}
		}
	}
}

// random is n values for a field, rounded to its type.
func (s *session) random(field string, n int) []float64 {
	r, ok := s.c.Range[field]
	if !ok {
		r = [2]float64{-1, 1}
	}
	p := kernels.NewPhilox(uint64(len(field)) + 31*uint64(n) + uint64(field[0]))
	out := make([]float64, n)
	for i := range out {
		u := float64(p.Uniform(0, uint32(field[len(field)-1]), uint64(i)))
		out[i] = s.round(field, r[0]+(r[1]-r[0])*u)
		if bound, ok := s.c.Ints[field]; ok {
			out[i] = math.Floor(u * float64(bound))
		}
	}
	return out
}

func (s *session) dtype(be kernels.Backend, field string) kernels.DType {
	if _, ok := s.c.Ints[field]; ok || field == "Index" {
		return kernels.I32
	}
	if field == "Sums" {
		return kernels.F64
	}
	if (be == s.be || s.wide != nil) && s.half(field) {
		return kernels.BF16
	}
	return be.DType()
}

// op is the case's struct with buffers of a backend.
func (s *session) op(be kernels.Backend, values map[string][]float64) reflect.Value {
	v := reflect.New(reflect.TypeOf(s.c.Op)).Elem()
	v.Set(reflect.ValueOf(s.c.Op))
	for _, fields := range []map[string]int{s.c.In, s.c.Out} {
		for f, n := range fields {
			v.FieldByName(f).Set(reflect.ValueOf(s.buffer(be, s.dtype(be, f), n, values[f])))
		}
	}
	return v
}

func read(be kernels.Backend, b kernels.Buf) []float64 {
	out := make([]float64, b.Len())
	if b.DType() == kernels.I32 {
		ints := make([]int32, b.Len())
		be.Download(kernels.Of(ints), b)
		for i, v := range ints {
			out[i] = float64(v)
		}
		return out
	}
	be.Download(kernels.Of(out), b)
	return out
}

// forward compares every output, sees that inputs are as before, and keeps the oracle's outputs for the
// backward.
func (s *session) forward() {
	s.host = map[string][]float64{}
	for f, n := range s.c.In {
		s.host[f] = s.random(f, n)
	}
	want, got := s.op(s.oracle, s.host), s.op(s.be, s.host)
	want.Interface().(kernels.Op).Run(s.oracle)
	got.Interface().(kernels.Op).Run(s.be)
	for f := range s.c.Out {
		w := read(s.oracle, want.FieldByName(f).Interface().(kernels.Buf))
		s.near(f, read(s.be, got.FieldByName(f).Interface().(kernels.Buf)), w)
		for i, v := range w {
			if s.dtype(s.oracle, f) == kernels.F64 && f != "Sums" {
				w[i] = s.round(f, v)
			}
		}
		s.host[f] = w
	}
	for _, f := range s.c.State {
		s.near(f, read(s.be, got.FieldByName(f).Interface().(kernels.Buf)),
			read(s.oracle, want.FieldByName(f).Interface().(kernels.Buf)))
		delete(s.host, f)
		s.host[f] = s.random(f, s.c.In[f])
	}
	for f := range s.c.In {
		if !slices.Contains(s.c.State, f) {
			require.Equal(s.t, s.host[f], read(s.be, got.FieldByName(f).Interface().(kernels.Buf)),
				"input %s was changed", f)
		}
	}
}

// near compares by relative L2 error; integers must be equal.
func (s *session) near(field string, got, want []float64, how ...string) {
	s.t.Helper()
	if field == "Index" {
		require.Equal(s.t, want, got, "%s", field)
		return
	}
	var d, n float64
	tolerance := Tolerance
	if s.half(field) || s.drawn && field == "Sums" {
		tolerance = BFloat16Tolerance
	}
	for i, w := range want {
		require.False(s.t, math.IsNaN(got[i]), "%s[%d] was not written", field, i)
		w = s.round(field, w)
		d += (got[i] - w) * (got[i] - w)
		n += w * w
	}
	require.LessOrEqual(s.t, math.Sqrt(d), tolerance*math.Sqrt(n)+1e-7, "%s %v: relative L2 error",
		field, how)
}

// grads lists the gradients of the case's backward struct with the operand each belongs to.
func (c Case) grads() (names []string) {
	t := reflect.TypeOf(c.Grad)
	for i := range t.NumField() {
		if t.Field(i).Type == reflect.TypeFor[kernels.Grad]() &&
			c.In[t.Field(i).Name[1:]]+c.Out[t.Field(i).Name[1:]] > 0 {
			names = append(names, t.Field(i).Name)
		}
	}
	return names
}

// grad is the backward's struct on one backend, its gradients as wanted.
func (s *session) grad(be kernels.Backend, rule kernels.ReLURule, acc bool, wanted []string) reflect.Value {
	g := reflect.New(reflect.TypeOf(s.c.Grad)).Elem()
	g.FieldByName(reflect.TypeOf(s.c.Op).Name()).Set(s.op(be, s.host))
	dyLen := s.c.Out["Y"]
	dy := s.random("DY", dyLen)
	g.FieldByName("DY").Set(reflect.ValueOf(s.buffer(be, s.dtype(be, "DY"), dyLen, dy)))
	if f := g.FieldByName("Rule"); f.IsValid() {
		f.Set(reflect.ValueOf(rule))
	}
	for _, name := range wanted {
		n := s.c.In[name[1:]]
		var start []float64
		if acc {
			start = s.random(name, n)
		}
		buf := s.buffer(be, s.dtype(be, name), n, start)
		g.FieldByName(name).Set(reflect.ValueOf(kernels.Grad{Buf: buf, Acc: acc}))
	}
	if work := g.FieldByName("Work"); work.IsValid() {
		if n := be.Workspace(g.Interface()); n > 0 {
			work.Set(reflect.ValueOf(s.buffer(be, be.DType(), n, nil)))
		}
	}
	return g
}

// run runs the backward on one backend for the wanted gradients and gives what they hold then.
func (s *session) run(be kernels.Backend, rule kernels.ReLURule, acc bool,
	wanted []string) map[string][]float64 {
	g := s.grad(be, rule, acc, wanted)
	reflect.ValueOf(be).MethodByName(reflect.TypeOf(s.c.Op).Name() + "Backward").Call([]reflect.Value{g})
	out := map[string][]float64{}
	for _, name := range wanted {
		out[name] = read(be, g.FieldByName(name).Interface().(kernels.Grad).Buf)
	}
	return out
}

// backwards compares the gradients, if the op has any, written and added, together and one by one.
func (s *session) backwards() {
	if s.c.Grad == nil {
		return
	}
	for _, acc := range []bool{false, true} {
		s.backward(acc)
	}
	s.backwardOneByOne()
}

// backward compares all gradients, by every ReLU rule the op has.
func (s *session) backward(acc bool) {
	rules := []kernels.ReLURule{kernels.Gradient}
	if _, ok := reflect.TypeOf(s.c.Grad).FieldByName("Rule"); ok {
		rules = append(rules, kernels.Guided, kernels.Deconvnet)
	}
	for _, rule := range rules {
		want := s.run(s.oracle, rule, acc, s.c.grads())
		got := s.run(s.be, rule, acc, s.c.grads())
		for name, w := range want {
			s.near(name, got[name], w, rule.String(), fmt.Sprint("acc ", acc))
		}
	}
}

// backwardOneByOne sees that a gradient does not need the others to be wanted.
func (s *session) backwardOneByOne() {
	for _, name := range s.c.grads() {
		want := s.run(s.oracle, kernels.Gradient, false, []string{name})
		s.near(name, s.run(s.be, kernels.Gradient, false, []string{name})[name], want[name], "alone")
	}
}
