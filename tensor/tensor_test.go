package tensor_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/tensor"
)

func TestViewsShareMemory(t *testing.T) {
	data := []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	x := tensor.FromSlice(data, 2, 3, 2)
	require.Equal(t, 2, x.Dim(-1))
	require.Equal(t, 12, x.Len())
	row := x.Index(1)
	require.Equal(t, tensor.Shape{3, 2}, row.Shape())
	kernels.Floats[float32](row.Buf)[0] = 60
	require.Equal(t, float32(60), data[6])
	require.Equal(t, tensor.Shape{4, 3}, x.Reshape(4, -1).Shape())
	require.Equal(t, tensor.Shape{1, 3, 2}, x.Rows(1, 2).Shape())
	require.Equal(t, tensor.Shape{0, 3, 2}, x.Rows(2, 2).Shape())
}

func TestMisuseIsTyped(t *testing.T) {
	x := tensor.FromSlice(make([]float32, 6), 2, 3)
	for name, f := range map[string]func(){
		"reshape":  func() { x.Reshape(4, 2) },
		"two free": func() { x.Reshape(4, -1) },
		"rows":     func() { x.Rows(1, 3) },
		"axis":     func() { x.Dim(2) },
		"must":     func() { x.MustShape("op", 2, 4) },
		"size":     func() { tensor.FromSlice(make([]float32, 5), 2, 3) },
	} {
		var shape *tensor.ShapeError
		require.True(t, errors.As(tensor.Catch(f), &shape), name)
	}
	x.MustShape("op", -1, 3)
	require.Panics(t, func() { _ = tensor.Catch(func() { panic("another's") }) },
		"only our own panics are caught")
	require.NoError(t, tensor.Catch(func() {}))
}
