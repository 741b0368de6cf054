package autograd

import (
	"sync/atomic"

	"truegrain/kernels"
	"truegrain/tensor"
)

// Layout says how PyTorch orders a parameter's axes, for the files at the edge; in memory ours is channels
// last.
type Layout uint8

// The layouts: as it is; convolution weights, theirs (OC,C/G,KH,KW), ours (OC,KH,KW,C/G); transposed
// convolution weights, theirs (C,OC/G,KH,KW), ours (C,KH,KW,OC/G).
const (
	Plain Layout = iota
	ConvOIHW
	ConvTransposeIOHW
)

// Param is a named tensor of a model that outlives every tape: a weight, or a buffer such as a running mean.
type Param struct {
	Name   string // torchvision's name: "layer4.2.bn3.running_var"
	Layout Layout
	Value  tensor.Tensor
	Buffer bool // state that no optimiser touches: running statistics
	Frozen bool // wants no gradient

	be      kernels.Backend
	grad    tensor.Tensor
	hasGrad bool
	hollow  bool
}

// NewParam allocates a parameter, zero, on a backend.
func NewParam(be kernels.Backend, name string, layout Layout, shape ...int) (*Param, error) {
	buf, err := be.Alloc(be.DType(), tensor.Shape(shape).Len())
	if err != nil {
		return nil, err
	}
	return &Param{Name: name, Layout: layout, Value: tensor.New(buf, shape...), be: be}, nil
}

// hollows counts the bytes of addresses that hollow parameters have had.
var hollows atomic.Uintptr

// NewHollowParam makes a parameter without values, of which only a rehearsal can be made (NewDryPool). No
// other has its address.
func NewHollowParam(be kernels.Backend, name string, layout Layout, shape ...int) *Param {
	p := &Param{Name: name, Layout: layout, be: be}
	p.hollowOut(shape)
	return p
}

func (p *Param) hollowOut(shape []int) {
	n, d := tensor.Shape(shape).Len(), p.be.DType()
	end := hollows.Add(uintptr(n*d.Size()) + 64)
	p.hollow, p.hasGrad, p.grad = true, false, tensor.Tensor{}
	p.Value = tensor.New(kernels.OfDevice(d, n, 2*nowhere+end-uintptr(n*d.Size())-64), shape...)
}

// Hollow says that the parameter has no values: it was made without, or Release took them.
func (p *Param) Hollow() bool { return p.hollow }

// Release gives the memory of the values away and leaves the parameter hollow.
func (p *Param) Release() kernels.Buf {
	b := p.Value.Buf
	p.hollowOut(p.Value.Shape())
	return b
}

// Fill gives a hollow parameter memory again, zero, for values to be loaded. It does nothing to any other.
func (p *Param) Fill() error {
	if !p.hollow {
		return nil
	}
	b, err := p.be.Alloc(p.be.DType(), p.Value.Len())
	if err == nil {
		p.Value, p.hollow = tensor.New(b, p.Value.Shape()...), false
	}
	return err
}

// Backend is where the parameter lives.
func (p *Param) Backend() kernels.Backend { return p.be }

// Grad is the gradient that has been accumulated, or the zero Tensor if none has arrived: nothing that the
// loss depends on used the parameter since ZeroGrad.
func (p *Param) Grad() tensor.Tensor {
	if !p.hasGrad {
		return tensor.Tensor{}
	}
	return p.grad
}

// ZeroGrad forgets the gradient; the memory is kept for the next one.
func (p *Param) ZeroGrad() { p.hasGrad = false }

// RestoreGrad is where a gradient that was saved goes: from then on it counts as accumulated.
func (p *Param) RestoreGrad() (tensor.Tensor, error) {
	if _, err := p.target(); err != nil {
		return tensor.Tensor{}, err
	}
	return p.grad, nil
}

// target hands out where the gradient goes. Gradients of several tapes add up until ZeroGrad.
func (p *Param) target() (kernels.Grad, error) {
	if p.grad.IsZero() {
		buf, err := p.be.Alloc(p.Value.Buf.DType(), p.Value.Len())
		if err != nil {
			return kernels.Grad{}, err
		}
		p.grad = tensor.New(buf, p.Value.Shape()...)
	}
	g := kernels.Grad{Buf: p.grad.Buf, Acc: p.hasGrad}
	p.hasGrad = true
	return g, nil
}
