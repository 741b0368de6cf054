//go:build cuda || emu

package cuda

import (
	"context"

	"truegrain/kernels"
)

// Mixed is the device for values in bfloat16 (kernels.Mixed): most kernels take them as they are; products and
// row biases, which meet parameters in float32, round those first. The weights' gradients of a product whose
// sizes tensor cores do not take are computed in float32, of the rounded operands.
func (d *Device) Mixed() (kernels.Backend, bool) { return mixed{d}, true }

// mixed rounds the parameters that meet values in bfloat16.
type mixed struct{ *Device }

// Activations is bfloat16.
func (m mixed) Activations() kernels.DType { return kernels.BF16 }

// WithContext is the same device looking at ctx.
func (m mixed) WithContext(ctx context.Context) kernels.Backend {
	return mixed{m.Device.WithContext(ctx).(*Device)}
}

// Record records ops on values in bfloat16.
func (m mixed) Record(f func(kernels.Backend)) (kernels.Recording, error) {
	return m.Device.Record(func(be kernels.Backend) { f(mixed{be.(*Device)}) })
}

// Workspace is 0 for values in bfloat16, which take memory of the pool, in their own type.
func (m mixed) Workspace(any) int { return 0 }

// casts is scratch memory for operands in another type; free gives it back when what uses them is queued.
type casts struct {
	d    *Device
	held []kernels.Buf
}

func (m mixed) casts() *casts { return &casts{d: m.Device} }

func (c *casts) scratch(t kernels.DType, n int) kernels.Buf {
	b := c.d.scratch(t, n)
	c.held = append(c.held, b)
	return b
}

func (c *casts) free() {
	for _, b := range c.held {
		c.d.Free(b)
	}
}

// as is b in a type: itself if it has that, or if there is none.
func (c *casts) as(t kernels.DType, b kernels.Buf) kernels.Buf {
	if b.IsZero() || b.DType() == t {
		return b
	}
	r := c.scratch(t, b.Len())
	c.d.cast(r, b)
	return r
}

// weights rounds the weights of a product to the type of x, unless they are packed.
func (c *casts) weights(x kernels.Buf, packed kernels.Packed, weight kernels.Buf) kernels.Buf {
	if packed != nil {
		return weight
	}
	return c.as(x.DType(), weight)
}

// Bias is y[r,c] = x[r,c] + bias[c].
func (m mixed) Bias(o kernels.Bias) {
	c := m.casts()
	defer c.free()
	o.Bias = c.as(o.X.DType(), o.Bias)
	m.Device.Bias(o)
}

// Linear is y = act(x·weightᵀ + bias + residual).
func (m mixed) Linear(o kernels.Linear) {
	c := m.casts()
	defer c.free()
	o.Weight = c.weights(o.X, o.Packed, o.Weight)
	if o.Y.DType() != o.X.DType() && (o.D%8 != 0 || o.X.Addr()%16 != 0) { // scalar products know one type
		o.X, o.Weight = c.as(kernels.F32, o.X), c.as(kernels.F32, o.Weight)
	}
	o.Bias = c.as(o.Y.DType(), o.Bias)
	m.Device.Linear(o)
}

// Conv2D is y = act(conv(x, weight) + bias + residual).
func (m mixed) Conv2D(o kernels.Conv2D) {
	c := m.casts()
	defer c.free()
	o.Weight = c.weights(o.X, o.Packed, o.Weight)
	o.Bias = c.as(o.Y.DType(), o.Bias)
	m.Device.Conv2D(o)
}

// ConvTranspose2D is y = act(convᵀ(x, weight) + bias + residual).
func (m mixed) ConvTranspose2D(o kernels.ConvTranspose2D) {
	c := m.casts()
	defer c.free()
	o.Weight = c.weights(o.X, o.Packed, o.Weight)
	o.Bias = c.as(o.Y.DType(), o.Bias)
	m.Device.ConvTranspose2D(o)
}

