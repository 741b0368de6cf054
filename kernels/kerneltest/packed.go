package kerneltest

import (
	"reflect"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// packed runs the op with packed weights, its Weight taken away: exact to the last bit, fast within the
// tolerance, and in bfloat16 against the oracle on rounded operands.
func (s *session) packed() {
	if !reflect.ValueOf(s.c.Op).FieldByName("Packed").IsValid() {
		return
	}
	op := s.op(s.be, s.host)
	op.Interface().(kernels.Op).Run(s.be)
	want := read(s.be, op.FieldByName("Y").Interface().(kernels.Buf))
	for _, how := range []kernels.Packing{kernels.Exact, kernels.Fast, kernels.BFloat16} {
		method, got := s.runPacked(op, how)
		switch {
		case method == "":
		case method == "bfloat16":
			s.near("Y", got, s.rounded(), "in bfloat16")
		case how == kernels.Exact:
			require.Equal(s.t, want, got, "with packed weights")
		default:
			s.near("Y", got, want, "by", method)
		}
	}
}

// runPacked gives the method and the result, or nothing where the backend reads weights as they are.
func (s *session) runPacked(op reflect.Value, how kernels.Packing) (method string, y []float64) {
	w, err := s.be.Pack(op.Interface().(kernels.Op), how)
	require.NoError(s.t, err)
	if w == nil {
		return "", nil
	}
	defer w.Free()
	v := reflect.New(op.Type()).Elem()
	v.Set(op)
	v.FieldByName("Weight").SetZero()
	v.FieldByName("Packed").Set(reflect.ValueOf(w))
	out := v.FieldByName("Y").Interface().(kernels.Buf)
	s.be.Fill(out, guardValue)
	v.Interface().(kernels.Op).Run(s.be)
	return w.Method(), read(s.be, out)
}

// rounded is the oracle's result on X and Weight rounded to bfloat16.
func (s *session) rounded() []float64 {
	values := map[string][]float64{}
	for f, v := range s.host {
		values[f] = v
		if f == "X" || f == "Weight" {
			values[f] = make([]float64, len(v))
			for i, x := range v {
				values[f][i] = float64(kernels.BF16Float(kernels.BF16Bits(float32(x))))
			}
		}
	}
	op := s.op(s.oracle, values)
	op.Interface().(kernels.Op).Run(s.oracle)
	return read(s.oracle, op.FieldByName("Y").Interface().(kernels.Buf))
}
