package state

import (
	"strings"

	"truegrain/autograd"
)

// SaveOptions sets how Save stores values.
type SaveOptions struct {
	DType string // F32, the default, F16 or BF16
}

// Save writes parameters as a safetensors file under their names and in PyTorch's order. Behind every running
// variance stands the counter that torchvision's batch norms have, zero.
func Save(path string, params []*autograd.Param, metadata map[string]string, o SaveOptions) error {
	values := make([][]float32, len(params))
	for i, p := range params {
		values[i] = p.Value.Float32s(p.Backend())
	}
	return SaveValues(path, params, values, metadata, o)
}

// SaveValues is Save with values that were copied from the parameters before, in their own order: it can run
// while they go on changing.
func SaveValues(path string, params []*autograd.Param, values [][]float32, metadata map[string]string,
	o SaveOptions) error {
	dtype := o.DType
	if dtype == "" {
		dtype = "F32"
	}
	var out []Out
	for i, p := range params {
		out = append(out, Out{Name: p.Name, DType: dtype, Shape: TorchShape(p),
			Values: ToTorch(p, values[i])})
		if base, ok := strings.CutSuffix(p.Name, "running_var"); ok {
			out = append(out, Out{Name: base + "num_batches_tracked", DType: "I64", Values: []float32{0}})
		}
	}
	return Write(path, out, metadata)
}
