//go:build cuda || emu

package cuda

import (
	"context"

	"truegrain/kernels"
)

// Mixed is the device whose products run on tensor cores: their operands are rounded to bfloat16, results and
// everything else stay float32 (kernels.Mixed). A product whose sizes tensor cores do not take is computed in
// float32, of the rounded operands. Attention's results are rounded, too, as the product behind them would.
func (d *Device) Mixed() (kernels.Backend, bool) { return mixed{d}, true }

// mixed rounds what goes into products.
type mixed struct{ *Device }

// WithContext is the same device looking at ctx.
func (m mixed) WithContext(ctx context.Context) kernels.Backend {
	return mixed{m.Device.WithContext(ctx).(*Device)}
}

// Record records products of rounded operands.
func (m mixed) Record(f func(kernels.Backend)) (kernels.Recording, error) {
	return m.Device.Record(func(be kernels.Backend) { f(mixed{be.(*Device)}) })
}

// half is scratch memory for rounded operands; free gives it back when the products are queued.
type half struct {
	d    *Device
	held []kernels.Buf
}

func (m mixed) half() *half { return &half{d: m.Device} }

func (h *half) scratch(t kernels.DType, n int) kernels.Buf {
	b := h.d.scratch(t, n)
	h.held = append(h.held, b)
	return b
}

func (h *half) free() {
	for _, b := range h.held {
		h.d.Free(b)
	}
}

// of is b rounded to bfloat16.
func (h *half) of(b kernels.Buf) kernels.Buf {
	r := h.scratch(kernels.BF16, b.Len())
	h.d.cast(r, b)
	return r
}

// wide is a rounded operand as float32 again.
func (h *half) wide(r kernels.Buf) kernels.Buf {
	b := h.scratch(kernels.F32, r.Len())
	h.d.cast(b, r)
	return b
}

// pair is two rounded operands: in bfloat16 if tensor cores take them, else as float32.
func (h *half) pair(fits bool, a, b kernels.Buf) (x, y kernels.Buf) {
	if fits {
		return a, b
	}
	return h.wide(a), h.wide(b)
}

// before is the rounded dy, through the activation.
func (h *half) before(op string, a kernels.Activation, rule kernels.ReLURule, dy, y, work kernels.Buf) kernels.Buf {
	r := h.of(dy)
	if a == kernels.NoActivation {
		return r
	}
	return h.of(h.d.beforeActivation(op, a, rule, h.wide(r), y, work))
}

// sides are the gradients that are no products: Σ dz over the rows, and dz itself.
func (h *half) sides(bias, residual kernels.Grad, dz kernels.Buf, rows, cols int) {
	h.d.sum(bias, dz, 1, rows, cols, 1)
	if residual.Wanted() {
		h.d.scaled(residual, h.wide(dz), 1)
	}
}

// Linear is y = act(x·weightᵀ + bias + residual) of rounded x and weight.
func (m mixed) Linear(o kernels.Linear) {
	h := m.half()
	defer h.free()
	if o.Packed == nil && o.R*o.OD > 0 {
		o.X, o.Weight = h.pair(o.D%8 == 0, h.of(o.X), h.of(o.Weight))
	}
	m.Device.Linear(o)
}

// LinearBackward is dx = dz·weight, dweight = dzᵀ·x, dbias = Σ dz, dresidual = dz of rounded operands.
func (m mixed) LinearBackward(o kernels.LinearGrad) {
	h := m.half()
	defer h.free()
	fits := o.D%8 == 0 && o.OD%8 == 0
	dz := h.before("linear", o.Act, o.Rule, o.DY, o.Y, o.Work)
	one := o
	one.Act, one.DBias, one.DResidual = kernels.NoActivation, kernels.Grad{}, kernels.Grad{}
	if o.DX.Wanted() {
		g := one
		g.DWeight = kernels.Grad{}
		g.DY, g.Weight = h.pair(fits, dz, h.of(o.Weight))
		m.Device.LinearBackward(g)
	}
	if o.DWeight.Wanted() {
		g := one
		g.DX = kernels.Grad{}
		g.DY, g.X = h.pair(fits, dz, h.of(o.X))
		m.Device.LinearBackward(g)
	}
	h.sides(o.DBias, o.DResidual, dz, o.R, o.OD)
}

// Conv2D is y = act(conv(x, weight) + bias + residual) of rounded x and weight.
func (m mixed) Conv2D(o kernels.Conv2D) {
	o.Check()
	h := m.half()
	defer h.free()
	if o.Packed == nil {
		o.X, o.Weight = h.pair(o.C/o.Groups%8 == 0 || o.Groups == 1, h.of(o.X), h.of(o.Weight))
	}
	m.Device.Conv2D(o)
}

// Conv2DBackward sends the rounded dz back along every product.
func (m mixed) Conv2DBackward(o kernels.Conv2DGrad) {
	o.Check()
	h := m.half()
	defer h.free()
	oh, ow := o.Out(o.H, o.W)
	outs := o.OC/o.Groups%8 == 0
	fits := outs && o.C/o.Groups%8 == 0
	dz := h.before("conv2d", o.Act, o.Rule, o.DY, o.Y, o.Work)
	one := o
	one.Act, one.DBias, one.DResidual = kernels.NoActivation, kernels.Grad{}, kernels.Grad{}
	if o.DX.Wanted() {
		g := one
		g.DWeight = kernels.Grad{}
		g.DY, g.Weight = h.pair(fits, dz, h.of(o.Weight))
		m.Device.Conv2DBackward(g)
	}
	if o.DWeight.Wanted() {
		g := one
		g.DX = kernels.Grad{}
		g.DY, g.X = h.pair(fits || outs && o.Groups == 1, dz, h.of(o.X))
		m.Device.Conv2DBackward(g)
	}
	h.sides(o.DBias, o.DResidual, dz, o.B*oh*ow, o.OC)
}

// ConvTranspose2D is y = act(convᵀ(x, weight) + bias + residual) of rounded x and weight.
func (m mixed) ConvTranspose2D(o kernels.ConvTranspose2D) {
	o.Check()
	h := m.half()
	defer h.free()
	if o.Packed == nil {
		fits := o.C/o.Groups%8 == 0 && o.OC/o.Groups%8 == 0
		o.X, o.Weight = h.pair(fits, h.of(o.X), h.of(o.Weight))
	}
	m.Device.ConvTranspose2D(o)
}

// ConvTranspose2DBackward sends the rounded dz back along every product.
func (m mixed) ConvTranspose2DBackward(o kernels.ConvTranspose2DGrad) {
	o.Check()
	h := m.half()
	defer h.free()
	oh, ow := o.OutSize()
	whole := o.OC/o.Groups%8 == 0
	dz := h.before("convtranspose2d", o.Act, o.Rule, o.DY, o.Y, o.Work)
	one := o
	one.Act, one.DBias, one.DResidual = kernels.NoActivation, kernels.Grad{}, kernels.Grad{}
	if o.DX.Wanted() {
		g := one
		g.DWeight = kernels.Grad{}
		g.DY, g.Weight = h.pair(whole, dz, h.of(o.Weight))
		m.Device.ConvTranspose2DBackward(g)
	}
	if o.DWeight.Wanted() {
		g := one
		g.DX = kernels.Grad{}
		g.DY, g.X = h.pair(whole && o.C/o.Groups%8 == 0, dz, h.of(o.X))
		m.Device.ConvTranspose2DBackward(g)
	}
	h.sides(o.DBias, o.DResidual, dz, o.B*oh*ow, o.OC)
}
