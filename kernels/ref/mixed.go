package ref

import (
	"context"

	"truegrain/kernels"
)

// Mixed is the oracle of training in mixed precision: itself, but the operands of products are rounded to
// bfloat16 first. float64 has none.
func (b *Backend[T]) Mixed() (kernels.Backend, bool) {
	m, ok := any(b).(*Backend[float32])
	return mixed{m}, ok
}

// mixed rounds what goes into products and leaves everything else to the oracle.
type mixed struct{ *Backend[float32] }

func (m mixed) WithContext(context.Context) kernels.Backend { return m }

// rounded makes each buffer a copy of itself whose values are those of bfloat16.
func rounded(operands ...*kernels.Buf) {
	for _, b := range operands {
		v := append([]float32(nil), kernels.Floats[float32](*b)...)
		for i, x := range v {
			v[i] = kernels.BF16Float(kernels.BF16Bits(x))
		}
		if !b.IsZero() {
			*b = kernels.Of(v)
		}
	}
}

func (m mixed) Linear(o kernels.Linear) {
	rounded(&o.X, &o.Weight)
	m.Backend.Linear(o)
}

func (m mixed) LinearBackward(o kernels.LinearGrad) {
	rounded(&o.X, &o.Weight, &o.DY)
	m.Backend.LinearBackward(o)
}

func (m mixed) Conv2D(o kernels.Conv2D) {
	rounded(&o.X, &o.Weight)
	m.Backend.Conv2D(o)
}

func (m mixed) Conv2DBackward(o kernels.Conv2DGrad) {
	rounded(&o.X, &o.Weight, &o.DY)
	m.Backend.Conv2DBackward(o)
}

func (m mixed) ConvTranspose2D(o kernels.ConvTranspose2D) {
	rounded(&o.X, &o.Weight)
	m.Backend.ConvTranspose2D(o)
}

func (m mixed) ConvTranspose2DBackward(o kernels.ConvTranspose2DGrad) {
	rounded(&o.X, &o.Weight, &o.DY)
	m.Backend.ConvTranspose2DBackward(o)
}

func (m mixed) Attention(o kernels.Attention) {
	rounded(&o.Q, &o.K, &o.V)
	m.Backend.Attention(o)
}

func (m mixed) AttentionBackward(o kernels.AttentionGrad) {
	rounded(&o.Q, &o.K, &o.V, &o.DY)
	m.Backend.AttentionBackward(o)
}
