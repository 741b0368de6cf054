package data

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"

	"truegrain/kernels"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// Batch is some pictures cut to one size, in host memory.
type Batch struct {
	X     tensor.Tensor // (B,S,S,3), normalised
	Label []int32
	Mask  tensor.Tensor // (B,S,S,1): p(photograph) of every pixel; the zero Tensor if the set has no masks
}

// LoaderOptions sets how a set becomes batches.
type LoaderOptions struct {
	Batch, Size int
	Mean, Std   [3]float32
	Seed        uint64
	// Augment crops at random and flips at random, in an order drawn for each epoch. Without it pictures are cropped
	// in the middle and come in the set's order. Pictures smaller than Size are padded with black.
	Augment bool
	// CacheBytes keeps decoded pictures in memory up to this many bytes, so that later epochs need not decode them.
	CacheBytes int64
}

// Loader turns a set into batches, decoding ahead on every core. What it gives depends on its seed and the epoch, not
// on the number of cores. A picture that can't be read is left out and counted.
type Loader struct {
	set    *Set
	o      LoaderOptions
	masks  bool
	cached atomic.Int64
	mu     sync.Mutex
	cache  map[int]*sample
	bad    map[string]string // file to reason
}

// sample is a decoded picture and its mask.
type sample struct{ picture, mask *picture.Picture }

// NewLoader checks the options.
func NewLoader(set *Set, o LoaderOptions) (*Loader, error) {
	if o.Batch < 1 || o.Size < 1 {
		return nil, fmt.Errorf("loader: batch %d and size %d, want at least 1", o.Batch, o.Size)
	}
	for _, s := range o.Std {
		if !(s > 0) {
			return nil, fmt.Errorf("loader: std %v, want positive numbers", o.Std)
		}
	}
	l := &Loader{set: set, o: o, cache: map[int]*sample{}, bad: map[string]string{}}
	for _, it := range set.Items {
		l.masks = l.masks || it.Mask != ""
	}
	return l, nil
}

// Batches is how many batches an epoch has.
func (l *Loader) Batches() int { return (len(l.set.Items) + l.o.Batch - 1) / l.o.Batch }

// Unread lists the pictures that could not be read so far, with the reasons.
func (l *Loader) Unread() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]string, len(l.bad))
	for f, r := range l.bad {
		out[f] = r
	}
	return out
}

// Epoch gives the batches of an epoch. It stops early, without an error, when ctx ends.
func (l *Loader) Epoch(ctx context.Context, epoch int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		views := l.ahead(ctx, epoch)
		var now []view
		for v := range views {
			select {
			case got := <-v:
				if got.picture != nil {
					now = append(now, got)
				}
			case <-ctx.Done():
				return
			}
			if len(now) == l.o.Batch {
				if !yield(l.batch(now), nil) {
					return
				}
				now = now[:0]
			}
		}
		if len(now) > 0 && ctx.Err() == nil {
			yield(l.batch(now), nil)
		}
	}
}

// view is a picture cut to size; picture is nil if it could not be read.
type view struct {
	item          Item
	picture, mask *picture.Picture
}

