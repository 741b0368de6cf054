package golden

import (
	"truegrain/autograd"
	"truegrain/kernels"
)

// FillParams sets every parameter and buffer of a model to its value by the formula (Fill).
func FillParams(be kernels.Memory, params []*autograd.Param, seed uint64) {
	for _, p := range params {
		shape := TorchShape(p)
		v := Fill(p.Name, seed, shape...)
		if p.Layout != autograd.Plain {
			v = FromNCHW(v, shape[0], shape[1], shape[2], shape[3])
		}
		be.Upload(p.Value.Buf, kernels.Of(v))
	}
}

// TorchShape is a parameter's shape in PyTorch.
func TorchShape(p *autograd.Param) []int {
	s := p.Value.Shape()
	if p.Layout == autograd.Plain {
		return s
	}
	return []int{s[0], s[3], s[1], s[2]}
}

// TorchOrder permutes a parameter's values, or its gradient's, to PyTorch's order.
func TorchOrder(p *autograd.Param, v []float32) []float32 {
	if p.Layout == autograd.Plain {
		return v
	}
	s := p.Value.Shape()
	return ToNCHW(v, s[0], s[1], s[2], s[3])
}
