package synth

import "math"

// image is three planes of linear light, about 0 to 1.
type image struct {
	w, h int
	c    [3][]float32
}

func newImage(w, h int) *image {
	m := &image{w: w, h: h}
	for i := range m.c {
		m.c[i] = make([]float32, w*h)
	}
	return m
}

func (m *image) clone() *image {
	out := newImage(m.w, m.h)
	for i := range m.c {
		copy(out.c[i], m.c[i])
	}
	return out
}

// bytes is the picture as 8-bit RGB, one pixel after the other.
func (m *image) bytes() []uint8 {
	out := make([]uint8, 3*m.w*m.h)
	for c, plane := range m.c {
		for i, v := range plane {
			out[3*i+c] = uint8(min(max(v, 0), 1)*255 + 0.5)
		}
	}
	return out
}

// color is one of a scene's colours, in linear light.
type color [3]float32

func drawColor(r *rand) color {
	base := r.in(0.04, 0.7)
	return color{base * r.in(0.5, 1.4), base * r.in(0.6, 1.3), base * r.in(0.4, 1.4)}
}

// drawScene paints a background with a gradient and a texture, and shapes over it: ellipses and polygons with
// shading and textures of their own, some of them out of focus.
func drawScene(r *rand, w, h int) *image {
	m := newImage(w, h)
	top, bottom := drawColor(r), drawColor(r)
	texture := newNoise(r, w, h, r.in(10, 40))
	depth := r.in(0.05, 0.5)
	for y := range h {
		t := float32(y) / float32(h)
		for x := range w {
			i := y*w + x
			shade := 1 + depth*texture[i]
			for c := range m.c {
				m.c[c][i] = (top[c] + (bottom[c]-top[c])*t) * shade
			}
		}
	}
	grains := [][]float32{newNoise(r, w, h, r.in(2, 4)), newNoise(r, w, h, r.in(4, 8)),
		newNoise(r, w, h, r.in(8, 14))}
	for range 5 + r.int(9) {
		m.shape(r, grains[r.int(len(grains))])
	}
	for c := range m.c {
		for i, v := range m.c[c] {
			m.c[c][i] = min(max(v, 0.001), 1)
		}
	}
	return m
}

// shape paints one ellipse or convex polygon, with a texture.
func (m *image) shape(r *rand, grain []float32) {
	cx, cy := r.in(0, float32(m.w)), r.in(0, float32(m.h))
	size := float32(min(m.w, m.h)) * r.in(0.06, 0.4)
	inside := ellipse(r, size)
	if r.float() < 0.5 {
		inside = polygon(r, size)
	}
	edge := r.in(0.6, 1.2)
	if r.float() < 0.25 {
		edge = r.in(2, 6) // out of focus
	}
	fill := drawColor(r)
	light := [2]float32{r.in(-0.5, 0.5), r.in(-0.5, 0.5)}
	rough := r.in(0, 0.5)
	for y := max(0, int(cy-2*size)); y < min(m.h, int(cy+2*size)); y++ {
		for x := max(0, int(cx-2*size)); x < min(m.w, int(cx+2*size)); x++ {
			dx, dy := float32(x)-cx, float32(y)-cy
			a := min(max(0.5-inside(dx, dy)/edge, 0), 1)
			if a == 0 {
				continue
			}
			i := y*m.w + x
			shade := (1 + (light[0]*dx+light[1]*dy)/size) * (1 + rough*grain[i])
			for c := range m.c {
				m.c[c][i] += a * (fill[c]*shade - m.c[c][i])
			}
		}
	}
}

// ellipse is the signed distance, roughly, to a rotated ellipse's edge: negative inside.
func ellipse(r *rand, size float32) func(dx, dy float32) float32 {
	ratio := r.in(0.4, 1)
	sin, cos := math.Sincos(float64(r.in(0, math.Pi)))
	s, c := float32(sin), float32(cos)
	return func(dx, dy float32) float32 {
		u, v := c*dx+s*dy, (c*dy-s*dx)/ratio
		return float32(math.Sqrt(float64(u*u+v*v))) - size
	}
}

// polygon is the signed distance to the edges of a convex polygon of three to six sides.
func polygon(r *rand, size float32) func(dx, dy float32) float32 {
	n := 3 + r.int(4)
	turn := r.in(0, 2*math.Pi)
	normals := make([][3]float32, n)
	for i := range normals {
		sin, cos := math.Sincos(float64(turn) + 2*math.Pi*float64(i)/float64(n))
		normals[i] = [3]float32{float32(cos), float32(sin), size * r.in(0.5, 1)}
	}
	return func(dx, dy float32) float32 {
		far := float32(math.Inf(-1))
		for _, p := range normals {
			far = max(far, p[0]*dx+p[1]*dy-p[2])
		}
		return far
	}
}

// newNoise is value noise of four octaves, amplitude halving with size (about 1/f), roughly −1 to 1.
func newNoise(r *rand, w, h int, scale float32) []float32 {
	out := make([]float32, w*h)
	amplitude := float32(0.55)
	for range 4 {
		gw, gh := int(float32(w)/scale)+2, int(float32(h)/scale)+2
		grid := make([]float32, gw*gh)
		for i := range grid {
			grid[i] = r.in(-1, 1)
		}
		for y := range h {
			fy := float32(y) / scale
			y0 := int(fy)
			ty := smooth(fy - float32(y0))
			row0, row1 := grid[y0*gw:], grid[(y0+1)*gw:]
			for x := range w {
				fx := float32(x) / scale
				x0 := int(fx)
				tx := smooth(fx - float32(x0))
				a := row0[x0] + tx*(row0[x0+1]-row0[x0])
				b := row1[x0] + tx*(row1[x0+1]-row1[x0])
				out[y*w+x] += amplitude * (a + ty*(b-a))
			}
		}
		if scale /= 2; scale < 1 {
			break
		}
		amplitude /= 2
	}
	return out
}

func smooth(t float32) float32 { return t * t * (3 - 2*t) }

// drawMask is the part of a composite that is generated: one or two soft-edged shapes, 0 to 1.
func drawMask(r *rand, w, h int) []float32 {
	mask := make([]float32, w*h)
	for range 1 + r.int(2) {
		cx, cy := r.in(0.2, 0.8)*float32(w), r.in(0.2, 0.8)*float32(h)
		size := float32(min(w, h)) * r.in(0.2, 0.38)
		inside := ellipse(r, size)
		if r.float() < 0.5 {
			inside = polygon(r, size)
		}
		for i := range mask {
			d := inside(float32(i%w)-cx, float32(i/w)-cy)
			mask[i] = max(mask[i], min(max(0.5-d/2, 0), 1))
		}
	}
	return mask
}
