// Package profile notes every call that a model makes of its backend, with its time and its layer, and writes
// them as a trace that chrome://tracing and Perfetto open.
package profile

import (
	"context"
	"sync"
	"time"

	"truegrain/kernels"
)

// Recorder is a backend that notes each call before it passes it on. Models built on it are profiled whole:
// forward, backward, optimiser.
type Recorder struct {
	kernels.Backend
	*notes
}

type notes struct {
	mu    sync.Mutex
	on    bool
	calls []call
}

// call is one call of the backend.
type call struct {
	args  any
	start time.Time
	took  time.Duration
}

// Record wraps a backend. Nothing is noted until Start.
func Record(be kernels.Backend) *Recorder { return &Recorder{be, &notes{}} }

// Start notes the calls from here on, and forgets those before.
func (r *Recorder) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on, r.calls = true, nil
}

// Stop ends the noting.
func (r *Recorder) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = false
}

// WithContext is the wrapped backend's, noting into the same list.
func (r *Recorder) WithContext(ctx context.Context) kernels.Backend {
	return &Recorder{r.Backend.WithContext(ctx), r.notes}
}

func note[A any](r *Recorder, args A, f func(A)) {
	start := time.Now()
	f(args)
	took := time.Since(start)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		r.calls = append(r.calls, call{args, start, took})
	}
}

// The ops of kernels.Backend, in its order.

