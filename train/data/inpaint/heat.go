package inpaint

import (
	"bytes"
	"context"

	"truegrain/tensor/picture"
)

// Heat fills a mask with the heat equation's steady state: Laplace's equation inside, the picture's own
// pixels on the edge, free at the picture's border. It draws no texture, so a set made with it is for trying
// things out.
type Heat struct{}

// sweeps is how often each scale is relaxed.
const sweeps = 40

// Fill solves from the coarsest scale to the finest, each starting from the one before.
func (Heat) Fill(ctx context.Context, job Job) (*picture.Picture, error) {
	p, m := job.Picture, job.Mask
	v := make([]float32, len(p.Pix))
	for i, s := range p.Pix {
		v[i] = float32(s)
	}
	solve(ctx, v, m.On, p.W, p.H)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	out := &picture.Picture{W: p.W, H: p.H, Pix: bytes.Clone(p.Pix)}
	for i, s := range v {
		out.Pix[i] = uint8(min(max(s+0.5, 0), 255))
	}
	return out, nil
}

// solve makes v harmonic where on says so.
func solve(ctx context.Context, v []float32, on []bool, w, h int) {
	if min(w, h) > 2 {
		cw, ch, cv, con := coarser(v, on, w, h)
		solve(ctx, cv, con, cw, ch)
		for i := range on {
			if on[i] {
				copy(v[3*i:3*i+3], cv[3*(i/w/2*cw+i%w/2):])
			}
		}
	}
	for range sweeps {
		if ctx.Err() != nil {
			return
		}
		for colour := range 2 { // red and black pixels in turn (Gauss-Seidel), over-relaxed
			relax(v, on, w, h, colour)
		}
	}
}

// relax moves every second pixel towards the mean of its neighbours, and a little beyond.
func relax(v []float32, on []bool, w, h, colour int) {
	const beyond = 1.6
	for y := range h {
		for x := (y + colour) % 2; x < w; x += 2 {
			i := y*w + x
			if !on[i] {
				continue
			}
			for c := range 3 {
				var sum, n float32
				if x > 0 {
					sum, n = sum+v[3*(i-1)+c], n+1
				}
				if x < w-1 {
					sum, n = sum+v[3*(i+1)+c], n+1
				}
				if y > 0 {
					sum, n = sum+v[3*(i-w)+c], n+1
				}
				if y < h-1 {
					sum, n = sum+v[3*(i+w)+c], n+1
				}
				if n > 0 {
					v[3*i+c] += beyond * (sum/n - v[3*i+c])
				}
			}
		}
	}
}

// coarser is the mean of what is known in 2×2 pixels; where nothing is, the coarse pixel is unknown, too.
func coarser(v []float32, on []bool, w, h int) (cw, ch int, cv []float32, con []bool) {
	cw, ch = (w+1)/2, (h+1)/2
	cv, con = make([]float32, 3*cw*ch), make([]bool, cw*ch)
	for i := range con {
		var sum [3]float32
		n := float32(0)
		for k := range 4 {
			x, y := 2*(i%cw)+k%2, 2*(i/cw)+k/2
			if x < w && y < h && !on[y*w+x] {
				for c := range sum {
					sum[c] += v[3*(y*w+x)+c]
				}
				n++
			}
		}
		con[i] = n == 0
		for c := range sum {
			if cv[3*i+c] = 128; n > 0 {
				cv[3*i+c] = sum[c] / n
			}
		}
	}
	return cw, ch, cv, con
}
