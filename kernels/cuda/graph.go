//go:build cuda || emu

package cuda

// Graph is a sequence of launches that the driver replays as one: the same kernels on the same buffers,
// without the cost of each launch. What a replay must vary lies in device memory.
type Graph struct {
	d    *Device
	g    graph
	held []addr
}

// Capture records the ops that f calls instead of running them. Nothing may go between host and device in f.
// Memory that f's ops take for themselves belongs to the graph until Close. If f panics, the capture ends and
// the panic goes on.
func (d *Device) Capture(f func()) (*Graph, error) {
	if err := d.drv.BeginCapture(d.stream); err != nil {
		return nil, deviceError("capture", err)
	}
	g := &Graph{d: d}
	d.pool.hold(&g.held)
	done := false
	defer func() {
		d.pool.hold(nil)
		if !done {
			_, _ = d.drv.EndCapture(d.stream) // the panic of f says what was wrong
			_ = g.Close()
		}
	}()
	f()
	done = true
	var err error
	if g.g, err = d.drv.EndCapture(d.stream); err != nil {
		return nil, deviceError("capture", err)
	}
	return g, nil
}

// Replay queues the recorded ops.
func (g *Graph) Replay() error {
	if err := g.d.drv.Replay(g.g, g.d.stream); err != nil {
		return deviceError("replay", err)
	}
	return nil
}

// Close waits for replays and gives the graph and its memory back.
func (g *Graph) Close() error {
	if err := g.d.Wait(); err != nil {
		return err
	}
	for _, a := range g.held {
		g.d.pool.put(a)
	}
	g.held = nil
	if g.g == 0 {
		return nil
	}
	defer func() { g.g = 0 }()
	return g.d.drv.FreeGraph(g.g)
}

// hold makes put keep what it takes on a list, for a graph that will use it again; nil ends that.
func (p *pool) hold(list *[]addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = list
}
