//go:build cuda || emu

package cuda

import "truegrain/kernels"

// attentionSM90 runs the forward by tensor maps and wgmma, if the device has them and the heads are of 64
// elements.
func (d *Device) attentionSM90(o kernels.Attention, shape []byte) bool {
	if !d.hopper() || o.HD != 64 || o.TK == 0 {
		return false
	}
	d.launchTokens(attentionFwdSM90, 2, o, ceil(o.TQ, 128), o.Y, o.LSE, queries(o, o.Q, o.LDQ), keys(o, o.K, o.LDK),
		keys(o, o.V, o.LDV), shape)
	return true
}

// attentionBackwardSM90 runs the backward, after δ, in the same case.
func (d *Device) attentionBackwardSM90(o kernels.AttentionGrad, delta kernels.Buf, shape []byte) bool {
	if !d.hopper() || o.HD != 64 {
		return false
	}
	a := o.Attention
	q, k, v := queries(a, o.Q, o.LDQ), keys(a, o.K, o.LDK), keys(a, o.V, o.LDV)
	dy := queries(a, o.DY, o.NH*o.HD)
	tiles := 0
	if o.DQ.Wanted() {
		tiles += ceil(o.TQ, 128)
	}
	if o.DK.Wanted() || o.DV.Wanted() {
		tiles += ceil(o.TK, 128)
	}
	if tiles > 0 {
		d.launchTokens(attentionBwdSM90, 1, a, tiles, o.DQ.Buf, o.DK.Buf, o.DV.Buf, q, k, v, dy, o.LSE, delta, shape,
			o.DQ.Acc, o.DK.Acc, o.DV.Acc)
	}
	return true
}

// queries and keys are boxes of 64 tokens of one head of an operand.
func queries(o kernels.Attention, of kernels.Buf, ld int) boxes {
	return boxes{of: of, rows: o.TQ, cols: 64 * o.NH, ld: ld, boxRows: 64, boxCols: 64, batch: o.B}
}
func keys(o kernels.Attention, of kernels.Buf, ld int) boxes {
	o.TQ = o.TK
	return queries(o, of, ld)
}

// launchTokens queues a kernel of src/attention_sm90.cuh, at most so many blocks a multiprocessor: they stay
// until all tiles of 128 rows, so many a head, are done.
func (d *Device) launchTokens(k *kernel, blocks int, o kernels.Attention, tiles int, args ...any) {
	d.launch(k, grid(min(tiles*o.NH*o.B, blocks*d.drv.Info().SMs)), block(384), args...)
}
