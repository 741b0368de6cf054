//go:build emu

package cuda

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// astray is a driver that forgets one kind of a graph's waits, and runs the device's stream or the one of copies at
// once; the emulator itself runs a stream as late as it can.
type astray struct {
	driver
	own           stream
	forget, eager string
}

func (d astray) After(s stream, e event) error {
	if d.forget == "the device" && s == d.own || d.forget == "the copies" && s != d.own {
		return nil
	}
	return d.driver.After(s, e)
}

func (d astray) WaitEvent(e event) error {
	if d.forget == "the host" {
		return nil
	}
	return d.driver.WaitEvent(e)
}

func (d astray) CopyIn(to addr, from unsafe.Pointer, bytes int, s stream) error {
	err := d.driver.CopyIn(to, from, bytes, s)
	if err == nil && d.eager == "the copies" && s != d.own {
		err = d.Wait(s)
	}
	return err
}

func (d astray) Replay(g graph, s stream) error {
	err := d.driver.Replay(g, s)
	if err == nil && d.eager == "the device" {
		err = d.Wait(s)
	}
	return err
}

// sumOfReplays adds 1, 2, 3 ... up by replays whose sources are sent ahead, one while the replay before is queued.
func sumOfReplays(t *testing.T, forget, eager string) float64 {
	d := testDevice(t, "check,1")
	sum := alloc(t, d, kernels.F32, 0)
	g := warm(t, d, func(be kernels.Backend) {
		a, err := be.Alloc(kernels.F32, 1)
		require.NoError(t, err)
		be.Upload(a, kernels.Of([]float64{9}))
		be.Add(kernels.Add{N: 1, A: sum, B: a, Y: sum})
	})
	d.Fill(sum, 0)
	require.NoError(t, d.Wait())
	sound := d.drv
	d.drv = astray{sound, d.stream, forget, eager}
	host := []float32{1}
	require.NoError(t, g.Prepare(kernels.Of(host)))
	for v := range 6 {
		require.NoError(t, g.Replay())
		host[0] = float32(v + 2)
		require.NoError(t, g.Prepare(kernels.Of(host)))
	}
	d.drv = sound
	require.NoError(t, g.Close())
	return read(d, sum)[0]
}

// TestGraphSendsAhead: the sources of a replay are sent while the one before it is not over, and each wait that is
// left out shows, with copies that are late or early.
func TestGraphSendsAhead(t *testing.T) {
	for _, eager := range []string{"", "the device", "the copies"} {
		require.EqualValues(t, 1+2+3+4+5+6, sumOfReplays(t, "", eager))
	}
	require.NotEqualValues(t, 21, sumOfReplays(t, "the device", "the device"), "a replay must wait for its sources")
	require.NotEqualValues(t, 21, sumOfReplays(t, "the host", ""), "pinned memory is on its way")
	require.NotEqualValues(t, 21, sumOfReplays(t, "the copies", "the copies"), "the replay before has not taken its sources")
}
