//go:build cuda || emu

package cuda

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"truegrain/kernels"
)

func init() {
	kernels.Register(kernels.Driver{Kind: "dry", Open: func(string) (kernels.Backend, error) {
		d, err := open("dry", &dryDriver{next: 1 << 40})
		return dry{d}, err
	}, Devices: func() []kernels.DeviceInfo {
		return []kernels.DeviceInfo{{Spec: "dry", Description: "counts what an H200 would be asked for, runs nothing"}}
	}})
}

// dry is a device that runs nothing. Its values are zeros.
type dry struct{ *Device }

// Launches are what was asked for since the last call.
func (d dry) Launches() []kernels.Launch { return d.drv.(*dryDriver).launches() }

// HighWater is of the pool's memory.
func (d dry) HighWater() int {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	most := d.pool.stats.HighWater
	d.pool.stats.HighWater = d.pool.stats.Live
	return most
}

// dryDriver gives addresses of no memory and keeps what is queued.
type dryDriver struct {
	mu       sync.Mutex
	next     addr
	captured [][]kernels.Launch           // graphs; a handle is an index and 1
	open     map[stream]*[]kernels.Launch // that are captured
	streams  stream
	all      []kernels.Launch
}

func (d *dryDriver) launches() []kernels.Launch {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.all
	d.all = nil
	return all
}

func (d *dryDriver) queue(s stream, l ...kernels.Launch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if to := d.open[s]; to != nil {
		*to = append(*to, l...)
	} else {
		d.all = append(d.all, l...)
	}
	return nil
}

func (*dryDriver) Info() kernels.Hardware {
	return kernels.Hardware{Name: "H200, counted", Major: 9, SMs: 132, ClockMHz: 1980, Memory: 141e9, Driver: 12040}
}

func (d *dryDriver) Alloc(bytes int) (addr, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.next
	d.next += addr(bytes+511) &^ 511
	return a, nil
}

func (d *dryDriver) Launch(l *launch, s stream) error {
	c := kernels.Launch{Kernel: l.kernel.entry}
	operands := slices.SortedFunc(slices.Values(l.operands), func(a, b kernels.Buf) int {
		return cmp.Compare(a.Addr(), b.Addr())
	})
	var end addr // of those before: parts of a packed operand overlap
	for _, o := range operands {
		to := o.Addr() + addr(o.Bytes())
		c.Bytes += int64(max(0, int(to)-int(max(end, o.Addr()))))
		end = max(end, to)
	}
	c.FLOPs = l.products()
	c.Tensor = strings.Contains(l.kernel.module, "mma") || strings.Contains(l.kernel.module, "sm90")
	return d.queue(s, c)
}

// shape is the struct among the arguments of a launch that is no tensor map, or nil.
func (l *launch) shape() unsafe.Pointer {
	params := l.kernel.params
	for _, at := range l.at {
		if strings.HasPrefix(params, "s") {
			digits := len(params[1:]) - len(strings.TrimLeft(params[1:], "0123456789"))
			if params[1:1+digits] != "128" {
				return unsafe.Pointer(&l.args[at])
			}
			params = params[digits:]
		}
		params = params[1:]
	}
	return nil
}

// mul is twice the product: a multiplication and an addition each.
func mul(n ...int32) int64 {
	p := int64(2)
	for _, v := range n {
		p *= int64(v)
	}
	return p
}

// products are the operations of the matrix products that a launch is for.
func (l *launch) products() int64 {
	shape := l.shape()
	if shape == nil {
		return 0
	}
	module, _, _ := strings.Cut(strings.TrimSuffix(l.kernel.module, "mma"), "_")
	switch module {
	case "gemm":
		s := (*gemmShape)(shape)
		n := mul(s.M, s.N, s.K)
		if s.Chunk >= s.K && !strings.HasSuffix(l.kernel.module, "sm90") {
			n *= int64(l.grid[2])
		}
		return n
	case "conv2d":
		s := (*convShape)(shape)
		n := mul(s.Batch, s.OH, s.OW, s.OC, s.KH, s.KW, s.CG)
		if strings.HasPrefix(l.kernel.entry, "conv2d_dx") && strings.HasSuffix(l.kernel.module, "sm90") {
			n /= int64(s.SH * s.SW) // a phase
		}
		return n
	case "attention", "attentionbackward":
		s := (*attentionShape)(shape)
		n := mul(s.B, s.NH, s.TQ, s.TK, s.HD)
		for entry, times := range map[string]int64{"attention_fwd": 2, "attention_map": 1, "attention_dq": 3,
			"attention_dkv": 4, "attention_bwd": 7} {
			if strings.HasPrefix(l.kernel.entry, entry) {
				return times * n
			}
		}
	}
	return 0
}

func (d *dryDriver) Copy(_, _ addr, bytes int, s stream) error {
	return d.queue(s, kernels.Launch{Kernel: "copy", Bytes: 2 * int64(bytes)})
}

func (d *dryDriver) Set(_ addr, _ uint32, size, n int, s stream) error {
	return d.queue(s, kernels.Launch{Kernel: "fill", Bytes: int64(size) * int64(n)})
}

func (d *dryDriver) CopyOut(to unsafe.Pointer, _ addr, bytes int, _ stream) error {
	clear(unsafe.Slice((*byte)(to), bytes))
	return nil
}

func (d *dryDriver) NewStream() (stream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams++
	return d.streams, nil
}

func (d *dryDriver) BeginCapture(s stream) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[stream]*[]kernels.Launch{}
	}
	d.open[s] = new([]kernels.Launch)
	return nil
}

func (d *dryDriver) EndCapture(s stream) (graph, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.captured = append(d.captured, *d.open[s])
	delete(d.open, s)
	return graph(len(d.captured)), nil
}

func (d *dryDriver) Replay(g graph, s stream) error { return d.queue(s, d.captured[g-1]...) }

func (d *dryDriver) FreeGraph(g graph) error {
	d.captured[g-1] = nil
	return nil
}

func (*dryDriver) AllocHost(bytes int) (unsafe.Pointer, error) {
	return unsafe.Pointer(unsafe.SliceData(make([]float64, (bytes+7)/8))), nil
}

func (*dryDriver) Memory() (free, total int, err error)                       { return 141e9, 141e9, nil }
func (*dryDriver) Close() error                                               { return nil }
func (*dryDriver) Free(addr) error                                            { return nil }
func (*dryDriver) FreeHost(unsafe.Pointer) error                              { return nil }
func (*dryDriver) Forget(addr, int, stream)                                   {}
func (*dryDriver) Load(string, []byte) (moduleHandle, error)                  { return 1, nil }
func (*dryDriver) Function(moduleHandle, string, int) (functionHandle, error) { return 1, nil }
func (*dryDriver) TensorMap(boxes) ([]byte, error)                            { return make([]byte, 128), nil }
func (*dryDriver) PatchMap(patches) ([]byte, error)                           { return make([]byte, 128), nil }
func (*dryDriver) CopyIn(addr, unsafe.Pointer, int, stream) error             { return nil }
func (*dryDriver) FreeStream(stream) error                                    { return nil }
func (*dryDriver) Wait(stream) error                                          { return nil }
func (*dryDriver) NewEvent() (event, error)                                   { return 1, nil }
func (*dryDriver) FreeEvent(event) error                                      { return nil }
func (*dryDriver) Record(event, stream) error                                 { return nil }
func (*dryDriver) WaitEvent(event) error                                      { return nil }
func (*dryDriver) After(stream, event) error                                  { return nil }
func (*dryDriver) Elapsed(event, event) (float32, error)                      { return 1, nil }
