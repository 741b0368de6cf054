package engine

import (
	"context"
	"fmt"
	"image"
	"slices"
	"sync"

	"truegrain/models/detect"
)

// Channels is how many feature maps of a stage are kept.
const Channels = 24

// Middle asks for the view in a picture's middle.
const Middle = -1

// View is the number of one of a detector's views of a picture, n itself or that of Middle, and where all of
// them lie in the picture.
func (e *Engine) View(r *Result, detector, n int) (int, []image.Rectangle, error) {
	all, err := e.Detectors[detector].Rects(r.W, r.H, "")
	if err != nil {
		return 0, nil, err
	}
	if n == Middle {
		n = detect.Middle(all, r.W, r.H)
	}
	if n < 0 || n >= len(all) {
		return 0, nil, &UnknownError{fmt.Sprintf("view %d; there are %d, which count from 0", n, len(all))}
	}
	return n, all, nil
}

// Stages is what one detector's stages make of a view, which View numbers.
func (e *Engine) Stages(ctx context.Context, r *Result, detector, view int) ([]detect.Stage, error) {
	slot := slotOf(e, r, &r.stages[detector], view, sizeOfStages)
	return keep(ctx, e, r, slot, "stages", sizeOfStages, func(ctx context.Context) ([]detect.Stage, error) {
		p, err := e.decode(ctx, r)
		if err != nil {
			return nil, err
		}
		return e.Detectors[detector].Stages(ctx, p, "", view, Channels)
	})
}

func sizeOfStages(stages []detect.Stage) (n int64) {
	for _, s := range stages {
		if f := s.Features; f != nil {
			n += int64(4 * len(f.Values) * f.H * f.W)
		}
	}
	return n
}

// Attention is what one detector's layers and heads look at within a view, which View numbers.
func (e *Engine) Attention(ctx context.Context, r *Result, detector, view int) (*Attention, error) {
	slot := slotOf(e, r, &r.attention[detector], view, sizeOfAttention)
	return keep(ctx, e, r, slot, "attention", sizeOfAttention, func(ctx context.Context) (*Attention, error) {
		p, err := e.decode(ctx, r)
		if err != nil {
			return nil, err
		}
		a, err := e.Detectors[detector].Attention(ctx, p, "", view)
		if err != nil {
			return nil, err
		}
		return &Attention{Distances: a.Distances(0), Attention: a}, nil
	})
}

func sizeOfAttention(a *Attention) (n int64) {
	for _, l := range a.Layers {
		n += int64(4 * len(l))
	}
	return n
}

// perView is a value for each of the few views of a picture that somebody has looked into lately.
type perView[T any] struct {
	mu    sync.Mutex
	slots map[int]*lazy[T]
	order []int // the keys, the one asked for last behind
}

// viewsKept bounds the views of one detector whose insides are kept: a large transformer's attention takes
// 60 MB a view.
const viewsKept = 4

// slotOf is where a view's value is kept. Those that were not asked for for the longest make room for it,
// once they are made.
func slotOf[T any](e *Engine, r *Result, p *perView[T], view int, size func(T) int64) *lazy[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.order, view); i >= 0 {
		p.order = append(slices.Delete(p.order, i, i+1), view)
		return p.slots[view]
	}
	for i := 0; i < len(p.order) && len(p.order) >= viewsKept; {
		old := p.order[i]
		v, made := p.slots[old].peek()
		if !made {
			i++
			continue
		}
		e.Store.grow(r, -size(v))
		delete(p.slots, old)
		p.order = slices.Delete(p.order, i, i+1)
	}
	if p.slots == nil {
		p.slots = map[int]*lazy[T]{}
	}
	p.order, p.slots[view] = append(p.order, view), &lazy[T]{}
	return p.slots[view]
}
