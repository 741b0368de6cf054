package models

import (
	"context"
	"fmt"

	"truegrain/kernels"
	"truegrain/tensor"
)

// replay queues the ops at once, on a backend that can record them; false on any other. The first call
// records them.
func (n *instance) replay(be kernels.Backend) (bool, error) {
	if n.record == nil {
		r, ok := be.(kernels.Recorder)
		if !ok {
			return false, nil
		}
		var err error
		n.record, err = r.Record(func(be kernels.Backend) {
			for _, op := range n.ops {
				op.Run(be)
			}
		})
		if err != nil {
			n.record = nil
			return false, fmt.Errorf("frozen model: %w", err)
		}
	}
	return true, n.record.Replay()
}

// close gives the instance's memory back. A device that refuses has been lost, and its memory with it.
func (n *instance) close(be kernels.Backend) {
	if n.record != nil {
		n.record.Close() //nolint:errcheck // what went wrong was said by the run that it went wrong in
	}
	be.Free(n.bytes)
	be.Free(n.arena)
}

// refused makes a device's refusal, which ops raise, the error of the function that defers it.
func refused(err *error) {
	switch p := recover().(type) {
	case nil:
	case *kernels.DeviceError:
		*err = p
	default:
		panic(p)
	}
}

// Held is a frozen model with its pictures in the device's memory, to be run on them again and again: what
// measurements of the device need.
type Held struct {
	f *Frozen
	n *instance
	x kernels.Buf // the pictures: a run overwrites its own copy
}

// Hold brings pictures x, as Run takes them, to where the model finds them. Release it after use.
func (f *Frozen) Hold(x tensor.Tensor) (h *Held, err error) {
	x.MustShape("Frozen.Hold x", f.x...)
	n, err := f.take()
	if err != nil {
		return nil, fmt.Errorf("frozen model, %d bytes: %w", f.Bytes(), err)
	}
	buf, err := f.be.Alloc(x.Buf.DType(), x.Len())
	if err != nil {
		f.give(n)
		return nil, fmt.Errorf("pictures of a frozen model: %w", err)
	}
	defer refused(&err)
	f.be.Upload(buf, x.Buf)
	return &Held{f, n, buf}, nil
}

// Run queues one pass. Whether it went well, Result says.
func (h *Held) Run() (err error) {
	defer refused(&err)
	h.f.be.Copy(h.n.x, h.x)
	return h.f.ops(context.Background(), h.f.be, h.n, nil)
}

// Result waits for the passes and reads the logits of the last one into y, host memory of OutputShape.
func (h *Held) Result(y tensor.Tensor) (err error) {
	y.MustShape("Held.Result y", h.f.y...)
	defer refused(&err)
	h.f.be.Download(y.Buf, h.n.y)
	return nil
}

// Release gives the memory back.
func (h *Held) Release() {
	h.f.be.Free(h.x)
	h.f.give(h.n)
}
