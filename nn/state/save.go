package state

import (
	"strings"

	"truegrain/autograd"
)

// SaveOptions sets how Save stores values.
type SaveOptions struct {
	DType string // F32, the default, F16 or BF16
}

// Save writes parameters as a safetensors file under their names and in PyTorch's order. Behind every running variance
// stands the counter that torchvision's batch norms have, zero.
func Save(path string, params []*autograd.Param, metadata map[string]string, o SaveOptions) error {
	dtype := o.DType
	if dtype == "" {
		dtype = "F32"
	}
	var out []Out
	for _, p := range params {
		v := ToTorch(p, p.Value.Float32s(p.Backend()))
		out = append(out, Out{Name: p.Name, DType: dtype, Shape: TorchShape(p), Values: v})
		if base, ok := strings.CutSuffix(p.Name, "running_var"); ok {
			out = append(out, Out{Name: base + "num_batches_tracked", DType: "I64", Values: []float32{0}})
		}
	}
	return Write(path, out, metadata)
}