func (r *Recorder) Gemm(o kernels.Gemm)                       { note(r, o, r.Backend.Gemm) }
func (r *Recorder) Linear(o kernels.Linear)                   { note(r, o, r.Backend.Linear) }
func (r *Recorder) LinearBackward(o kernels.LinearGrad)       { note(r, o, r.Backend.LinearBackward) }
func (r *Recorder) Conv2D(o kernels.Conv2D)                   { note(r, o, r.Backend.Conv2D) }
func (r *Recorder) Conv2DBackward(o kernels.Conv2DGrad)       { note(r, o, r.Backend.Conv2DBackward) }
func (r *Recorder) ConvTranspose2D(o kernels.ConvTranspose2D) { note(r, o, r.Backend.ConvTranspose2D) }
func (r *Recorder) ConvTranspose2DBackward(o kernels.ConvTranspose2DGrad) {
	note(r, o, r.Backend.ConvTranspose2DBackward)
}
func (r *Recorder) MaxPool2D(o kernels.MaxPool2D) { note(r, o, r.Backend.MaxPool2D) }
func (r *Recorder) MaxPool2DBackward(o kernels.MaxPool2DGrad) {
	note(r, o, r.Backend.MaxPool2DBackward)
}
func (r *Recorder) AvgPool2D(o kernels.AvgPool2D) { note(r, o, r.Backend.AvgPool2D) }
func (r *Recorder) AvgPool2DBackward(o kernels.AvgPool2DGrad) {
	note(r, o, r.Backend.AvgPool2DBackward)
}
func (r *Recorder) AdaptiveAvgPool2D(o kernels.AdaptiveAvgPool2D) {
	note(r, o, r.Backend.AdaptiveAvgPool2D)
}
func (r *Recorder) AdaptiveAvgPool2DBackward(o kernels.AdaptiveAvgPool2DGrad) {
	note(r, o, r.Backend.AdaptiveAvgPool2DBackward)
}
func (r *Recorder) BatchNorm(o kernels.BatchNorm) { note(r, o, r.Backend.BatchNorm) }
func (r *Recorder) BatchNormBackward(o kernels.BatchNormGrad) {
	note(r, o, r.Backend.BatchNormBackward)
}
func (r *Recorder) LayerNorm(o kernels.LayerNorm) { note(r, o, r.Backend.LayerNorm) }
func (r *Recorder) LayerNormBackward(o kernels.LayerNormGrad) {
	note(r, o, r.Backend.LayerNormBackward)
}
func (r *Recorder) ReLU(o kernels.ReLU)                   { note(r, o, r.Backend.ReLU) }
func (r *Recorder) ReLUBackward(o kernels.ReLUGrad)       { note(r, o, r.Backend.ReLUBackward) }
func (r *Recorder) GELU(o kernels.GELU)                   { note(r, o, r.Backend.GELU) }
func (r *Recorder) GELUBackward(o kernels.GELUGrad)       { note(r, o, r.Backend.GELUBackward) }
func (r *Recorder) Sigmoid(o kernels.Sigmoid)             { note(r, o, r.Backend.Sigmoid) }
func (r *Recorder) SigmoidBackward(o kernels.SigmoidGrad) { note(r, o, r.Backend.SigmoidBackward) }
func (r *Recorder) Softmax(o kernels.Softmax)             { note(r, o, r.Backend.Softmax) }
func (r *Recorder) SoftmaxBackward(o kernels.SoftmaxGrad) { note(r, o, r.Backend.SoftmaxBackward) }
func (r *Recorder) Dropout(o kernels.Dropout)             { note(r, o, r.Backend.Dropout) }
func (r *Recorder) DropoutBackward(o kernels.DropoutGrad) { note(r, o, r.Backend.DropoutBackward) }
func (r *Recorder) Attention(o kernels.Attention)         { note(r, o, r.Backend.Attention) }
func (r *Recorder) AttentionBackward(o kernels.AttentionGrad) {
	note(r, o, r.Backend.AttentionBackward)
}
func (r *Recorder) AttentionMap(o kernels.AttentionMap) { note(r, o, r.Backend.AttentionMap) }
func (r *Recorder) Add(o kernels.Add)                   { note(r, o, r.Backend.Add) }
func (r *Recorder) AddBackward(o kernels.AddGrad)       { note(r, o, r.Backend.AddBackward) }
func (r *Recorder) Mul(o kernels.Mul)                   { note(r, o, r.Backend.Mul) }
func (r *Recorder) MulBackward(o kernels.MulGrad)       { note(r, o, r.Backend.MulBackward) }
func (r *Recorder) Scale(o kernels.Scale)               { note(r, o, r.Backend.Scale) }
func (r *Recorder) ScaleBackward(o kernels.ScaleGrad)   { note(r, o, r.Backend.ScaleBackward) }
func (r *Recorder) Cast(o kernels.Cast)                 { note(r, o, r.Backend.Cast) }
func (r *Recorder) Normalize(o kernels.Normalize)       { note(r, o, r.Backend.Normalize) }
func (r *Recorder) Bias(o kernels.Bias)                 { note(r, o, r.Backend.Bias) }
func (r *Recorder) BiasBackward(o kernels.BiasGrad)     { note(r, o, r.Backend.BiasBackward) }
func (r *Recorder) Concat(o kernels.Concat)             { note(r, o, r.Backend.Concat) }
func (r *Recorder) ConcatBackward(o kernels.ConcatGrad) { note(r, o, r.Backend.ConcatBackward) }
func (r *Recorder) Slice(o kernels.Slice)               { note(r, o, r.Backend.Slice) }
func (r *Recorder) SliceBackward(o kernels.SliceGrad)   { note(r, o, r.Backend.SliceBackward) }
func (r *Recorder) Pad(o kernels.Pad)                   { note(r, o, r.Backend.Pad) }
func (r *Recorder) PadBackward(o kernels.PadGrad)       { note(r, o, r.Backend.PadBackward) }
func (r *Recorder) Resize(o kernels.Resize)             { note(r, o, r.Backend.Resize) }
func (r *Recorder) ResizeBackward(o kernels.ResizeGrad) { note(r, o, r.Backend.ResizeBackward) }
func (r *Recorder) Sum(o kernels.Sum)                   { note(r, o, r.Backend.Sum) }
func (r *Recorder) SumBackward(o kernels.SumGrad)       { note(r, o, r.Backend.SumBackward) }
func (r *Recorder) BCE(o kernels.BCE)                   { note(r, o, r.Backend.BCE) }
func (r *Recorder) BCEBackward(o kernels.BCEGrad)       { note(r, o, r.Backend.BCEBackward) }
func (r *Recorder) BCELogits(o kernels.BCELogits)       { note(r, o, r.Backend.BCELogits) }
func (r *Recorder) BCELogitsBackward(o kernels.BCELogitsGrad) {
	note(r, o, r.Backend.BCELogitsBackward)
}
func (r *Recorder) MSE(o kernels.MSE)                   { note(r, o, r.Backend.MSE) }
func (r *Recorder) MSEBackward(o kernels.MSEGrad)       { note(r, o, r.Backend.MSEBackward) }
func (r *Recorder) CrossEntropy(o kernels.CrossEntropy) { note(r, o, r.Backend.CrossEntropy) }
func (r *Recorder) CrossEntropyBackward(o kernels.CrossEntropyGrad) {
	note(r, o, r.Backend.CrossEntropyBackward)
}
func (r *Recorder) SGD(o kernels.SGD)   { note(r, o, r.Backend.SGD) }
func (r *Recorder) Adam(o kernels.Adam) { note(r, o, r.Backend.Adam) }
