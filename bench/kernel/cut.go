package kernel

import (
	"reflect"
	"strings"

	"truegrain/kernels"
)

// cutElements compares some thousand elements of an op that works element by element.
func cutElements[A any](fields ...string) func(any) *cut {
	return func(args any) *cut {
		n := int(reflect.ValueOf(args).FieldByName("N").Int())
		c := &cut{dim: "N", n: n, pick: spread(n, 5000), inner: map[string]int{}}
		for _, f := range fields {
			c.inner[f] = 1
		}
		return c
	}
}

// cutPictures compares the last picture of a batch. more are operands of the result's size beside Y.
func cutPictures[A any](more ...string) func(any) *cut {
	return func(args any) *cut {
		v := reflect.ValueOf(args)
		size := func(names string) int {
			n := 1
			for _, f := range strings.Fields(names) {
				n *= int(v.FieldByName(f).Int())
			}
			return n
		}
		b := size("B")
		c := &cut{dim: "B", n: b, pick: []int{max(b-1, 0)},
			inner: map[string]int{"X": size("H W C"), "Y": size("OH OW C")}}
		for _, f := range more {
			c.inner[f] = c.inner["Y"]
		}
		return c
	}
}

// smaller is the op with picked elements along the cut's axis. Its buffers are still the whole ones.
func (c *cut) smaller(args reflect.Value) reflect.Value {
	v := reflect.New(args.Type()).Elem()
	v.Set(args)
	v.FieldByName(c.dim).SetInt(int64(len(c.pick)))
	if c.fix != nil {
		c.fix(v, len(c.pick))
	}
	return v
}

// values copies the picked part of an operand, all of it without a cut or where the operand has no such axis.
func (c *cut) values(field string, b kernels.Buf) []float64 {
	all := floats(b)
	inner := 0
	if c != nil {
		inner = c.inner[field]
	}
	if inner == 0 || len(all) == 0 {
		return all
	}
	row := c.n * inner // the last one may end early
	var out []float64
	for at := 0; at < len(all); at += row {
		for _, p := range c.pick {
			lo := at + p*inner
			out = append(out, all[lo:min(lo+inner, len(all))]...)
		}
	}
	return out
}

// floats copies host memory as float64.
func floats(b kernels.Buf) []float64 {
	out := make([]float64, b.Len())
	switch b.DType() {
	case kernels.F32:
		for i, v := range kernels.Floats[float32](b) {
			out[i] = float64(v)
		}
	case kernels.F64:
		copy(out, kernels.Floats[float64](b))
	case kernels.I32:
		for i, v := range kernels.Floats[int32](b) {
			out[i] = float64(v)
		}
	}
	return out
}
