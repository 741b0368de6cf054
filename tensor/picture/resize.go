package picture

import (
	"math"

	"truegrain/tensor"
)

// Resize scales to w×h: bilinear, with the triangle widened by the factor when shrinking, so that nothing
// aliases (what Pillow calls BILINEAR). It panics with *tensor.ShapeError for an empty size.
func (p *Picture) Resize(w, h int) *Picture {
	if w < 1 || h < 1 || p.W < 1 || p.H < 1 {
		panic(&tensor.ShapeError{Op: "resize (w, h)", Got: []int{w, h}, Want: []int{p.W, p.H}})
	}
	if w == p.W && h == p.H {
		return p
	}
	rows := make([]float32, 3*w*p.H) // first along the rows
	for x, t := range triangles(p.W, w) {
		for y := range p.H {
			var s [3]float32
			for k, f := range t.weights {
				px := p.Pix[3*(y*p.W+t.first+k):][:3]
				s[0] += f * float32(px[0])
				s[1] += f * float32(px[1])
				s[2] += f * float32(px[2])
			}
			copy(rows[3*(y*w+x):], s[:])
		}
	}
	out := p.like(w, h)
	line := make([]float32, 3*w)
	for y, t := range triangles(p.H, h) {
		clear(line)
		for k, f := range t.weights {
			for i, v := range rows[3*(t.first+k)*w:][:3*w] {
				line[i] += f * v
			}
		}
		for i, v := range line {
			out.Pix[3*y*w+i] = uint8(min(max(v+0.5, 0), 255))
		}
	}
	return out
}

// triangle is which inputs an output reads, and their weights, which sum to 1.
type triangle struct {
	first   int
	weights []float32
}

func triangles(n, out int) []triangle {
	scale := float64(n) / float64(out)
	reach := max(scale, 1)
	ts := make([]triangle, out)
	for i := range ts {
		center := (float64(i) + 0.5) * scale
		lo, hi := max(0, int(center-reach+0.5)), min(n, int(center+reach+0.5))
		var sum float64
		w := make([]float64, hi-lo)
		for k := range w {
			w[k] = max(0, 1-math.Abs(float64(lo+k)+0.5-center)/reach)
			sum += w[k]
		}
		ts[i] = triangle{lo, make([]float32, len(w))}
		for k, v := range w {
			ts[i].weights[k] = float32(v / sum)
		}
	}
	return ts
}
