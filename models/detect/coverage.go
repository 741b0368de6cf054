package detect

import "truegrain/models/explain"

// coverage stitches the maps of views into sheets over the whole picture. A sheet has a cell for each pixel;
// of a picture with more pixels than cells, for each square of side×side of them, which bounds what all
// maps of it take.
type coverage struct {
	pw, ph int // of the picture, in pixels
	side   int // of a cell, in pixels
	w, h   int // of a sheet, in cells
	n      []float32
}

// maxCells is the cells of a sheet if nobody asks for fewer: 16 MiB of float32.
const maxCells = 1 << 22

// sheet is one map over the whole picture.
type sheet struct {
	kind   explain.Kind
	values []float32
}

// newCoverage counts how many pixels of views fall into each cell.
func newCoverage(w, h int, views []patch, cells int) *coverage {
	if cells < 1 || cells > maxCells {
		cells = maxCells
	}
	side := 1
	for ((w+side-1)/side)*((h+side-1)/side) > cells {
		side++
	}
	c := &coverage{pw: w, ph: h, side: side, w: (w + side - 1) / side, h: (h + side - 1) / side}
	c.n = make([]float32, c.w*c.h)
	for _, p := range views {
		for y := range min(p.spanH, h-p.y) {
			at := (p.y + y) / side * c.w
			for x := range min(p.spanW, w-p.x) {
				c.n[at+(p.x+x)/side]++
			}
		}
	}
	return c
}

// seen says which cells some view has shown; nil if all.
func (c *coverage) seen() []bool {
	out, all := make([]bool, len(c.n)), true
	for i, n := range c.n {
		out[i] = n > 0
		all = all && out[i]
	}
	if all {
		return nil
	}
	return out
}

// stitch adds one map of a batch of views to its sheet.
func (c *coverage) stitch(sheets map[string]*sheet, name string, m *explain.Map, batch []patch) {
	s := sheets[name]
	if s == nil {
		s = &sheet{m.Kind, make([]float32, len(c.n))}
		sheets[name] = s
	}
	for b, p := range batch {
		c.add(s.values, p, m.At(b), m.H, m.W)
	}
}

// add spreads one grid over the pixels that its view spans, each in its share of its cell: where views
// overlap they average. What spans beyond the picture does not count.
func (c *coverage) add(values []float32, p patch, grid []float32, gh, gw int) {
	full := explain.Resize(grid, gh, gw, p.spanH, p.spanW)
	w := min(p.spanW, c.pw-p.x)
	for y := range min(p.spanH, c.ph-p.y) {
		line := full[y*p.spanW : y*p.spanW+w]
		if c.side > 1 {
			at := (p.y + y) / c.side * c.w
			for x, v := range line {
				i := at + (p.x+x)/c.side
				values[i] += v / c.n[i]
			}
			continue
		}
		at := (p.y+y)*c.w + p.x
		sum, n := values[at:at+w], c.n[at:at+w]
		for x, v := range line {
			sum[x] += v / n[x]
		}
	}
}
