package evaluate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
)

//go:embed page.html
var page string

// funcs are what the page calls: every number is made here.
var funcs = template.FuncMap{
	"percent": func(v float64) string { return digits(v, true) + " %" },
	"row":     func(k, a, b int) string { return digits(share(k, a+b), true) + " %" },
	"seenBy":  seenBy,
	"shade": func(k, a, b int) template.CSS {
		return template.CSS(fmt.Sprintf("--share:%.0f%%", 100*share(k, a+b)))
	},
	"tint": func(v float64) template.CSS {
		return template.CSS(fmt.Sprintf("--share:%.0f%%", 100*min(max(2*v-1, 0), 1)))
	},
}

// pageData is what the page shows.
type pageData struct {
	*Report
	Whole    []*Result
	Figures  []template.HTML
	Matrices []pageMatrix
	Tables   []pageTable
}

// pageMatrix is detectors against sets, with what a detector loses where it has seen nothing.
type pageMatrix struct {
	*Matrix
	drops []Drop
}

// Compares says that there are detectors with generators of both kinds.
func (m pageMatrix) Compares() bool {
	return slices.ContainsFunc(m.drops, Drop.Defined)
}

// Drop is the means of a detector's row over seen and unseen generators and their difference.
func (m pageMatrix) Drop(i int) [3]string {
	d := m.drops[i]
	if !d.Defined() {
		return [3]string{"–", "–", "–"}
	}
	return [3]string{digits(d.Seen, true), digits(d.Unseen, true), d.Points()}
}

// pageTable is a grid with a caption.
type pageTable struct {
	Caption string
	Head    []string
	Rows    [][]string
}

// WriteHTML writes one page that needs nothing else: tables, and plots as SVG.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("").Funcs(funcs).Parse(page)
	if err != nil {
		return err
	}
	d := pageData{Report: r}
	for _, x := range r.Results {
		if !x.Part && x.Degradation == "" {
			d.Whole = append(d.Whole, x)
		}
	}
	for _, f := range r.figures() {
		svg, err := f.svg()
		if err != nil {
			return err
		}
		d.Figures = append(d.Figures, template.HTML(svg))
	}
	for _, view := range r.views() {
		if m := r.Matrix(view, Accuracy); m != nil {
			d.Matrices = append(d.Matrices, pageMatrix{m, m.Drops()})
		}
		g := r.rankings(view)
		d.Tables = append(d.Tables, pageTable{"Ranking and calibration, " + seenBy(view), g.head, g.rows})
		for _, set := range r.whole() {
			if g := r.robustnessGrid(view, set); g != nil {
				d.Tables = append(d.Tables,
					pageTable{"Accuracy in % and AUC on " + set + " under degradation, " + seenBy(view),
						g.head, g.rows})
			}
		}
	}
	return t.Execute(w, d)
}

// Points is the difference in points of a percent.
func (d Drop) Points() string { return fmt.Sprintf("%+.1f", 100*(d.Unseen-d.Seen)) }

// Shown are the measures that a page lists of each case, with their values.
func (r *Result) Shown() (out [][2]string) {
	for m := range measures {
		if e := r.Of(m); e.Defined() {
			v := e.text(m.Percent())
			if m.Percent() {
				v += " %"
			}
			out = append(out, [2]string{m.Title(), v})
		}
	}
	return out
}

// Cell is what stands in a matrix.
func (x *Matrix) Cell(r *Result) string {
	if r == nil {
		return "–"
	}
	s := digits(r.Of(x.Measure).Value, x.Measure.Percent())
	if r.Known == "unseen" {
		s += "*"
	}
	return s
}

// Value is the number behind a cell, 0 where there is none.
func (x *Matrix) Value(r *Result) float64 {
	if r == nil || !r.Of(x.Measure).Defined() {
		return 0
	}
	return r.Of(x.Measure).Value
}

// Interval is what a cell's tooltip says.
func (x *Matrix) Interval(r *Result) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%s %%, %d pictures; picture size alone %s %%", r.Of(x.Measure).text(true), r.N,
		digits(r.SizeFloor, true))
}

// Text is the maps' results for a page.
func (p *PixelResult) Text() [][2]string {
	out := [][2]string{{"pixels right", p.Accuracy.text(true) + " %"}, {"pixels called AI",
		p.AIRate.text(true) + " %"}}
	if p.Masks > 0 {
		out = append(out, [2]string{fmt.Sprintf("IoU, %d masks", p.Masks), p.IoU.text(false)},
			[2]string{"IoU if all is called AI", digits(p.FloorIoU, false)},
			[2]string{"F1 of pixels", p.F1.text(false)}, [2]string{"AUC of pixels", p.AUC.text(false)},
			[2]string{"IoU of all pixels", digits(p.PooledIoU, false)})
	}
	return out
}
