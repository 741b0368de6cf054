package kernels

import (
	"context"
	"math/bits"
	"sync/atomic"
)

// Paper is a backend with endless memory and no ops, for what shapes and names alone tell: what a model's
// parameters are called, and what a run of it would take. Its memory can't be read.
type Paper struct {
	Unsupported
	next *atomic.Uintptr
}

// NewPaper begins at an address that no memory has.
func NewPaper() Paper {
	p := Paper{Unsupported{"paper"}, new(atomic.Uintptr)}
	p.next.Store(1 << (bits.UintSize - 3))
	return p
}

// Name is no spec that Open takes.
func (p Paper) Name() string { return "paper" }

// DType is float32, as that of all backends that train.
func (p Paper) DType() DType { return F32 }

// WithContext is the same backend.
func (p Paper) WithContext(context.Context) Backend { return p }

// Mixed is paper for values in bfloat16.
func (p Paper) Mixed() (Backend, bool) { return halfPaper{p}, true }

type halfPaper struct{ Paper }

// Activations is bfloat16.
func (halfPaper) Activations() DType { return BF16 }

// WithContext is the same backend.
func (h halfPaper) WithContext(context.Context) Backend { return h }

// Close does nothing.
func (p Paper) Close() error { return nil }

// Alloc gives an address of its own to every buffer.
func (p Paper) Alloc(d DType, n int) (Buf, error) {
	size := uintptr(n*d.Size() + 64)
	return OfDevice(d, n, p.next.Add(size)-size), nil
}

// Free does nothing.
func (p Paper) Free(Buf) {}

// Upload writes nowhere.
func (p Paper) Upload(_, _ Buf) {}

// Download leaves the host as it is.
func (p Paper) Download(_, _ Buf) {}

// Copy does nothing.
func (p Paper) Copy(_, _ Buf) {}

// Fill does nothing.
func (p Paper) Fill(Buf, float64) {}
