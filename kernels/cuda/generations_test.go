//go:build emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// launchedBy runs f on an emulator and gives the products among the kernels that it launched, in their order.
func launchedBy(t *testing.T, spec string, f func(d *Device)) (names []string) {
	products := map[string]bool{"attention": true, "attentionmma": true, "attention_sm90": true,
		"attentionbackward_sm90": true, "attentionbackwardmma": true, "conv2d": true,
		"conv2dmma": true, "conv2d_sm90": true, "gemm": true, "gemmmma": true, "gemm_sm90": true}
	d := testDevice(t, spec)
	d.drv = tampering{d.drv, func(l *launch) {
		if products[l.kernel.module] {
			names = append(names, l.kernel.entry)
		}
	}}
	f(d)
	require.NoError(t, d.Wait())
	return names
}

// TestGenerations holds the choice of kernels to compute capability and shape.
func TestGenerations(t *testing.T) {
	linear := func(r, in, out int, dt kernels.DType) func(d *Device) {
		return func(d *Device) {
			d.Linear(kernels.Linear{R: r, D: in, OD: out, X: alloc(t, d, dt, rounded(1, r*in)...),
				Weight: alloc(t, d, dt, rounded(2, in*out)...), Y: alloc(t, d, dt, make([]float64, r*out)...)})
		}
	}
	conv := func(k, c, oc int) func(d *Device) {
		return func(d *Device) {
			o := kernels.Conv2D{Window: square(k, 1, k/2, 1), B: 1, H: 5, W: 6, C: c, OC: oc, Groups: 1}
			o.X = alloc(t, d, kernels.BF16, rounded(1, 30*c)...)
			o.Weight = alloc(t, d, kernels.BF16, rounded(2, k*k*c*oc)...)
			o.Y = alloc(t, d, kernels.BF16, make([]float64, 30*oc)...)
			d.Conv2D(o)
		}
	}
	attend := func(hd int, dt kernels.DType) func(d *Device) {
		return func(d *Device) {
			put := func(seed uint64) kernels.Buf { return alloc(t, d, dt, rounded(seed, 3*hd)...) }
			d.Attention(kernels.Attention{B: 1, TQ: 3, TK: 3, NH: 1, HD: hd, LDQ: hd, LDK: hd, LDV: hd, Q: put(1),
				K: put(2), V: put(3), Y: put(4)})
		}
	}
	for name, c := range map[string]struct {
		run            func(d *Device)
		sm90, portable string
	}{
		"attention":                 {attend(64, kernels.BF16), "attention_fwd_sm90", "attention_fwd_mma_64"},
		"attention of narrow heads": {attend(32, kernels.BF16), "attention_fwd_mma_64", "attention_fwd_mma_64"},
		"attention of wide heads":   {attend(128, kernels.BF16), "attention_fwd_mma_128", "attention_fwd_mma_128"},
		"attention in float32":      {attend(64, kernels.F32), "attention_fwd_f32", "attention_fwd_f32"},
		"float32 is never rounded":  {linear(64, 64, 64, kernels.F32), "gemm_nt_f32", "gemm_nt_f32"},
		"a linear layer":            {linear(64, 64, 64, kernels.BF16), "gemm_nt_64_sm90_bf16", "gemm_nt_mma_bf16"},
		"many tiles, wide":          {linear(512, 8, 512, kernels.BF16), "gemm_nt_256_sm90_bf16", "gemm_nt_mma_bf16"},
		"sizes tensor cores refuse": {linear(7, 9, 5, kernels.BF16), "gemm_nt_bf16", "gemm_nt_bf16"},
		"3x3":                       {conv(3, 64, 16), "conv2d_fwd_64_sm90_bf16", "conv2d_fwd_mma_bf16"},
		"3x3 of few channels":       {conv(3, 16, 16), "conv2d_fwd_mma_bf16", "conv2d_fwd_mma_bf16"},
		"1x1 is a linear layer":     {conv(1, 16, 16), "gemm_nt_64_sm90_bf16", "gemm_nt_mma_bf16"},
		"three channels, written":   {conv(3, 3, 16), "gemm_nt_64_sm90_bf16", "gemm_nt_mma_bf16"},
	} {
		require.Equal(t, []string{c.sm90}, launchedBy(t, "1", c.run), "%s, sm_90a", name)
		require.Equal(t, []string{c.portable}, launchedBy(t, "portable,1", c.run), "%s, portable", name)
	}
}
