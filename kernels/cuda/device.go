//go:build cuda || emu

package cuda

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"truegrain/kernels"
)

// Device is the backend: one device, one stream on which all its work runs in the order of the calls.
type Device struct {
	kernels.Unsupported
	*core
	ctx context.Context
	rec *Graph // in which ops are recorded; nil: they run
}

// core is what a device and its copies with other contexts share.
type core struct {
	name     string
	portable bool // without the kernels for sm_90a
	drv      driver
	stream   stream
	pool     *pool
	staging  *staging

	mu        sync.Mutex
	modules   map[string]moduleHandle
	functions map[*kernel]functionHandle
}

// open makes a backend of a driver that is ready.
func open(name string, drv driver) (*Device, error) {
	s, err := drv.NewStream()
	if err != nil {
		return nil, errors.Join(err, drv.Close())
	}
	c := &core{name: name, drv: drv, stream: s, pool: newPool(drv, s),
		modules: map[string]moduleHandle{}, functions: map[*kernel]functionHandle{}}
	if c.staging, err = newStaging(drv, s); err != nil {
		return nil, errors.Join(err, drv.Close())
	}
	return &Device{kernels.Unsupported{Backend: name}, c, context.Background(), nil}, nil
}

// Name is the spec.
func (d *Device) Name() string { return d.name }

// DType is float32.
func (d *Device) DType() kernels.DType { return kernels.F32 }

// WithContext is the same device; a cancelled context stops it from queueing more work.
func (d *Device) WithContext(ctx context.Context) kernels.Backend {
	return &Device{d.Unsupported, d.core, ctx, d.rec}
}

// queue is the stream that ops go to.
func (d *Device) queue() stream {
	if d.rec != nil {
		return d.rec.stream
	}
	return d.stream
}

// Hardware describes the device.
func (d *Device) Hardware() kernels.Hardware {
	info := d.drv.Info()
	if d.portable {
		info.Name += ", portable kernels" // results of theirs are others
	}
	return info
}

// Stats are the figures of its memory pool.
func (d *Device) Stats() Stats {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	return d.pool.stats
}

// Wait returns when all work has run. The error is a *kernels.DeviceError.
func (d *Device) Wait() error {
	if err := d.drv.Wait(d.stream); err != nil {
		return deviceError("wait", err)
	}
	return nil
}

// Trim gives memory that lies idle back to the driver, for other processes.
func (d *Device) Trim() error {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	return d.pool.trim()
}

// Time is how long the device takes for what f queues, by its own clock.
func (d *Device) Time(f func()) (took time.Duration, err error) {
	var events [2]event
	for i := range events {
		if events[i], err = d.drv.NewEvent(); err != nil {
			return 0, deviceError("time", err)
		}
		defer d.drv.FreeEvent(events[i]) //nolint:errcheck // a device that can't free an event has failed before
	}
	err = d.drv.Record(events[0], d.stream)
	if err == nil {
		f()
		err = d.drv.Record(events[1], d.stream)
	}
	if err == nil {
		err = d.Wait()
	}
	var ms float32
	if err == nil {
		ms, err = d.drv.Elapsed(events[0], events[1])
	}
	if err != nil {
		return 0, deviceError("time", err)
	}
	return time.Duration(float64(ms) * float64(time.Millisecond)), nil
}

// Close waits for the work and gives everything back.
func (d *Device) Close() error {
	errs := []error{d.Wait(), d.staging.close()}
	d.pool.mu.Lock()
	for i := range d.pool.blocks {
		d.pool.blocks[i].live = 0
	}
	errs = append(errs, d.pool.trim())
	d.pool.mu.Unlock()
	if drv, ok := d.drv.(interface{ Unload(moduleHandle) error }); ok {
		for _, m := range d.modules {
			errs = append(errs, drv.Unload(m))
		}
	}
	return errors.Join(append(errs, d.drv.FreeStream(d.stream), d.drv.Close())...)
}

// function loads a kernel's module and finds its entry, once.
func (d *Device) function(k *kernel) (functionHandle, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.functions[k]; ok {
		return f, nil
	}
	m, ok := d.modules[k.module]
	if !ok {
		ptx, err := ptxFiles.ReadFile("ptx/" + k.module + ".ptx")
		if err != nil {
			return 0, fmt.Errorf("no module %s in this build: %w", k.module, err)
		}
		if m, err = d.drv.Load(k.module, ptx); err != nil {
			return 0, err
		}
		d.modules[k.module] = m
	}
	f, err := d.drv.Function(m, k.entry, k.shared)
	if err == nil {
		d.functions[k] = f
	}
	return f, err
}

// deviceError names the op in what a driver refused.
func deviceError(op string, err error) *kernels.DeviceError {
	var e *kernels.DeviceError
	if errors.As(err, &e) {
		named := *e
		named.Op = op + ": " + e.Op
		return &named
	}
	return &kernels.DeviceError{Op: op, Code: err.Error(), Err: err}
}

// must panics with *kernels.DeviceError if a call failed.
func (d *Device) must(op string, err error) {
	if err != nil {
		panic(deviceError(op, err))
	}
}

// scratch is memory of an op's own, which holds anything; give it back with Free as soon as its work is
// queued.
func (d *Device) scratch(t kernels.DType, n int) kernels.Buf {
	a, err := d.take(n * t.Size())
	d.must("scratch memory", err)
	return kernels.OfDevice(t, n, a)
}

// take is memory of the pool, or of the recording.
func (d *Device) take(n int) (addr, error) {
	if d.rec != nil {
		return d.rec.get(n)
	}
	return d.pool.get(n)
}
