//go:build cuda || emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// TestDryDeviceCounts the launches that a device of compute capability 9 would be given, also those of graphs.
func TestDryDeviceCounts(t *testing.T) {
	be, err := kernels.Open("dry")
	require.NoError(t, err)
	defer be.Close()
	d := be.(kernels.Counter)
	get := func(n int) kernels.Buf {
		b, err := be.Alloc(kernels.BF16, n)
		require.NoError(t, err)
		return b
	}
	linear := kernels.Linear{R: 512, D: 64, OD: 128, X: get(512 * 64), Weight: get(64 * 128), Y: get(512 * 128)}
	conv := kernels.Conv2DGrad{Conv2D: kernels.Conv2D{Window: square(3, 2, 1, 1), B: 1, H: 8, W: 8, C: 64, OC: 8,
		Groups: 1, X: get(64 * 64), Weight: get(8 * 9 * 64), Y: get(16 * 8)}, DY: get(16 * 8),
		DX: kernels.Grad{Buf: get(64 * 64)}}
	attend := kernels.Attention{B: 2, TQ: 5, TK: 7, NH: 3, HD: 64, LDQ: 192, LDK: 192, LDV: 192, Q: get(10 * 192),
		K: get(14 * 192), V: get(14 * 192), Y: get(10 * 192)}
	ops := func(be kernels.Backend) {
		be.Linear(linear)
		be.Conv2DBackward(conv)
		be.Attention(attend)
		be.Copy(linear.Y, linear.Y)
	}
	count := func() (n int, bytes, flops int64) {
		for _, l := range d.Launches() {
			n, bytes, flops = n+1, bytes+l.Bytes, flops+l.FLOPs
			require.True(t, l.Tensor || l.FLOPs == 0, l.Kernel)
		}
		return n, bytes, flops
	}
	count()
	ops(be)
	n, bytes, flops := count()
	require.Equal(t, 1+4+1+1, n, "a gradient with strides has phases")
	require.EqualValues(t, 2*(512*64*128+16*8*9*64)+4*2*3*5*7*64, flops)
	moved := 2 * (512*64 + 64*128 + 512*128 + 4*(16*8+8*9*64+64*64) + 2*10*192 + 2*14*192 + 2*512*128)
	require.EqualValues(t, moved, bytes)
	g, err := d.Record(ops)
	require.NoError(t, err)
	recorded, _, _ := count()
	require.Zero(t, recorded)
	require.NoError(t, g.Replay())
	again, _, _ := count()
	require.Equal(t, n, again)
	require.NoError(t, g.Close())
	require.Positive(t, d.HighWater())
}
