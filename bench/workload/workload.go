package workload

import (
	"context"
	"errors"
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/tensor"
	"truegrain/train/optim"
)

// Workload is a model that is ready to run again and again on the same pictures.
type Workload struct {
	Spec
	X tensor.Tensor // pictures, host memory
	Y []float32     // the logits of the last inference, or the one loss of the last training step

	be     kernels.Backend
	model  models.Model
	frozen *models.Frozen // or model, one of them
	out    tensor.Tensor  // of the frozen model, over Y
	pool   *autograd.Pool
	optim  optim.Optimizer
	labels []int32
	held   *resident
	nodes  func([]*autograd.Node) // sees each training step's nodes; nil mostly
}

// Open makes a workload on a backend. Close it after use.
func Open(be kernels.Backend, s Spec) (w *Workload, err error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	w = &Workload{Spec: s, be: be, pool: autograd.NewPool(be)}
	size := s.Size
	if size == 0 {
		if size, err = inputSize(s.Model); err != nil {
			return nil, err
		}
	}
	w.X = Pictures(s.Batch, size)
	if s.Impl != Tape {
		if w.frozen, err = freeze(be, s, size); err != nil {
			return nil, err
		}
		shape := w.frozen.OutputShape()
		w.Y = make([]float32, shape.Len())
		w.out = tensor.FromSlice(w.Y, shape...)
		return w, w.settleIn()
	}
	if w.model, err = build(be, s); err != nil {
		return nil, err
	}
	if s.Train {
		err = w.openTraining()
	}
	if err == nil {
		err = w.settleIn()
	}
	return w, err
}

// Close gives all memory back, also what a device's pool keeps for later.
func (w *Workload) Close() {
	w.held.close(w.be)
	if w.frozen != nil {
		w.frozen.Close()
	}
	if w.model != nil {
		for _, p := range w.model.Params() {
			w.be.Free(p.Grad().Buf)
			w.be.Free(p.Release())
		}
	}
	if w.optim != nil {
		for _, s := range w.optim.State() {
			w.be.Free(s.Value.Buf)
		}
	}
	w.pool.Trim()
	if d, ok := w.be.(interface{ Trim() error }); ok {
		d.Trim() //nolint:errcheck // what went wrong before, the next run says
	}
}

// Run is one inference, or one training step.
func (w *Workload) Run() error {
	switch {
	case w.Train:
		return w.step()
	case w.held != nil:
		return w.held.frozen.Run()
	case w.frozen != nil:
		return w.frozen.RunInto(context.Background(), w.out, w.X)
	}
	t := autograd.NewTape(w.be, autograd.WithPool(w.pool))
	defer t.Reset()
	y := w.model.Forward(t, t.Upload(w.X))
	if w.nodes != nil {
		w.nodes(t.Nodes())
	}
	v, err := y.Values()
	w.Y = v
	return err
}

// FLOPs counts the operations of one run: those of the ops as they are run, or in training three times those
// of the forward, for each product has two gradients.
func (w *Workload) FLOPs() (n int64) {
	if w.frozen != nil {
		for _, op := range w.frozen.Ops() {
			n += op.Cost().FLOPs
		}
		return n
	}
	t := autograd.NewTape(w.be, autograd.WithPool(autograd.NewDryPool()))
	w.model.Forward(t, t.Alloc(w.X.Shape()...))
	for _, node := range t.Nodes() {
		n += node.Cost().FLOPs
	}
	if w.Train {
		n *= 3
	}
	return n
}

// openTraining chooses the optimiser that such models are trained with, and labels.
func (w *Workload) openTraining() (err error) {
	name, options := "sgd", optim.Options{Momentum: 0.9, WeightDecay: 1e-4}
	if w.model.Kind() == models.Transformer {
		name, options = "adamw", optim.Options{WeightDecay: 0.05}
	}
	if w.optim, err = optim.New(name, w.model.Params(), options); err != nil {
		return err
	}
	n := w.Batch
	if w.model.Kind() == models.Segmenter {
		n *= w.X.Dim(1) * w.X.Dim(2)
	}
	w.labels = make([]int32, n)
	w.Label(func(i int) int32 { return int32(i*7) % int32(Classes(w.Model)) })
	return nil
}

// Labels is how many a training step takes: one for each picture, or for each pixel.
func (w *Workload) Labels() int { return len(w.labels) }

// Label sets the class of each picture, or of each pixel.
func (w *Workload) Label(class func(i int) int32) {
	for i := range w.labels {
		w.labels[i] = class(i)
	}
}

// LearningRate is that of the training step: small, so that many steps on the same pictures stay in range.
const LearningRate = 1e-4

// step is forward, cross entropy, backward, and the optimiser's update.
func (w *Workload) step() error {
	for _, p := range w.model.Params() {
		p.ZeroGrad()
	}
	t := autograd.NewTape(w.be, autograd.WithGrad(), autograd.WithTrain(), autograd.WithPool(w.pool))
	defer t.Reset()
	x, labels := w.inputs(t)
	y := w.model.Forward(t, x)
	loss := t.CrossEntropy(t.Reshape(y, -1, y.Dim(-1)), labels)
	if w.nodes != nil {
		w.nodes(t.Nodes())
	}
	if err := t.Backward(loss); err != nil {
		return err
	}
	w.optim.Step(LearningRate)
	if w.held != nil {
		w.be.Copy(w.held.loss, loss.Buf)
		return t.Err()
	}
	v, err := loss.Scalar()
	w.Y = append(w.Y[:0], float32(v))
	return err
}

// ErrNotFinite says that a run gave no number.
var ErrNotFinite = errors.New("the result is not a number")

// Finite says whether the last run gave numbers.
func (w *Workload) Finite() error {
	for i, v := range w.Y {
		if v != v || v-v != 0 {
			return fmt.Errorf("%s: output %d is %v: %w", w.Name(), i, v, ErrNotFinite)
		}
	}
	return nil
}
