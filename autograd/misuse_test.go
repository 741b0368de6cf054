package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// Operands that do not fit are a programmer's mistake: a typed panic that names the op, before anything is
// computed.
func TestOpsRefuseWhatDoesNotFit(t *testing.T) {
	tp := autograd.NewTape(ref.Open64())
	z := tp.Zeros
	x := z(1, 4, 4, 2)
	for name, f := range map[string]func(){
		"Conv2D x":               func() { tp.Conv2D(z(4, 4, 2), z(3, 1, 1, 2), nil, nil, autograd.Conv{}) },
		"Conv2D weight":          func() { tp.Conv2D(x, z(3, 1, 1, 3), nil, nil, autograd.Conv{}) },
		"Conv2D bias":            func() { tp.Conv2D(x, z(3, 1, 1, 2), z(2), nil, autograd.Conv{}) },
		"Conv2D residual":        func() { tp.Conv2D(x, z(3, 1, 1, 2), nil, x, autograd.Conv{}) },
		"ConvTranspose2D weight": func() { tp.ConvTranspose2D(x, z(3, 1, 1, 2), nil, nil, autograd.Conv{}) },
		"ConvTranspose2D bias":   func() { tp.ConvTranspose2D(x, z(2, 1, 1, 3), z(2), nil, autograd.Conv{}) },
		"MaxPool2D x":            func() { tp.MaxPool2D(z(4), autograd.Pooling{Kernel: [2]int{2, 2}}) },
		"Linear weight":          func() { tp.Linear(x, z(3, 3), nil, nil, kernels.NoActivation) },
		"Linear bias":            func() { tp.Linear(x, z(3, 2), z(2), nil, kernels.NoActivation) },
		"BatchNorm gamma":        func() { tp.BatchNorm(x, z(3), z(2), nil, autograd.BatchNorm{}) },
		"BatchNorm beta":         func() { tp.BatchNorm(x, z(2), z(3), nil, autograd.BatchNorm{}) },
		"BatchNorm residual":     func() { tp.BatchNorm(x, z(2), z(2), z(2), autograd.BatchNorm{}) },
		"LayerNorm gamma":        func() { tp.LayerNorm(x, z(3), z(2), 1e-6) },
		"Attention qkv":          func() { tp.Attention(z(1, 2, 2, 3, 4)) },
		"CrossAttention k":       func() { tp.CrossAttention(z(1, 2, 3, 4), z(1, 2, 3, 5), z(1, 2, 3, 5)) },
		"Add":                    func() { tp.Add(x, z(2)) },
		"Mul":                    func() { tp.Mul(x, z(2)) },
		"Bias":                   func() { tp.Bias(x, z(3)) },
		"Concat":                 func() { tp.Concat(1, x, z(1, 4, 3, 2)) },
		"Slice":                  func() { tp.Slice(x, 1, 2, 5) },
		"Pad":                    func() { tp.Pad(x, -1, 0, 0, 0) },
		"Resize":                 func() { tp.Resize(z(4), 2, 2) },
		"axis":                   func() { tp.SumAxis(x, 4) },
		"reshape":                func() { tp.Reshape(x, 5, -1) },
		"BCE":                    func() { tp.BCE(x, z(2)) },
		"BCELogits":              func() { tp.BCELogits(x, z(2)) },
		"MSE":                    func() { tp.MSE(x, z(2)) },
		"CrossEntropy classes":   func() { tp.CrossEntropy(z(3, 2), tp.UploadInts([]int32{0, 1})) },
	} {
		nodes := len(tp.Nodes())
		var shape *tensor.ShapeError
		require.ErrorAs(t, tensor.Catch(f), &shape, name)
		require.Contains(t, shape.Error(), name)
		require.Len(t, tp.Nodes(), nodes, name)
	}
}

func TestOpsRefuseOptionsThatMakeNoSense(t *testing.T) {
	tp := autograd.NewTape(ref.Open64())
	x := tp.Zeros(1, 4, 4, 4)
	for name, f := range map[string]func(){
		"groups":  func() { tp.Conv2D(x, tp.Zeros(3, 1, 1, 2), nil, nil, autograd.Conv{Groups: 2}) },
		"kernel":  func() { tp.MaxPool2D(x, autograd.Pooling{}) },
		"padding": func() { tp.AvgPool2D(x, autograd.Pooling{Kernel: [2]int{2, 2}, Padding: [2]int{2, 2}}) },
	} {
		var arg *kernels.ArgError
		require.ErrorAs(t, tensor.Catch(f), &arg, name)
	}
}
