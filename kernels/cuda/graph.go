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
	mine    []addr         // all that goes back to the pool in the end
	uploads []upload

	copies   stream // on which sources come to the device, beside a replay
	arrived  event  // on it: they are there
	taken    event  // on the device's: a replay has what it needs of them
	prepared bool   // for the next replay
	sent     bool   // once at least
}

// upload is a copy that is a part of a graph. What it copies comes from pinned memory to the device while the
// replay before may still run, and is then moved to where the graph looks for it.
type upload struct {
	pinned      unsafe.Pointer
	ahead, here addr
	dst         kernels.Buf
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
			g.g, _ = d.drv.EndCapture(g.stream)
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
	for _, e := range []*event{&g.arrived, &g.taken} {
		if *e, err = g.d.drv.NewEvent(); err != nil {
			return err
		}
	}
	for _, s := range []*stream{&g.copies, &g.stream} {
		if *s, err = g.d.drv.NewStream(); err != nil {
			return err
		}
	}
	return g.d.drv.BeginCapture(g.stream)
}

// get is pool.get while recording.
func (g *Graph) get(n int) (a addr, err error) {
	class := sizeClass(n)
	if list := g.free[class]; len(list) > 0 {
		g.free[class] = list[:len(list)-1]
		return list[len(list)-1], nil
	}
	if a, err = g.d.pool.get(class); err == nil {
		g.mine = append(g.mine, a)
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
	for _, a := range g.mine {
		if a == b.Addr() {
			g.free[class] = append(g.free[class], a)
			return true
		}
	}
	g.mine = append(g.mine, b.Addr())
	return true
}

// upload records a copy of what a replay is given.
func (g *Graph) upload(dst kernels.Buf) error {
	u := upload{dst: dst}
	var err error
	if u.pinned, err = g.d.drv.AllocHost(max(8, dst.Bytes())); err != nil {
		return err
	}
	g.uploads = append(g.uploads, u)
	last := &g.uploads[len(g.uploads)-1]
	for _, a := range []*addr{&last.ahead, &last.here} {
		if *a, err = g.d.pool.get(dst.Bytes()); err != nil {
			return err
		}
		g.mine = append(g.mine, *a)
	}
	if dst.Len() == 0 {
		return nil
	}
	return g.d.drv.Copy(dst.Addr(), last.here, dst.Bytes(), g.stream)
}

// Prepare copies the sources to pinned memory, when that is free, and queues their way to the device.
func (g *Graph) Prepare(host ...kernels.Buf) error {
	if len(host) != len(g.uploads) {
		panic(&kernels.ArgError{Op: "replay", Field: "host",
			Reason: fmt.Sprintf("has %d buffers, %d uploads were recorded", len(host), len(g.uploads))})
	}
	for i, u := range g.uploads {
		g.d.same("replay", u.dst, host[i])
	}
	drv := g.d.drv
	var err error
	if g.sent { // what was sent before has left pinned memory
		err = drv.WaitEvent(g.arrived)
	} else { // whoever had the memory before is done with it
		err = drv.Record(g.taken, g.d.stream)
	}
	if err == nil {
		err = drv.After(g.copies, g.taken)
	}
	for i, u := range g.uploads {
		if err == nil && u.dst.Len() > 0 {
			convert(hostView(u.dst.DType(), u.dst.Len(), u.pinned), host[i])
			err = drv.CopyIn(u.ahead, u.pinned, u.dst.Bytes(), g.copies)
		}
	}
	if err == nil {
		err = drv.Record(g.arrived, g.copies)
	}
	if err != nil {
		return deviceError("replay", err)
	}
	g.sent, g.prepared = true, true
	return nil
}

// Replay queues the recorded ops.
func (g *Graph) Replay(host ...kernels.Buf) error {
	if len(host) > 0 || len(g.uploads) > 0 && !g.prepared {
		if err := g.Prepare(host...); err != nil {
			return err
		}
	}
	err := g.take()
	if err == nil {
		err = g.d.drv.Replay(g.g, g.d.stream)
	}
	if err != nil {
		return deviceError("replay", err)
	}
	return nil
}

// take waits, on the device, for what was prepared, and moves it to where the graph looks for it.
func (g *Graph) take() error {
	if !g.prepared {
		return nil
	}
	g.prepared = false
	drv := g.d.drv
	err := drv.After(g.d.stream, g.arrived)
	for _, u := range g.uploads {
		if err == nil && u.dst.Len() > 0 {
			err = drv.Copy(u.here, u.ahead, u.dst.Bytes(), g.d.stream)
		}
	}
	if err == nil {
		err = drv.Record(g.taken, g.d.stream)
	}
	return err
}

// Close waits for replays and gives the graph and its memory back.
func (g *Graph) Close() error {
	errs := []error{g.d.Wait()}
	if g.copies != 0 {
		errs = append(errs, g.d.drv.Wait(g.copies))
	}
	for _, a := range g.mine {
		g.d.pool.put(a)
	}
	for _, u := range g.uploads {
		errs = append(errs, g.d.drv.FreeHost(u.pinned))
	}
	if g.g != 0 {
		errs = append(errs, g.d.drv.FreeGraph(g.g))
	}
	for _, s := range []stream{g.stream, g.copies} {
		if s != 0 {
			errs = append(errs, g.d.drv.FreeStream(s))
		}
	}
	for _, e := range []event{g.arrived, g.taken} {
		if e != 0 {
			errs = append(errs, g.d.drv.FreeEvent(e))
		}
	}
	*g = Graph{d: g.d}
	return errors.Join(errs...)
}
