//go:build cuda || emu

package cuda

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/tensor"
)

func alloc(t *testing.T, d *Device, dt kernels.DType, v ...float64) kernels.Buf {
	b, err := d.Alloc(dt, len(v))
	require.NoError(t, err)
	d.Upload(b, kernels.Of(v))
	return b
}

func read(d *Device, b kernels.Buf) []float64 {
	out := make([]float64, b.Len())
	d.Download(kernels.Of(out), b)
	return out
}

func TestWrongDeviceIsNamed(t *testing.T) {
	d, other := testDevice(t, "1"), testDevice(t, "2")
	x := alloc(t, d, kernels.F32, 1, 2)
	for name, b := range map[string]kernels.Buf{"host": kernels.Of([]float32{1, 2}),
		"other": alloc(t, other, kernels.F32, 1, 2)} {
		err := tensor.Catch(func() { d.Add(kernels.Add{N: 2, A: x, B: b, Y: x}) })
		var arg *kernels.ArgError
		require.ErrorAs(t, err, &arg, name)
		require.Equal(t, "add_fwd_f32", arg.Op)
		require.Contains(t, arg.Reason, "wanted on "+d.Name())
	}
	d.Free(x)
	require.Error(t, tensor.Catch(func() { d.Add(kernels.Add{N: 2, A: x, B: x, Y: x}) }), "given back")
	require.Error(t, tensor.Catch(func() { d.Free(x) }), "given back twice")
}

func TestOutOfMemoryLeavesTheDeviceUsable(t *testing.T) {
	d := testDevice(t, "")
	_, err := d.Alloc(kernels.F32, 1<<40)
	require.ErrorIs(t, err, kernels.ErrOutOfMemory)
	require.ErrorContains(t, err, "asked for")
	x := alloc(t, d, kernels.F32, -1, 2)
	d.ReLU(kernels.ReLU{N: 2, X: x, Y: x})
	require.Equal(t, []float64{0, 2}, read(d, x))
}

func TestPoolGivesOutAgainWhatWasFreed(t *testing.T) {
	d := testDevice(t, "")
	first := alloc(t, d, kernels.F32, make([]float64, 1000)...)
	d.Fill(first, 3)
	d.Free(first)
	second := alloc(t, d, kernels.F32, make([]float64, 900)...)
	require.Equal(t, first.Addr(), second.Addr())
	require.Equal(t, make([]float64, 900), read(d, second), "fresh memory is zero")
	s := d.Stats()
	require.Equal(t, Stats{Live: 3600, HighWater: 4000, Reserved: 4096, Buffers: 1}, s)
}

func TestSizeClasses(t *testing.T) {
	for n, want := range map[int]int{0: 512, 1: 512, 513: 1024, 4096: 4096, 4097: 5120, 1 << 20: 1 << 20,
		1<<20 + 1: 5 << 18} {
		require.Equal(t, want, sizeClass(n), n)
	}
}

func TestNaNGoesThrough(t *testing.T) {
	d := testDevice(t, "check")
	nan := math.NaN()
	x := alloc(t, d, kernels.F32, nan, -1, 1)
	y := alloc(t, d, kernels.F32, 0, 0, 0)
	d.ReLU(kernels.ReLU{N: 3, X: x, Y: y})
	require.True(t, math.IsNaN(read(d, y)[0]))
	require.Equal(t, []float64{0, 1}, read(d, y)[1:])
	d.Softmax(kernels.Softmax{R: 1, D: 3, X: x, Y: y})
	for _, v := range read(d, y) {
		require.True(t, math.IsNaN(v))
	}
}

// TestUploadsSurviveChangesOfTheHost holds the staging buffers to their events: the copy runs long after
// Upload.
func TestUploadsSurviveChangesOfTheHost(t *testing.T) {
	d := testDevice(t, "")
	const n = stagingBytes/4 + 5
	host := make([]float32, n)
	var bufs []kernels.Buf
	for k := range 5 {
		for i := range host {
			host[i] = float32(k)
		}
		b, err := d.Alloc(kernels.F32, n)
		require.NoError(t, err)
		d.Upload(b, kernels.Of(host))
		bufs = append(bufs, b)
	}
	for k, b := range bufs {
		d.Download(kernels.Of(host), b)
		require.Equal(t, float32(k), host[0])
		require.Equal(t, float32(k), host[n-1])
	}
}

func TestBFloat16RoundsOnce(t *testing.T) {
	d := testDevice(t, "check,1")
	x := alloc(t, d, kernels.BF16, 1, 1.0078125, -3, 100)
	y := alloc(t, d, kernels.BF16, 1, 0.00390625, 1, 0.5)
	d.Add(kernels.Add{N: 4, A: x, B: y, Y: y})
	require.Equal(t, []float64{2, 1.015625, -2, 100.5}, read(d, y)) // 1.01171875 is a tie: to even
}

// noting keeps launches instead of running them.
type noting struct {
	driver
	seen *[]launch
}

func (n noting) Launch(l *launch, _ stream) error {
	*n.seen = append(*n.seen, *l)
	return nil
}

// TestSumsOfManyRows has more of them than a grid has blocks in its second or third direction: what is beyond goes
// into a launch of its own, on what follows of the operands.
func TestSumsOfManyRows(t *testing.T) {
	const more, n = 3, 2
	for _, inner := range []int{1, 2} {
		d, seen := testDevice(t, "1"), []launch{}
		y := alloc(t, d, kernels.F32, make([]float64, (mostAcross+more)*inner)...)
		x := alloc(t, d, kernels.F32, make([]float64, (mostAcross+more)*n*inner)...)
		d.drv = noting{d.drv, &seen}
		d.Sum(kernels.Sum{Outer: mostAcross + more, N: n, Inner: inner, Scale: 1, X: x, Y: y})
		require.Len(t, seen, 2)
		rest, first := seen[0], seen[1]
		require.Equal(t, []kernels.Buf{y.Slice(0, mostAcross*inner), x.Slice(0, mostAcross*n*inner)}, first.operands)
		require.Equal(t, []kernels.Buf{y.Slice(mostAcross*inner, y.Len()), x.Slice(mostAcross*n*inner, x.Len())},
			rest.operands)
		require.EqualValues(t, mostAcross, max(first.grid[1], first.grid[2]))
		require.EqualValues(t, more, max(rest.grid[1], rest.grid[2]))
	}
}

// TestGridsBeyondTheLimits are refused before the driver sees them.
func TestGridsBeyondTheLimits(t *testing.T) {
	d := testDevice(t, "1")
	one, all := alloc(t, d, kernels.F32, 1), alloc(t, d, kernels.F32, make([]float64, mostAcross+1)...)
	err := tensor.Catch(func() {
		d.Gemm(kernels.Gemm{M: 1, N: 1, K: 1, LDA: 1, LDB: 1, LDC: 1, Batch: mostAcross + 1, StrideC: 1, A: one, B: one,
			C: all})
	})
	require.ErrorContains(t, err, "take a smaller batch")
	require.Equal(t, []float64{1}, read(d, one), "the device goes on working")
}