// products are the two products that dz goes back through, of a linear layer or a convolution.
type products struct {
	op        string
	fits      bool // the weights' is one for tensor cores
	toX       func(dx kernels.Grad, dz, weight kernels.Buf)
	toWeights func(dweight kernels.Grad, dz, x kernels.Buf)
}

// back is the backward of a linear layer over o.R rows, a convolution being one over its windows: it sends dz,
// which is dy through the activation, back along every product.
func (m mixed) back(o kernels.LinearGrad, p products) {
	c := m.casts()
	defer c.free()
	wide := o.DY
	if o.Act != kernels.NoActivation {
		wide = m.beforeActivation(p.op, o.Act, o.Rule, o.DY, o.Y, c.scratch(o.DY.DType(), o.DY.Len()))
	}
	dz := c.as(o.X.DType(), wide)
	if o.DX.Wanted() {
		p.toX(o.DX, dz, c.as(dz.DType(), o.Weight))
	}
	if o.DWeight.Wanted() {
		t := dz.DType()
		if !p.fits || (dz.Addr()|o.X.Addr())%16 != 0 {
			t = kernels.F32
		}
		p.toWeights(o.DWeight, c.as(t, dz), c.as(t, o.X))
	}
	m.sum(o.DBias, wide, 1, o.R, o.OD, 1)
	m.scaled(o.DResidual, wide, 1)
}

// LinearBackward is dx = dz·weight, dweight = dzᵀ·x, dbias = Σ dz, dresidual = dz.
func (m mixed) LinearBackward(o kernels.LinearGrad) {
	m.back(o, products{"linear", o.D%8 == 0 && o.OD%8 == 0,
		func(dx kernels.Grad, dz, w kernels.Buf) { m.linearX(dx, dz, w, o.R, o.OD, o.D) },
		func(dw kernels.Grad, dz, x kernels.Buf) { m.linearWeights(dw, dz, x, o.R, o.OD, o.D) }})
}

// Conv2DBackward sends dz back along every product.
func (m mixed) Conv2DBackward(o kernels.Conv2DGrad) {
	oh, ow := o.Out(o.H, o.W)
	s := shapeOf(o.Window, o.B, o.H, o.W, o.C, oh, ow, o.OC, o.Groups)
	m.back(kernels.LinearGrad{
		Linear: kernels.Linear{R: o.B * oh * ow, OD: o.OC, Act: o.Act, X: o.X, Weight: o.Weight, Y: o.Y},
		Rule:   o.Rule, DY: o.DY, DX: o.DX, DWeight: o.DWeight, DBias: o.DBias, DResidual: o.DResidual,
	}, products{"conv2d", s.OG%8 == 0 && (s.CG%8 == 0 || o.Groups == 1),
		func(dx kernels.Grad, dz, w kernels.Buf) {
			m.convBackwardX(dx, dz, w, kernels.Buf{}, kernels.Buf{}, s)
		},
		func(dw kernels.Grad, dz, x kernels.Buf) { m.convBackwardW(dw, dz, x, s) }})
}

// ConvTranspose2DBackward sends dz back along every product.
func (m mixed) ConvTranspose2DBackward(o kernels.ConvTranspose2DGrad) {
	oh, ow := o.OutSize()
	s := reversed(o.ConvTranspose2D)
	m.back(kernels.LinearGrad{
		Linear: kernels.Linear{R: o.B * oh * ow, OD: o.OC, Act: o.Act, X: o.X, Weight: o.Weight, Y: o.Y},
		Rule:   o.Rule, DY: o.DY, DX: o.DX, DWeight: o.DWeight, DBias: o.DBias, DResidual: o.DResidual,
	}, products{"convtranspose2d", s.CG%8 == 0 && s.OG%8 == 0,
		func(dx kernels.Grad, dz, w kernels.Buf) {
			m.convForward(dx, dz, w, kernels.Buf{}, kernels.Buf{}, kernels.Buf{}, s)
		},
		func(dw kernels.Grad, dz, x kernels.Buf) { m.convBackwardW(dw, x, dz, s) }})
}
