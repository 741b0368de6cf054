package ref

import (
	"context"
	"math"
	"reflect"
	"slices"

	"truegrain/kernels"
)

// Mixed is the oracle of training in mixed precision: itself, on values in bfloat16. float64 has none.
func (b *Backend[T]) Mixed() (kernels.Backend, bool) {
	m, ok := any(b).(*Backend[float32])
	return mixed{m}, ok
}

// mixed computes every op in float32, on what its operands in bfloat16 hold, and rounds its results once.
// Weights and biases that meet values in bfloat16 are rounded first. Its ops are in mixedops.go.
type mixed struct{ *Backend[float32] }

// Activations is bfloat16.
func (m mixed) Activations() kernels.DType { return kernels.BF16 }

// WithContext is the backend itself.
func (m mixed) WithContext(context.Context) kernels.Backend { return m }

// rounded makes each buffer a copy of itself whose values are those of bfloat16, where what it meets has
// those.
func rounded(meets kernels.Buf, operands ...*kernels.Buf) {
	for _, b := range operands {
		if b.IsZero() || b.DType() == kernels.BF16 || meets.DType() != kernels.BF16 {
			continue
		}
		v := slices.Clone(kernels.Floats[float32](*b))
		for i, x := range v {
			v[i] = kernels.BF16Float(kernels.BF16Bits(x))
		}
		*b = kernels.Of(v)
	}
}

// widened runs an op on float32 copies of what it has in bfloat16, and rounds what it has changed there.
func widened[O any](o O, run func(O)) {
	var w widening
	w.visit(reflect.ValueOf(&o).Elem())
	run(o)
	w.round()
}

// widening is the copies of an op's operands.
type widening []widenedBuf

type widenedBuf struct {
	half         kernels.Buf
	copy, before []float32
}

// visit replaces every buffer of bfloat16 in an op's struct.
func (w *widening) visit(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[kernels.Buf]():
		if b := v.Interface().(kernels.Buf); b.DType() == kernels.BF16 {
			v.Set(reflect.ValueOf(kernels.Of(w.of(b))))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			w.visit(v.Field(i))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct: // of Buf or Grad
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len()) // the caller's stays as it is
		reflect.Copy(own, v)
		v.Set(own)
		for i := range v.Len() {
			w.visit(v.Index(i))
		}
	}
}

// of is the copy of a buffer, one and the same if it stands in two fields.
func (w *widening) of(b kernels.Buf) []float32 {
	for _, c := range *w {
		if c.half.Addr() == b.Addr() && c.half.Len() == b.Len() {
			return c.copy
		}
	}
	v := make([]float32, b.Len())
	for i, x := range kernels.Floats[uint16](b) {
		v[i] = kernels.BF16Float(x)
	}
	*w = append(*w, widenedBuf{b, v, slices.Clone(v)})
	return v
}

// round stores what has changed: heads lie between each other, and their gradients must not undo one another.
func (w *widening) round() {
	for _, c := range *w {
		to := kernels.Floats[uint16](c.half)
		for i, v := range c.copy {
			if math.Float32bits(v) != math.Float32bits(c.before[i]) {
				to[i] = kernels.BF16Bits(v)
			}
		}
	}
}
