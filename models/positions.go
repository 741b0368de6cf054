package models

import (
	"math"
	"strings"

	"truegrain/autograd"
)

// Positions fits a vision transformer's position embeddings to pictures of another size, as
// state.Options.Adapt: the grid of the patches' embeddings is enlarged or shrunk by bicubic interpolation
// with its corners in place, as torchvision's interpolate_embeddings does, and the class token's stays.
//
// shape is the file's, (1,1+N²,D); nil for any other parameter or shape.
func Positions(p *autograd.Param, shape []int) func(v []float32) []float32 {
	if !strings.HasSuffix(p.Name, "encoder.pos_embedding") || len(shape) != 3 || shape[0] != 1 ||
		shape[2] != p.Value.Dim(2) {
		return nil
	}
	from, ok := grid(shape[1])
	to, ok2 := grid(p.Value.Dim(1))
	if !ok || !ok2 {
		return nil
	}
	return func(v []float32) []float32 { return resizeGrid(v, shape[2], from, to) }
}

// grid is the side of the square of patches among so many tokens, the first of which is the class token.
func grid(tokens int) (side int, ok bool) {
	side = int(math.Sqrt(float64(tokens - 1)))
	return side, side > 0 && side*side+1 == tokens
}

// resizeGrid maps (1+from²,d) to (1+to²,d).
func resizeGrid(v []float32, d, from, to int) []float32 {
	out := make([]float32, (1+to*to)*d)
	copy(out, v[:d])
	in := v[d:]
	for y := range to {
		rows := cubicAt(y, from, to)
		for x := range to {
			columns := cubicAt(x, from, to)
			for k := range d {
				var sum float64
				for _, r := range rows {
					for _, c := range columns {
						sum += r.weight * c.weight * float64(in[(r.at*from+c.at)*d+k])
					}
				}
				out[d+(y*to+x)*d+k] = float32(sum)
			}
		}
	}
	return out
}

// tap is a place of the old grid and what it counts.
type tap struct {
	at     int
	weight float64
}

// cubicAt is the four places around place i of a row of n that was one of m (Keys 1981, a = −¾ as PyTorch has
// it); those beyond an end are the end's.
func cubicAt(i, m, n int) (taps [4]tap) {
	const a = -0.75
	src := 0.0
	if n > 1 {
		src = float64(i) * float64(m-1) / float64(n-1)
	}
	left := math.Floor(src)
	for k := range taps {
		d := math.Abs(src - (left + float64(k-1)))
		w := 0.0
		switch {
		case d <= 1:
			w = ((a+2)*d-(a+3))*d*d + 1
		case d < 2:
			w = ((d-5)*d+8)*d*a - 4*a
		}
		taps[k] = tap{min(max(int(left)+k-1, 0), m-1), w}
	}
	return taps
}
