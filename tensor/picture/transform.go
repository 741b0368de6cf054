package picture

import (
	"image"
	"math"

	"truegrain/tensor"
)

// Crop is the rectangle of w×h pixels at (x, y), which must lie inside: it panics with *tensor.ShapeError if
// not.
func (p *Picture) Crop(x, y, w, h int) *Picture {
	if x < 0 || y < 0 || w < 0 || h < 0 || x+w > p.W || y+h > p.H {
		panic(&tensor.ShapeError{Op: "crop (x, y, w, h)", Got: []int{x, y, w, h},
			Want: []int{0, 0, p.W, p.H}})
	}
	out := p.like(w, h)
	for r := range h {
		copy(out.Pix[3*r*w:][:3*w], p.Pix[3*((y+r)*p.W+x):])
	}
	return out
}

// PadTo adds black at the right and the bottom up to w×h; a side that is long enough stays.
func (p *Picture) PadTo(w, h int) *Picture {
	w, h = max(w, p.W), max(h, p.H)
	if w == p.W && h == p.H {
		return p
	}
	out := p.like(w, h)
	for r := range p.H {
		copy(out.Pix[3*r*w:], p.Pix[3*r*p.W:][:3*p.W])
	}
	return out
}

// like is an empty picture with the same origin.
func (p *Picture) like(w, h int) *Picture {
	return &Picture{W: w, H: h, Pix: make([]uint8, 3*w*h), Format: p.Format, Orientation: p.Orientation}
}

// FlipH mirrors left and right, in place.
func (p *Picture) FlipH() *Picture {
	for y := range p.H {
		row := p.Pix[3*y*p.W:][:3*p.W]
		for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
			for c := range 3 {
				row[i+c], row[j+c] = row[j+c], row[i+c]
			}
		}
	}
	return p
}

// FlipV mirrors top and bottom, in place.
func (p *Picture) FlipV() *Picture {
	n := 3 * p.W
	tmp := make([]uint8, n)
	for i, j := 0, p.H-1; i < j; i, j = i+1, j-1 {
		a, b := p.Pix[i*n:][:n], p.Pix[j*n:][:n]
		copy(tmp, a)
		copy(a, b)
		copy(b, tmp)
	}
	return p
}

// Grid is where the size×size crops lie that cover a picture of w×h pixels: as few as possible, spread
// evenly, so that they overlap where a side is no multiple of size. A side that is shorter than size has one
// crop, padded. If that takes more than most crops, they are thinned out along both sides and spread evenly,
// with gaps.
func Grid(w, h, size, most int) []image.Point {
	nx, ny := max(1, (w+size-1)/size), max(1, (h+size-1)/size)
	if nx*ny > most {
		keep := math.Sqrt(float64(most) / float64(nx*ny))
		nx, ny = max(1, int(keep*float64(nx))), max(1, int(keep*float64(ny)))
	}
	var out []image.Point
	for _, y := range along(h, size, ny) {
		for _, x := range along(w, size, nx) {
			out = append(out, image.Pt(x, y))
		}
	}
	return out
}

// along is where k crops begin on a side of n pixels; a single crop of a long side lies in its middle.
func along(n, size, k int) []int {
	at := make([]int, k)
	if k == 1 {
		at[0] = max(0, (n-size)/2)
	}
	for i := 1; i < k; i++ {
		at[i] = i * (n - size) / (k - 1)
	}
	return at
}

// Batch is pictures of one size as a tensor (B,H,W,3) in host memory: (v/255 − mean)/std of each channel. It
// panics with *tensor.ShapeError if the sizes differ or there is no picture.
func Batch(pictures []*Picture, mean, std [3]float32) tensor.Tensor {
	if len(pictures) == 0 {
		panic(&tensor.ShapeError{Op: "batch of no pictures"})
	}
	w, h := pictures[0].W, pictures[0].H
	var table [3][256]float32
	for c := range table {
		for v := range table[c] {
			table[c][v] = (float32(v)/255 - mean[c]) / std[c]
		}
	}
	out := make([]float32, 0, len(pictures)*3*w*h)
	for _, p := range pictures {
		p.mustBe(w, h)
		for i := 0; i < len(p.Pix); i += 3 {
			out = append(out, table[0][p.Pix[i]], table[1][p.Pix[i+1]], table[2][p.Pix[i+2]])
		}
	}
	return tensor.FromSlice(out, len(pictures), h, w, 3)
}

// Stack is pictures of one size as they are, bytes (B,H,W,3), for a device that normalises them. It panics as
// Batch.
func Stack(pictures []*Picture) tensor.Tensor {
	if len(pictures) == 0 {
		panic(&tensor.ShapeError{Op: "batch of no pictures"})
	}
	w, h := pictures[0].W, pictures[0].H
	out := make([]uint8, 0, len(pictures)*3*w*h)
	for _, p := range pictures {
		p.mustBe(w, h)
		out = append(out, p.Pix...)
	}
	return tensor.FromSlice(out, len(pictures), h, w, 3)
}

func (p *Picture) mustBe(w, h int) {
	if p.W != w || p.H != h {
		panic(&tensor.ShapeError{Op: "batch of pictures (w, h)", Got: []int{p.W, p.H}, Want: []int{w, h}})
	}
}
