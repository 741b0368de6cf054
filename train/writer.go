package train

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/nn/state"
)

// file is one file of a checkpoint: parameters and what else it says.
type file struct {
	path   string
	params []*autograd.Param
	meta   map[string]string
	values [][]float32 // the copy that is written
}

// writer writes files behind the training's back, from a copy. The copy is all that training waits for, as
// long as the files of the time before are on disk by then.
type writer struct {
	copies [][]float32 // memory for the next copy
	done   chan error  // of the write that is under way; nil if none is
}

// busy says that a write is under way.
func (w *writer) busy() bool { return w.done != nil && len(w.done) == 0 }

// wait is the error of the write that is under way, when that has ended.
func (w *writer) wait() error {
	if w.done == nil {
		return nil
	}
	err := <-w.done
	w.done = nil
	return err
}

// start copies the values and begins to write the files, in their order; behind them it runs after. It waits
// for the write before, and returns that one's error.
func (w *writer) start(files []file, after func() error) error {
	if err := w.wait(); err != nil {
		return err
	}
	w.copy(files)
	done := make(chan error, 1)
	w.done = done
	go func() { done <- write(files, after) }()
	return nil
}

// copy copies what the parameters hold, each value once.
func (w *writer) copy(files []file) {
	var copies [][]float32
	seen := map[uintptr][]float32{}
	for i := range files {
		f := &files[i]
		own := make([]*autograd.Param, len(f.params)) // for averaged weights change places with the model's
		for k, p := range f.params {
			q := *p
			own[k] = &q
			v, ok := seen[p.Value.Buf.Addr()]
			if !ok || len(v) != p.Value.Len() {
				v = w.memory(len(copies), p.Value.Len())
				p.Backend().Download(kernels.Of(v), p.Value.Buf)
				copies = append(copies, v)
				seen[p.Value.Buf.Addr()] = v
			}
			f.values = append(f.values, v)
		}
		f.params = own
	}
	w.copies = copies
}

// memory is that of copy i of the time before, if it is of the right size.
func (w *writer) memory(i, n int) []float32 {
	if i < len(w.copies) && len(w.copies[i]) == n {
		return w.copies[i]
	}
	return make([]float32, n)
}

func write(files []file, after func() error) error {
	for _, f := range files {
		for i, p := range f.params {
			for _, v := range f.values[i] {
				if !finite(float64(v)) {
					return fmt.Errorf("%s: %w; nothing was written to %s", p.Name, ErrDiverged, f.path)
				}
			}
		}
		if err := state.SaveValues(f.path, f.params, f.values, f.meta, state.SaveOptions{}); err != nil {
			return fmt.Errorf(
				"checkpoint: %w; the checkpoint before it is as it was, and --resume goes on from there", err)
		}
	}
	if after == nil {
		return nil
	}
	return after()
}
