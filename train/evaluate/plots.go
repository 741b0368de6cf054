package evaluate

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"truegrain/nn/card"
	"truegrain/nn/state"
)

// Colours that can be told apart by people who see few of them (Okabe & Ito 2008).
var (
	colours = []color.NRGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
		{230, 159, 0, 255}, {86, 180, 233, 255}, {90, 90, 90, 255}}
	faint = color.NRGBA{170, 170, 170, 255}
	pale  = color.NRGBA{232, 235, 236, 255}
)

// style is how detector i is drawn: with more detectors than colours, the next ones are dashed.
func style(i int) (c color.NRGBA, dashes []vg.Length) {
	if i/len(colours)%2 == 1 {
		dashes = []vg.Length{vg.Points(6), vg.Points(2)}
	}
	return colours[i%len(colours)], dashes
}

// side is how large a square plot is.
const side = 11 * vg.Centimeter

// unit is an empty plot from 0 to 1 both ways.
func unit(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	for _, f := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font,
		&p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		f.Variant = "Sans"
	}
	p.Title.Padding = vg.Points(6)
	p.Legend.Padding, p.Legend.XOffs = vg.Points(2), -vg.Points(4)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = pale, pale
	p.Add(grid)
	return p
}

// line adds a line, with a name in the legend if it has one.
func line(p *plot.Plot, points plotter.XYs, l draw.LineStyle, name string) {
	x, err := plotter.NewLine(points)
	if err != nil {
		panic(err) // a point is not a number, which nothing here makes
	}
	x.LineStyle = l
	p.Add(x)
	if name != "" {
		p.Legend.Add(name, x)
	}
}

// diagonal is what is expected of chance, or of a perfect calibration.
func diagonal(p *plot.Plot) {
	line(p, plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, draw.LineStyle{Color: faint, Width: vg.Points(1),
		Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}, "")
}

// ROCPlot draws the ROC curves of results.
func ROCPlot(title string, results []*Result) *plot.Plot {
	p := unit(title, "false-positive rate", "true-positive rate")
	diagonal(p)
	for i, r := range results {
		var xy plotter.XYs
		for _, q := range r.ROC {
			xy = append(xy, plotter.XY{X: q.FPR, Y: q.TPR})
		}
		if len(xy) > 0 {
			c, dashes := style(i)
			line(p, xy, draw.LineStyle{Color: c, Width: vg.Points(1.5), Dashes: dashes},
				fmt.Sprintf("%s, AUC %.3f", r.Detector, r.Of(AUC).Value))
		}
	}
	return p
}

// mostBars is how many tables a reliability diagram draws with intervals: more would hide each other.
const mostBars = 3

// ReliabilityPlot draws the share of AI against the probability that was said, a line for each table. The
// area of a dot is the share of all pictures in its bin; with few tables, dots have 95 % intervals.
func ReliabilityPlot(title string, names []string, tables [][]card.Bin) *plot.Plot {
	p := unit(title, "p(AI) that was said", "share that was AI")
	diagonal(p)
	for i, bins := range tables {
		var t withIntervals
		all := 0
		for _, b := range bins {
			if b.N > 0 {
				lo, hi := b.Interval()
				t.add(b.Mean, Estimate{b.Share(), lo, hi})
				t.n = append(t.n, b.N)
				all += b.N
			}
		}
		c, dashes := style(i)
		if len(t.XYs) > 1 {
			thin := c
			thin.A = 120
			line(p, t.XYs, draw.LineStyle{Color: thin, Width: vg.Points(1), Dashes: dashes}, "")
		}
		t.bare = len(tables) > mostBars
		t.radius = func(k int) vg.Length {
			return vg.Points(1.5 + 6*math.Sqrt(float64(t.n[k])/float64(all)))
		}
		t.draw(p, c, names[i])
	}
	return p
}

// withIntervals is points with the ends of their intervals.
type withIntervals struct {
	plotter.XYs
	plotter.YErrors
	n      []int // what each stands for
	radius func(k int) vg.Length
	bare   bool // without the intervals
}

func (t *withIntervals) add(x float64, e Estimate) {
	t.XYs = append(t.XYs, plotter.XY{X: x, Y: e.Value})
	t.YErrors = append(t.YErrors, struct{ Low, High float64 }{e.Value - e.Lo, e.Hi - e.Value})
}

