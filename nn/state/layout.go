package state

import "truegrain/autograd"

// TorchShape is a parameter's shape in PyTorch's order.
func TorchShape(p *autograd.Param) []int {
	s := p.Value.Shape()
	switch p.Layout {
	case autograd.ConvOIHW: // ours (O,H,W,I)
		return []int{s[0], s[3], s[1], s[2]}
	case autograd.ConvTransposeIOHW: // ours (I,H,W,O)
		return []int{s[0], s[3], s[1], s[2]}
	}
	return s
}

// Both convolution layouts move the last axis of ours to the second place of theirs: (A,H,W,B) to (A,B,H,W).

// toOurs puts values in PyTorch's order into ours, in room if it is needed and large enough.
func toOurs(p *autograd.Param, v, room []float32) []float32 { return permute(p, v, room, false) }

// ToTorch puts a parameter's values into PyTorch's order.
func ToTorch(p *autograd.Param, v []float32) []float32 { return permute(p, v, nil, true) }

func permute(p *autograd.Param, v, out []float32, toTorch bool) []float32 {
	if p.Layout == autograd.Plain {
		return v
	}
	if cap(out) < len(v) {
		out = make([]float32, len(v))
	}
	out = out[:len(v)]
	s := p.Value.Shape()
	window, last := s[1]*s[2], s[3]
	for a := range s[0] {
		for w := range window {
			for b := range last {
				ours, theirs := (a*window+w)*last+b, (a*last+b)*window+w
				if toTorch {
					out[theirs] = v[ours]
				} else {
					out[ours] = v[theirs]
				}
			}
		}
	}
	return out
}
