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
	shape := structBytes(d.attentionShape(o))
	switch fits := attentionFits(o, o.Y); {
	case fits && d.attentionSM90(o, shape):
	case fits:
		n, warps := warpsOver(o.TQ, 8)
		d.launchShared(attentionFwdMMA.of(o.HD), attentionMMAShared(warps, o.HD), grid(n, o.NH, o.B),
			block(32*warps), o.Y, o.LSE, o.Q, o.K, o.V, shape)
	default:
		d.launchShared(attentionFwd.of(o.Y.DType()), attentionForwardShared(o.HD), grid(ceil(o.TQ, 64), o.NH, o.B),
			block(256), o.Y, o.LSE, o.Q, o.K, o.V, shape)
	}
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
	d.launch(attentionDelta.of(t), grid(ceil(o.B*o.TQ*o.NH, 32)), block(256), delta, o.DY, o.Y, shape)
	dq, dkv, shared := attentionDQ.of(t), attentionDKV.of(t), attentionShared(4, 1, o.HD)
	blocks := func(tokens int) (n, threads int) { return ceil(tokens, 64), 256 }
	if attentionFits(o.Attention, o.DY, o.DQ.Buf, o.DK.Buf, o.DV.Buf) {
		if d.attentionBackwardSM90(o, delta, shape) {
			return
		}
		dq, dkv = attentionDQMMA.of(o.HD), attentionDKVMMA.of(o.HD)
		shared = attentionGradMMAShared(o.HD)
		blocks = func(tokens int) (n, threads int) {
			n, warps := warpsOver(tokens, gradWarps)
			return n, 32 * warps
		}
	}
	if o.DQ.Wanted() {
		n, threads := blocks(o.TQ)
		d.launchShared(dq, shared, grid(n, o.NH, o.B), block(threads),
			o.DQ.Buf, o.Q, o.K, o.V, o.DY, o.LSE, delta, shape, o.DQ.Acc)
	}
	if o.DK.Wanted() || o.DV.Wanted() {
		n, threads := blocks(o.TK)
		d.launchShared(dkv, shared, grid(n, o.NH, o.B), block(threads),
			o.DK.Buf, o.DV.Buf, o.Q, o.K, o.V, o.DY, o.LSE, delta, shape, o.DK.Acc, o.DV.Acc)
	}
}

// attentionFits says that an attention can run on tensor cores: bfloat16 that is copied 16 bytes at a time.
func attentionFits(o kernels.Attention, others ...kernels.Buf) bool {
	at := o.Q.Addr() | o.K.Addr() | o.V.Addr()
	for _, b := range others {
		at |= b.Addr()
	}
	return o.Q.DType() == kernels.BF16 && at%16 == 0 && (o.HD|o.LDQ|o.LDK|o.LDV)%8 == 0
}

// warpsOver splits tokens, 16 a warp, evenly over n blocks of at most `most` warps.
func warpsOver(tokens, most int) (n, warps int) {
	all := ceil(tokens, 16)
	warps = ceil(all, ceil(all, most))
	return ceil(all, warps), warps
}
