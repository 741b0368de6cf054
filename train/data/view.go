package data

import (
	"fmt"

	"truegrain/kernels"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// view is a picture cut to size, or why it could not be read.
type view struct {
	item          Item
	picture, mask *picture.Picture
	unread        error
}

// sample is a decoded picture and its mask.
type sample struct{ picture, mask *picture.Picture }

// view reads and cuts one picture.
func (l *Loader) view(epoch, index int) view {
	item := l.set.Items[index]
	s, err := l.sample(index)
	if err != nil {
		return view{item: item, unread: err}
	}
	c := l.cut(epoch, index, s.picture.W, s.picture.H)
	v := view{item: item, picture: c.apply(s.picture, l.o.Size)}
	if s.mask != nil {
		v.mask = c.apply(s.mask, l.o.Size)
	}
	v.picture, v.unread = l.o.Augment.strong(v.picture, l.strongWords(epoch, index))
	return v
}

// strongWords are the random words of a picture's augmentation beside crop and flips.
func (l *Loader) strongWords(epoch, index int) (words [3][4]uint32) {
	philox := kernels.NewPhilox(l.o.Seed)
	for k := range words {
		words[k] = philox.Block([4]uint32{uint32(index), uint32(epoch), uint32(k), 3})
	}
	return words
}

// sample decodes one picture, or finds it in the cache.
func (l *Loader) sample(index int) (*sample, error) {
	l.mu.Lock()
	s := l.cache[index]
	l.mu.Unlock()
	if s != nil {
		return s, nil
	}
	item := &l.set.Items[index]
	s = &sample{}
	var err error
	if s.picture, err = item.Picture(); err != nil {
		return nil, err
	}
	if item.Mask != "" {
		if s.mask, err = item.MaskPicture(); err != nil {
			return nil, err
		}
		if s.mask.W != s.picture.W || s.mask.H != s.picture.H {
			return nil, fmt.Errorf("%s: the mask has %d × %d pixels, its picture %d × %d", item.Mask,
				s.mask.W, s.mask.H, s.picture.W, s.picture.H)
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
	b := &Batch{}
	var pictures []*picture.Picture
	read := views[:0]
	for _, v := range views {
		if v.unread != nil {
			b.Unread = append(b.Unread, Unread{v.item.Path, v.unread.Error()})
			continue
		}
		read = append(read, v)
		pictures = append(pictures, v.picture)
		b.Label = append(b.Label, v.item.Label)
	}
	if len(read) == 0 {
		return b
	}
	b.Mean, b.Std = l.o.Mean, l.o.Std
	if l.o.Bytes {
		b.X = picture.Stack(pictures)
	} else {
		b.X = picture.Batch(pictures, l.o.Mean, l.o.Std)
	}
	if l.masks {
		b.Mask = tensor.FromSlice(targets(read, l.o.Size*l.o.Size), len(read), l.o.Size, l.o.Size, 1)
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

// cut is a crop of side×side pixels and two flips.
type cut struct {
	x, y, side   int
	flipH, flipV bool
}

// cut draws where a picture is cut and how it is turned: by the seed, the epoch and the picture, not by who
// asks.
func (l *Loader) cut(epoch, index, w, h int) cut {
	philox := kernels.NewPhilox(l.o.Seed)
	words, size := philox.Block([4]uint32{uint32(index), uint32(epoch), 0, 2}), l.o.Size
	scale := philox.Block([4]uint32{uint32(index), uint32(epoch), 1, 2})
	if s, ok := l.o.Augment.Resize.scale(scale[0], scale[1]); ok {
		size = max(int(float64(size)/s+0.5), 1)
		if short := min(w, h); size > short { // never scale what is padding, nor what is smaller than a crop
			size = max(short, l.o.Size)
		}
	}
	freeX, freeY := max(0, w-size), max(0, h-size)
	at := func(w uint32, n int) int { return int(uint64(w) * uint64(n+1) >> 32) }
	a := l.o.Augment
	c := cut{freeX / 2, freeY / 2, size, float64(kernels.Unit(words[2])) < a.FlipH,
		float64(kernels.Unit(words[3])) < a.FlipV}
	if a.Crop {
		c.x, c.y = at(words[0], freeX), at(words[1], freeY)
	}
	return c
}

func (c cut) apply(p *picture.Picture, size int) *picture.Picture {
	out := p.Crop(c.x, c.y, min(c.side, p.W), min(c.side, p.H)).PadTo(c.side, c.side).Resize(size, size)
	if c.flipH {
		out.FlipH()
	}
	if c.flipV {
		out.FlipV()
	}
	return out
}