// ahead decodes in the epoch's order, a few batches before they are wanted. Each place in the channel is a promise:
// the order does not depend on which worker is first.
func (l *Loader) ahead(ctx context.Context, epoch int) <-chan chan view {
	workers := runtime.GOMAXPROCS(0)
	promises := make(chan chan view, 2*l.o.Batch+workers)
	type job struct {
		index int
		to    chan view
	}
	jobs := make(chan job)
	for range workers {
		go func() {
			for j := range jobs {
				j.to <- l.view(epoch, j.index)
			}
		}()
	}
	go func() {
		defer close(promises)
		defer close(jobs)
		for _, index := range l.order(epoch) {
			j := job{index, make(chan view, 1)}
			select {
			case promises <- j.to:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
	}()
	return promises
}

func (l *Loader) order(epoch int) []int {
	if l.o.Augment {
		return Permutation(l.o.Seed, uint32(epoch), len(l.set.Items))
	}
	order := make([]int, len(l.set.Items))
	for i := range order {
		order[i] = i
	}
	return order
}

// view reads and cuts one picture.
func (l *Loader) view(epoch, index int) view {
	item := l.set.Items[index]
	s, err := l.sample(index)
	if err != nil {
		l.mu.Lock()
		l.bad[item.Path] = err.Error()
		l.mu.Unlock()
		return view{item: item}
	}
	c := l.cut(epoch, index, s.picture.W, s.picture.H)
	v := view{item: item, picture: c.apply(s.picture, l.o.Size)}
	if s.mask != nil {
		v.mask = c.apply(s.mask, l.o.Size)
	}
	return v
}

// sample decodes one picture, or finds it in the cache.
func (l *Loader) sample(index int) (*sample, error) {
	l.mu.Lock()
	s := l.cache[index]
	l.mu.Unlock()
	if s != nil {
		return s, nil
	}
	item := l.set.Items[index]
	s = &sample{}
	var err error
	if s.picture, err = picture.Open(item.Path); err != nil {
		return nil, err
	}
	if item.Mask != "" {
		if s.mask, err = picture.Open(item.Mask); err != nil {
			return nil, err
		}
		if s.mask.W != s.picture.W || s.mask.H != s.picture.H {
			return nil, fmt.Errorf("%s: the mask has %d × %d pixels, its picture %d × %d", item.Mask, s.mask.W, s.mask.H, s.picture.W, s.picture.H)
		}
	}
	if n := int64(len(s.picture.Pix)); l.cached.Add(n) <= l.o.CacheBytes {
		l.mu.Lock()
		l.cache[index] = s
		l.mu.Unlock()
	} else {
		l.cached.Add(-n)
	}
	return s, nil
}

// batch normalises and stacks views.
func (l *Loader) batch(views []view) *Batch {
	pictures := make([]*picture.Picture, len(views))
	b := &Batch{}
	for i, v := range views {
		pictures[i] = v.picture
		b.Label = append(b.Label, v.item.Label)
	}
	b.X = picture.Batch(pictures, l.o.Mean, l.o.Std)
	if l.masks {
		b.Mask = tensor.FromSlice(targets(views, l.o.Size*l.o.Size), len(views), l.o.Size, l.o.Size, 1)
	}
	return b
}

// targets is p(photograph) of every pixel: the label, or one minus the mask.
func targets(views []view, pixels int) []float32 {
	out := make([]float32, 0, len(views)*pixels)
	for _, v := range views {
		for i := range pixels {
			if v.mask == nil {
				out = append(out, float32(v.item.Label))
			} else {
				out = append(out, 1-float32(v.mask.Pix[3*i])/255)
			}
		}
	}
	return out
}

// cut is a crop and two flips.
type cut struct {
	x, y         int
	flipH, flipV bool
}

// cut draws where a picture is cut and how it is turned: by the seed, the epoch and the picture, not by who asks.
func (l *Loader) cut(epoch, index, w, h int) cut {
	size := l.o.Size
	freeX, freeY := max(0, w-size), max(0, h-size)
	if !l.o.Augment {
		return cut{x: freeX / 2, y: freeY / 2}
	}
	words := kernels.NewPhilox(l.o.Seed).Block([4]uint32{uint32(index), uint32(epoch), 0, 2})
	at := func(w uint32, n int) int { return int(uint64(w) * uint64(n+1) >> 32) }
	return cut{at(words[0], freeX), at(words[1], freeY), words[2]&1 == 1, words[3]&1 == 1}
}

func (c cut) apply(p *picture.Picture, size int) *picture.Picture {
	out := p.Crop(c.x, c.y, min(size, p.W), min(size, p.H)).PadTo(size, size)
	if c.flipH {
		out.FlipH()
	}
	if c.flipV {
		out.FlipV()
	}
	return out
}
