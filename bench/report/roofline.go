package report

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"truegrain/bench/measure"
)

// Point is an op under the roof: its operations per byte, and the operations a second that it reached.
type Point struct {
	Group     string // ops of one colour
	Intensity float64
	GFLOPs    float64
}

// Points are those of a report's rows, grouped by op.
func (r *Report) Points() (out []Point) {
	for _, row := range r.Rows {
		group, _, _ := strings.Cut(row.Name, " ")
		if row.Impl != r.Rows[0].Impl {
			group += " " + row.Impl
		}
		if row.Skipped == "" && row.FLOPs > 0 && row.Bytes > 0 {
			out = append(out, Point{group, float64(row.FLOPs) / float64(row.Bytes), row.GFLOPs()})
		}
	}
	return out
}

// Colours that can be told apart by people who see few of them (Okabe & Ito 2008), and shapes for the rest.
var (
	colours = []color.NRGBA{{0, 114, 178, 200}, {230, 159, 0, 200}, {0, 158, 115, 200}, {213, 94, 0, 200},
		{204, 121, 167, 200}, {86, 180, 233, 200}, {90, 90, 90, 200}}
	shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.TriangleGlyph{}, draw.SquareGlyph{},
		draw.PyramidGlyph{}, draw.RingGlyph{}}
	ink   = color.NRGBA{40, 40, 40, 255}
	faint = color.NRGBA{225, 225, 225, 255}
)

// Roofline draws points under the measured roof (Williams et al., "Roofline: an insightful visual performance
// model", 2009) as a PNG. A point may stand above the slope of memory where its data stay in a cache,
// and above the peak where an algorithm needs fewer operations than the formula that it is priced by
// (Winograd's).
func Roofline(path, title string, c measure.Ceiling, points []Point) error {
	if len(points) == 0 {
		return fmt.Errorf("roofline %s: no op with operations was timed", path)
	}
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = "arithmetic intensity, FLOP per byte"
	p.Y.Label.Text = "GFLOP/s"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = frame(c, points)
	for _, t := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font,
		&p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font,
		&p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		t.Variant = "Sans"
	}
	p.Title.Padding = vg.Points(8)
	p.Add(grid{})
	if err := addRoof(p, c); err != nil {
		return err
	}
	if err := addPoints(p, points); err != nil {
		return err
	}
	return save(p, path)
}

// frame is the axes' ranges, in whole decades: what holds the points and the ridge.
func frame(c measure.Ceiling, points []Point) (x0, x1, y0, y1 float64) {
	by := func(f func(Point) float64) (lo, hi float64) {
		less := func(a, b Point) int { return cmp.Compare(f(a), f(b)) }
		return f(slices.MinFunc(points, less)), f(slices.MaxFunc(points, less))
	}
	x0, x1 = by(func(p Point) float64 { return p.Intensity })
	y0, y1 = by(func(p Point) float64 { return p.GFLOPs })
	if c.DRAM() > 0 {
		x1 = max(x1, 2*c.FLOPs/c.DRAM())
	}
	y1 = max(y1, 1.1*c.FLOPs/1e9)
	down := func(v float64) float64 { return math.Pow(10, math.Floor(math.Log10(v))) }
	up := func(v float64) float64 { return math.Pow(10, math.Ceil(math.Log10(v))) }
	return down(x0), up(x1), down(y0), up(y1)
}

// addRoof draws min(peak, intensity·bandwidth) for the memory and for the fastest copy.
func addRoof(p *plot.Plot, c measure.Ceiling) error {
	if c.DRAM() == 0 {
		return nil
	}
	cache := slices.MaxFunc(c.Copy, func(a, b measure.CopyRate) int { return cmp.Compare(a.Rate, b.Rate) })
	for _, roof := range []struct {
		rate float64
		name string
		dash []vg.Length
	}{
		{c.DRAM(), fmt.Sprintf("memory: %s GB/s copied", digits(c.DRAM()/1e9)), nil},
		{cache.Rate, fmt.Sprintf("cache: %s GB/s", digits(cache.Rate/1e9)),
			[]vg.Length{vg.Points(4), vg.Points(3)}},
	} {
		ridge := c.FLOPs / roof.rate
		line, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: p.X.Min * roof.rate / 1e9},
			{X: ridge, Y: c.FLOPs / 1e9},
			{X: p.X.Max, Y: c.FLOPs / 1e9}})
		if err != nil {
			return err
		}
		if low := p.Y.Min; line.XYs[0].Y < low { // start where the slope enters the frame
			line.XYs[0] = plotter.XY{X: low * 1e9 / roof.rate, Y: low}
		}
		line.Color, line.Width, line.Dashes = ink, vg.Points(1.2), roof.dash
		p.Add(line)
		p.Legend.Add(roof.name, line)
	}
	peak, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: p.X.Max, Y: c.FLOPs / 1e9}},
		Labels: []string{fmt.Sprintf("multiply-adds, %d cores: %s GFLOP/s", c.Cores, digits(c.FLOPs/1e9))}})
	if err != nil {
		return err
	}
	peak.TextStyle[0].XAlign, peak.TextStyle[0].Color = draw.XRight, ink
	peak.TextStyle[0].Font.Variant = "Sans"
	peak.Offset = vg.Point{X: vg.Points(-4), Y: vg.Points(4)}
	p.Add(peak)
	return nil
}

func addPoints(p *plot.Plot, points []Point) error {
	groups := map[string]plotter.XYs{}
	for _, q := range points {
		groups[q.Group] = append(groups[q.Group], plotter.XY{X: q.Intensity, Y: q.GFLOPs})
	}
	for i, name := range slices.Sorted(maps.Keys(groups)) {
		s, err := plotter.NewScatter(groups[name])
		if err != nil {
			return err
		}
		s.GlyphStyle = draw.GlyphStyle{Color: colours[i%len(colours)], Radius: vg.Points(3),
			Shape: shapes[i/len(colours)%len(shapes)]}
		p.Add(s)
		p.Legend.Add(name, s)
	}
	p.Legend.Left, p.Legend.Top = false, false
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(-60), vg.Points(8)
	p.Legend.ThumbnailWidth = vg.Points(16)
	p.Legend.Padding = vg.Points(1)
	return nil
}

// grid is a faint line at each decade.
type grid struct{}

func (grid) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: faint, Width: vg.Points(0.6)}
	for v := p.X.Min; v <= p.X.Max*1.01; v *= 10 {
		c.StrokeLine2(style, x(v), c.Min.Y, x(v), c.Max.Y)
	}
	for v := p.Y.Min; v <= p.Y.Max*1.01; v *= 10 {
		c.StrokeLine2(style, c.Min.X, y(v), c.Max.X, y(v))
	}
}

// decades labels powers of ten as plain numbers.
type decades struct{}

func (decades) Ticks(lo, hi float64) (ticks []plot.Tick) {
	for v := lo; v <= hi*1.01; v *= 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", math.Round(v*1e6)/1e6)})
		for k := 2.0; k < 10 && v*k < hi; k++ {
			ticks = append(ticks, plot.Tick{Value: v * k})
		}
	}
	return ticks
}

// save writes a PNG, whole or not at all.
func save(p *plot.Plot, path string) error {
	w, err := p.WriterTo(vg.Points(720), vg.Points(520), "png")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".roofline-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := w.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
