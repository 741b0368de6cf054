package kerneltest

import (
	"reflect"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// packed runs the op with packed weights, its Weight taken away: the same result to the last bit.
func (s *session) packed() {
	if !reflect.ValueOf(s.c.Op).FieldByName("Packed").IsValid() {
		return
	}
	op := s.op(s.be, s.host)
	plain := op.Interface().(kernels.Op)
	w, err := s.be.Pack(plain, kernels.Exact)
	require.NoError(s.t, err)
	if w == nil {
		return
	}
	defer w.Free()
	y := op.FieldByName("Y").Interface().(kernels.Buf)
	plain.Run(s.be)
	want := read(s.be, y)

	s.be.Fill(y, guardValue)
	op.FieldByName("Weight").SetZero()
	op.FieldByName("Packed").Set(reflect.ValueOf(w))
	op.Interface().(kernels.Op).Run(s.be)
	require.Equal(s.t, want, read(s.be, y), "with packed weights")
	require.NotEmpty(s.t, w.Method())
}
