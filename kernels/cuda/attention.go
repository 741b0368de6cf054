//go:build cuda || emu

package cuda

import (
	"fmt"
	"math"

	"truegrain/kernels"
)

// attentionShape is struct Shape of src/attention.cuh.
type attentionShape struct {
	B, TQ, TK, NH, HD, LDQ, LDK, LDV int32
	Scale                            float32
}

func (d *Device) attentionShape(o kernels.Attention) *attentionShape {
	if o.HD > maxHead {
		panic(&kernels.ArgError{Op: "attention", Field: "HD",
			Reason: fmt.Sprintf("is %d; %s has heads of at most %d", o.HD, d.name, maxHead)})
	}
	return &attentionShape{int32(o.B), int32(o.TQ), int32(o.TK), int32(o.NH), int32(o.HD), int32(o.LDQ),
		int32(o.LDK), int32(o.LDV), float32(1 / math.Sqrt(float64(o.HD)))}
}

// Attention is softmax(q·kᵀ/√HD)·v of every head.
func (d *Device) Attention(o kernels.Attention) {
	if o.Y.Len() == 0 {
		return
	}
	d.launchShared(attentionFwd.of(o.Y.DType()), attentionForwardShared(o.HD), grid(ceil(o.TQ, 64), o.NH, o.B),
		block(256), o.Y, o.LSE, o.Q, o.K, o.V, structBytes(d.attentionShape(o)))
}

// AttentionMap is the probabilities.
func (d *Device) AttentionMap(o kernels.AttentionMap) {
	if o.P.Len() == 0 {
		return
	}
	d.launchShared(attentionMap.of(o.P.DType()), attentionShared(2, 0, o.HD), grid(ceil(o.TQ, 64), o.NH, o.B),
		block(256), o.P, o.Q, o.K, structBytes(d.attentionShape(o.Attention)))
}

// AttentionBackward has the formula at kernels.AttentionGrad.
func (d *Device) AttentionBackward(o kernels.AttentionGrad) {
	if o.B*o.TQ*o.TK*o.NH*o.HD == 0 {
		return
	}
	shape, t := structBytes(d.attentionShape(o.Attention)), o.DY.DType()
	delta := d.scratch(kernels.F32, o.B*o.NH*o.TQ)
	defer d.Free(delta)
	d.launch(attentionDelta.of(t), grid(ceil(o.B*o.TQ*o.NH, 8)), block(256), delta, o.DY, o.Y, shape)
	shared := attentionShared(4, 1, o.HD)
	if o.DQ.Wanted() {
		d.launchShared(attentionDQ.of(t), shared, grid(ceil(o.TQ, 64), o.NH, o.B), block(256),
			o.DQ.Buf, o.Q, o.K, o.V, o.DY, o.LSE, delta, shape, o.DQ.Acc)
	}
	if o.DK.Wanted() || o.DV.Wanted() {
		d.launchShared(attentionDKV.of(t), shared, grid(ceil(o.TK, 64), o.NH, o.B), block(256),
			o.DK.Buf, o.DV.Buf, o.Q, o.K, o.V, o.DY, o.LSE, delta, shape, o.DK.Acc, o.DV.Acc)
	}
}
