//go:build cuda || emu

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"truegrain/kernels"
)

// Graph is a sequence of launches that the driver replays as one: the same kernels on the same buffers,
// without the cost of each launch. It is recorded on a stream of its own, so that other work goes on, and
// replayed on the device's. What a replay must vary lies in device memory, or comes by an upload.
type Graph struct {
	d      *Device
	stream stream // while it is recorded
	g      graph

	free    map[int][]addr // taken by ops and given back while recording, by size class: for the ops behind
	taken   []addr         // all that goes back to the pool in the end
	uploads []upload
	played  event // the last replay
	playing bool
}

// upload is a copy from pinned memory that is a part of a graph.
type upload struct {
	pinned unsafe.Pointer
	dst    kernels.Buf
}

// Record records the ops that f calls on the backend it is given (kernels.Recorder).
func (d *Device) Record(f func(kernels.Backend)) (kernels.Recording, error) {
	if d.rec != nil {
		panic(&kernels.ArgError{Op: "record", Field: "backend", Reason: "is recording already"})
	}
	g := &Graph{d: d, free: map[int][]addr{}}
	err := g.begin()
	if err != nil {
		return nil, errors.Join(deviceError("record", err), g.Close())
	}
	done := false
	defer func() {
		if !done { // the panic of f says what was wrong
			_, _ = d.drv.EndCapture(g.stream)
			_ = g.Close()
		}
	}()
	f(&Device{d.Unsupported, d.core, d.ctx, g})
	done = true
	if g.g, err = d.drv.EndCapture(g.stream); err != nil {
		return nil, errors.Join(deviceError("record", err), g.Close())
	}
	return g, nil
}

func (g *Graph) begin() (err error) {
	if g.played, err = g.d.drv.NewEvent(); err != nil {
		return err
	}
	if g.stream, err = g.d.drv.NewStream(); err != nil {
		return err
	}
	return g.d.drv.BeginCapture(g.stream)
}

// take is pool.get while recording.
func (g *Graph) take(n int) (a addr, err error) {
	class := sizeClass(n)
	if list := g.free[class]; len(list) > 0 {
		g.free[class] = list[:len(list)-1]
		return list[len(list)-1], nil
	}
	if a, err = g.d.pool.get(class); err == nil {
		g.taken = append(g.taken, a)
	}
	return a, err
}

// give is pool.put while recording: the graph goes on using the memory. What was taken before the recording
// goes back to the pool with it.
func (g *Graph) give(b kernels.Buf) bool {
	class, ok := g.d.pool.classOf(b.Addr())
	if !ok {
		return false
	}
	for _, a := range g.taken {
		if a == b.Addr() {
			g.free[class] = append(g.free[class], a)
			return true
		}
	}
	g.taken = append(g.taken, b.Addr())
	return true
}

// upload records a copy from pinned memory, which a replay fills before.
func (g *Graph) upload(dst kernels.Buf) error {
	p, err := g.d.drv.AllocHost(max(8, dst.Bytes()))
	if err != nil {
		return err
	}
	g.uploads = append(g.uploads, upload{p, dst})
	if dst.Len() == 0 {
		return nil
	}
	return g.d.drv.CopyIn(dst.Addr(), p, dst.Bytes(), g.stream)
}

// Replay queues the recorded ops.
func (g *Graph) Replay(host ...kernels.Buf) error {
	if len(host) != len(g.uploads) {
		panic(&kernels.ArgError{Op: "replay", Field: "host",
			Reason: fmt.Sprintf("has %d buffers, %d uploads were recorded", len(host), len(g.uploads))})
	}
	for i, u := range g.uploads {
		g.d.same("replay", u.dst, host[i])
	}
	if g.playing && len(host) > 0 { // the copies of the last replay may still be on their way
		if err := g.d.drv.WaitEvent(g.played); err != nil {
			return deviceError("replay", err)
		}
	}
	for i, u := range g.uploads {
		convert(hostView(u.dst.DType(), u.dst.Len(), u.pinned), host[i])
	}
	err := g.d.drv.Replay(g.g, g.d.stream)
	if err == nil {
		g.playing = true
		err = g.d.drv.Record(g.played, g.d.stream)
	}
	if err != nil {
		return deviceError("replay", err)
	}
	return nil
}

// Close waits for replays and gives the graph and its memory back.
func (g *Graph) Close() error {
	errs := []error{g.d.Wait()}
	for _, a := range g.taken {
		g.d.pool.put(a)
	}
	for _, u := range g.uploads {
		errs = append(errs, g.d.drv.FreeHost(u.pinned))
	}
	if g.g != 0 {
		errs = append(errs, g.d.drv.FreeGraph(g.g))
	}
	if g.stream != 0 {
		errs = append(errs, g.d.drv.FreeStream(g.stream))
	}
	if g.played != 0 {
		errs = append(errs, g.d.drv.FreeEvent(g.played))
	}
	g.taken, g.uploads, g.free, g.g, g.stream, g.played = nil, nil, nil, 0, 0, 0
	return errors.Join(errs...)
}
