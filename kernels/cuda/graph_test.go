//go:build cuda || emu

package cuda

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/tensor"
)

// warm runs f once, so that its kernels are loaded, and records it.
func warm(t *testing.T, d *Device, f func(be kernels.Backend)) kernels.Recording {
	f(d)
	g, err := d.Record(f)
	require.NoError(t, err)
	return g
}

// TestGraphReplays records a column sum, whose partial sums lie in scratch memory, and replays it on new
// values after that memory would have been given out again.
func TestGraphReplays(t *testing.T) {
	d := testDevice(t, "check,1")
	x, y := alloc(t, d, kernels.F32, make([]float64, 600*2)...), alloc(t, d, kernels.F32, 7, 7)
	g := warm(t, d, func(be kernels.Backend) {
		be.Sum(kernels.Sum{Outer: 1, N: 600, Inner: 2, Scale: 1, X: x, Y: y})
	})
	d.Fill(y, 7)
	require.Equal(t, []float64{7, 7}, read(d, y), "recording runs nothing")
	for v := range 3 {
		d.Fill(x, float64(v))
		other := alloc(t, d, kernels.F32, make([]float64, 6)...)
		require.NoError(t, g.Replay())
		require.Equal(t, []float64{600 * float64(v), 600 * float64(v)}, read(d, y))
		require.Equal(t, make([]float64, 6), read(d, other))
		d.Free(other)
	}
	before := d.Stats().Buffers
	require.NoError(t, g.Close())
	require.Less(t, d.Stats().Buffers, before, "the graph's memory is given back")
}

// TestGraphUsesItsMemoryAgain: what one recorded op has given back serves the next one.
func TestGraphUsesItsMemoryAgain(t *testing.T) {
	d := testDevice(t, "check,2")
	x, y := alloc(t, d, kernels.F32, rounded(1, 600*2)...), alloc(t, d, kernels.F32, 0, 0)
	before := d.Stats().Buffers
	g := warm(t, d, func(be kernels.Backend) {
		for range 4 {
			be.Sum(kernels.Sum{Outer: 1, N: 600, Inner: 2, Scale: 1, X: x, Y: y})
			b, err := be.Alloc(kernels.F32, 2)
			require.NoError(t, err)
			be.Copy(b, y)
			be.Add(kernels.Add{N: 2, A: b, B: b, Y: y})
			be.Free(b)
		}
	})
	require.Equal(t, before+1, d.Stats().Buffers, "b lies where the partial sums lay")
	want := read(d, y)
	for range 2 {
		d.Fill(y, 3)
		require.NoError(t, g.Replay())
		require.Equal(t, want, read(d, y))
	}
	require.NoError(t, g.Close())
	require.Equal(t, before, d.Stats().Buffers)
}

// TestGraphTakesUploads fills the places that uploads were recorded at, while the replay before may still run.
func TestGraphTakesUploads(t *testing.T) {
	d := testDevice(t, "check,1")
	sum := alloc(t, d, kernels.F32, 0, 0)
	pass := func(be kernels.Backend) {
		a, err := be.Alloc(kernels.F32, 2)
		require.NoError(t, err)
		k, err := be.Alloc(kernels.I32, 1)
		require.NoError(t, err)
		be.Upload(a, kernels.Of([]float64{9, 9}))
		be.Upload(k, kernels.Of([]int32{0}))
		be.Add(kernels.Add{N: 2, A: sum, B: a, Y: sum})
	}
	g := warm(t, d, pass)
	d.Fill(sum, 0)
	host, number := make([]float32, 2), make([]int32, 1)
	for v := range 5 {
		host[0], host[1] = float32(v), 1
		require.NoError(t, g.Replay(kernels.Of(host), kernels.Of(number)))
	}
	require.Equal(t, []float64{10, 5}, read(d, sum))
	require.Error(t, tensor.Catch(func() { _ = g.Replay(kernels.Of(host)) }), "one of two uploads")
	require.Error(t, tensor.Catch(func() { _ = g.Replay(kernels.Of(number), kernels.Of(number)) }), "too short")
	require.NoError(t, g.Close())
}

// TestOthersWorkWhileAGraphIsRecorded: their ops run, and are no part of it.
func TestOthersWorkWhileAGraphIsRecorded(t *testing.T) {
	d := testDevice(t, "")
	x, y := alloc(t, d, kernels.F32, 1, 2), alloc(t, d, kernels.F32, 1, 2)
	double := func(be kernels.Backend, b kernels.Buf) { be.Add(kernels.Add{N: 2, A: b, B: b, Y: b}) }
	double(d, x)
	g, err := d.Record(func(be kernels.Backend) {
		double(be, x)
		var other sync.WaitGroup
		other.Go(func() { double(d, y) })
		other.Wait()
	})
	require.NoError(t, err)
	require.Equal(t, []float64{2, 4}, read(d, y))
	require.NoError(t, g.Replay())
	require.Equal(t, []float64{4, 8}, read(d, x))
	require.Equal(t, []float64{2, 4}, read(d, y), "not doubled again")
	require.NoError(t, g.Close())
}

func TestPanicEndsARecording(t *testing.T) {
	d := testDevice(t, "")
	x := alloc(t, d, kernels.F32, 1, 2)
	for _, f := range []func(be kernels.Backend){
		func(be kernels.Backend) { be.Add(kernels.Add{N: 2, A: x, B: kernels.Of([]float32{1, 2}), Y: x}) },
		func(be kernels.Backend) { be.Download(kernels.Of(make([]float32, 2)), x) },
		func(be kernels.Backend) { _, _ = be.(kernels.Recorder).Record(func(kernels.Backend) {}) },
	} {
		var arg *kernels.ArgError
		require.ErrorAs(t, tensor.Catch(func() { _, _ = d.Record(f) }), &arg)
	}
	d.Add(kernels.Add{N: 2, A: x, B: x, Y: x})
	require.Equal(t, []float64{2, 4}, read(d, x))
}