// draw adds dots and bars, with a name in the legend.
func (t *withIntervals) draw(p *plot.Plot, c color.Color, name string) {
	if len(t.XYs) == 0 {
		return
	}
	bars, err := plotter.NewYErrorBars(t)
	if err != nil {
		panic(err) // a point is not a number, which nothing here makes
	}
	dots, err := plotter.NewScatter(t.XYs)
	if err != nil {
		panic(err) // as above
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: c, Shape: draw.CircleGlyph{}, Radius: vg.Points(2.5)}
	bars.Color = c
	if !t.bare {
		p.Add(bars)
	}
	p.Legend.Add(name, dots)
	if t.radius != nil {
		one := dots.GlyphStyle
		shown := *dots
		shown.GlyphStyleFunc = func(k int) draw.GlyphStyle {
			g := one
			g.Radius = t.radius(k)
			return g
		}
		dots = &shown
	}
	p.Add(dots)
}

// RobustnessPlot draws accuracy by degradation, with 95 % intervals, a colour for each detector.
func (r *Report) RobustnessPlot(view, set string) *plot.Plot {
	all := r.degradations()
	p := unit("Accuracy on "+set+" under degradation", "", "accuracy")
	last := float64(len(all)) - 0.5
	p.X.Min, p.X.Max = -0.5, last*1.2+1 // the legend stands beside
	p.Legend.Top = true
	line(p, plotter.XYs{{X: -0.5, Y: 0.5}, {X: last, Y: 0.5}}, draw.LineStyle{Color: faint,
		Width: vg.Points(1), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}, "")
	lowest := 0.5
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d
		if d == "" {
			names[i] = "none"
		}
	}
	p.NominalX(names...)
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = 1.2, draw.XRight, draw.YCenter
	p.X.Tick.Label.Font.Variant = "Sans"
	detectors := r.detectors()
	for i, d := range detectors {
		offset := 0.6 * (float64(i) - float64(len(detectors)-1)/2) / float64(len(detectors))
		var t withIntervals
		for k, deg := range all {
			if x := r.Find(Case{Detector: d, Set: set, View: view, Degradation: deg}); x != nil {
				t.add(float64(k)+offset, x.Of(Accuracy))
				lowest = min(lowest, x.Of(Accuracy).Lo)
			}
		}
		c, _ := style(i)
		t.draw(p, c, d)
	}
	p.Y.Min = math.Floor(10*lowest) / 10
	return p
}

// figure is a plot with the file that it is written to.
type figure struct {
	name   string
	plot   *plot.Plot
	width  vg.Length
	height vg.Length
}

// figures are the plots of a report: for each whole set and view ROC and reliability, and where there are
// degradations what they cost.
func (r *Report) figures() (out []figure) {
	for _, set := range r.whole() {
		for _, view := range r.views() {
			var results []*Result
			var names []string
			var tables [][]card.Bin
			for _, d := range r.detectors() {
				if x := r.Find(Case{Detector: d, Set: set, View: view}); x != nil {
					results, names, tables = append(results, x), append(names, d),
						append(tables, x.Reliability)
				}
			}
			if len(results) == 0 {
				continue
			}
			where := set + ", " + seenBy(view)
			file := fileName(set + "-" + view)
			out = append(out, figure{"roc-" + file, ROCPlot("ROC, "+where, results), side, side},
				figure{"reliability-" + file, ReliabilityPlot("Reliability, "+where, names, tables),
					side, side})
			if len(r.degradations()) > 1 {
				out = append(out, figure{"robustness-" + file, r.RobustnessPlot(view, set), 2 * side, side})
			}
		}
	}
	return out
}

// fileName keeps what is safe in a file's name.
func fileName(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, s)
}

// WritePlots writes every plot as PNG and SVG into a folder.
func (r *Report) WritePlots(dir string) error {
	for _, f := range r.figures() {
		if err := SavePlot(f.plot, filepath.Join(dir, f.name), f.width, f.height); err != nil {
			return err
		}
	}
	return nil
}

// SavePlot writes a plot as path.png and path.svg.
func SavePlot(p *plot.Plot, path string, width, height vg.Length) error {
	for _, format := range []string{"png", "svg"} {
		w, err := p.WriterTo(width, height, format)
		if err == nil {
			err = state.Atomic(path+"."+format, func(out io.Writer) error {
				_, err := w.WriteTo(out)
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("plot %s.%s: %w", path, format, err)
		}
	}
	return nil
}

// SquareSide is the size of a reliability diagram.
const SquareSide = side

// svg is a plot to stand in a page.
func (f figure) svg() (string, error) {
	w, err := f.plot.WriterTo(f.width, f.height, "svg")
	if err != nil {
		return "", fmt.Errorf("plot %s: %w", f.name, err)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		return "", fmt.Errorf("plot %s: %w", f.name, err)
	}
	s := b.String()
	return s[strings.Index(s, "<svg"):], nil // without the XML declaration
}
