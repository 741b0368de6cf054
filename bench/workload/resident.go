package workload

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/tensor"
)

// resident is what a workload keeps in a device's memory.
type resident struct {
	frozen          *models.Held
	x, labels, loss kernels.Buf
}

// settleIn brings the pictures of a resident workload to its device.
func (w *Workload) settleIn() (err error) {
	if !w.Resident {
		return nil
	}
	w.held = &resident{}
	if w.frozen != nil {
		w.held.frozen, err = w.frozen.Hold(w.X)
		return err
	}
	if !w.Train {
		return fmt.Errorf("%s: a forward on a tape brings its result out", w.Name())
	}
	put := func(dst *kernels.Buf, host kernels.Buf) {
		if err == nil {
			*dst, err = w.be.Alloc(host.DType(), host.Len())
		}
		if err == nil {
			w.be.Upload(*dst, host)
		}
	}
	put(&w.held.x, w.X.Buf)
	put(&w.held.labels, kernels.Of(w.labels))
	put(&w.held.loss, kernels.Of(make([]float32, 1)))
	return err
}

// inputs are a training step's pictures and labels on its tape.
func (w *Workload) inputs(t *autograd.Tape) (x *autograd.Var, labels tensor.Tensor) {
	if w.held == nil {
		return t.Upload(w.X), t.UploadInts(w.labels)
	}
	return t.Const(tensor.New(w.held.x, w.X.Shape()...)), tensor.New(w.held.labels, len(w.labels))
}

// Settle waits for the runs of a resident workload and reads the result of the last one into Y.
func (w *Workload) Settle() error {
	switch {
	case w.held == nil:
		return nil
	case w.frozen != nil:
		return w.held.frozen.Result(w.out)
	}
	w.Y = append(w.Y[:0], 0)
	return tensor.Catch(func() { w.be.Download(kernels.Of(w.Y[:1]), w.held.loss) })
}

func (h *resident) close(be kernels.Backend) {
	if h == nil {
		return
	}
	if h.frozen != nil {
		h.frozen.Release()
	}
	for _, b := range []kernels.Buf{h.x, h.labels, h.loss} {
		be.Free(b)
	}
}
