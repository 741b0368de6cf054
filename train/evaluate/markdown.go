package evaluate

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the report in the order of the thesis' chapter of results: a confusion matrix for
// every detector, set and view (its tables 4.1 to 4.12), the test sets with what they exclude (4.13), and
// then accuracies of detectors by set (4.14 and on), each with its interval and the size-only floor.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", r.Title)
	fmt.Fprintf(&b, "Rows are what a picture is, columns what it was called. "+
		"Intervals are 95 %%, by bootstrap with %d samples (seed %d).\n", r.Bootstrap.Samples,
		r.Bootstrap.Seed)
	for _, n := range r.Notes {
		b.WriteString("\n" + n + "\n")
	}
	n := r.confusions(&b)
	n = r.setTable(&b, n)
	n = r.accuracies(&b, n)
	n = r.pixelTable(&b, n)
	r.robustnessTables(&b, n)
	_, err := io.WriteString(w, b.String())
	return err
}

// caption begins a table.
func caption(b *strings.Builder, n int, format string, args ...any) {
	fmt.Fprintf(b, "\n**Table %d.** %s\n\n", n, fmt.Sprintf(format, args...))
}

// confusions writes a matrix for each case of pictures as they are, with its share of each row.
func (r *Report) confusions(b *strings.Builder) (n int) {
	for _, x := range r.Results {
		if x.Degradation != "" {
			continue
		}
		n++
		caption(b, n, "Confusion matrix of %s on %s, %s. Accuracy %s %%.", x.Detector, x.Set, seenBy(x.View),
			x.Of(Accuracy).text(true))
		c := x.Confusion
		cell := func(k, of int) string { return fmt.Sprintf("%d (%s %%)", k, digits(share(k, of), true)) }
		g := grid{head: []string{"", "Called AI", "Called photograph"}}
		g.add("**AI**", cell(c.TP, c.TP+c.FN), cell(c.FN, c.TP+c.FN))
		g.add("**Photograph**", cell(c.FP, c.FP+c.TN), cell(c.TN, c.FP+c.TN))
		b.WriteString(g.markdown())
	}
	return n
}

// setTable is what each test set holds and leaves out.
func (r *Report) setTable(b *strings.Builder, n int) int {
	caption(b, n+1, "Test sets.")
	g := grid{head: []string{"Set", "Part", "Generators", "Excluded", "AI", "Photographs"}}
	for _, s := range r.Sets {
		excluded := strings.Join(s.Exclude, ", ")
		if excluded == "" {
			excluded = "–"
		}
		g.add(s.Name, s.Split, strings.Join(s.Generators, ", "), excluded, fmt.Sprint(s.AI),
			fmt.Sprint(s.Photographs))
	}
	b.WriteString(g.markdown())
	return n + 1
}

// accuracies is a table for each view: detectors by set, and one with the measures of the ranking.
func (r *Report) accuracies(b *strings.Builder, n int) int {
	for _, view := range r.views() {
		n++
		caption(b, n, "Accuracy in %%, %s; * on generators that the detector never saw.", seenBy(view))
		g := grid{head: append([]string{"Detector"}, r.sets()...)}
		floor := make([]string, len(g.head))
		floor[0] = "*Picture size alone*"
		for _, d := range r.detectors() {
			row := []string{d}
			for i, set := range r.sets() {
				x := r.Find(Case{Detector: d, Set: set, View: view})
				if x == nil {
					row = append(row, "–")
					continue
				}
				star := ""
				if x.Known == "unseen" {
					star = "*"
				}
				row = append(row, x.Of(Accuracy).text(true)+star)
				floor[i+1] = digits(x.SizeFloor, true)
			}
			g.rows = append(g.rows, row)
		}
		g.rows = append(g.rows, floor)
		b.WriteString(g.markdown())
		n++
		caption(b, n, "Ranking and calibration, %s.", seenBy(view))
		b.WriteString(r.rankings(view).markdown())
	}
	return n
}

func (r *Report) rankings(view string) *grid {
	shown := []Measure{AP, AUC, EER, TPR1, TPR5, AIRate, ECE}
	g := &grid{head: []string{"Detector", "Set"}}
	for _, m := range shown {
		title := m.Title()
		if m.Percent() {
			title += ", %"
		}
		g.head = append(g.head, strings.ToUpper(title[:1])+title[1:])
	}
	for _, x := range r.Results {
		if x.View != view || x.Degradation != "" {
			continue
		}
		row := []string{x.Detector, x.Set}
		for _, m := range shown {
			row = append(row, x.Of(m).text(m.Percent()))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// pixelTable is what segmenters' maps did; nothing without any.
func (r *Report) pixelTable(b *strings.Builder, n int) int {
	g := grid{head: []string{"Detector", "Set", "View", "Pixel accuracy, %", "Pixels called AI, %",
		"Image accuracy, %",
		"AI classification rate, %", "IoU", "IoU if all is called AI", "F1", "AUC"}}
	for _, x := range r.Results {
		if p := x.Pixels; p != nil && x.Degradation == "" {
			g.add(x.Detector, x.Set, x.View, p.Accuracy.text(true), p.AIRate.text(true),
				x.Of(Accuracy).text(true), x.Of(AIRate).text(true), p.IoU.text(false), p.floor(),
				p.F1.text(false), p.AUC.text(false))
		}
	}
	if len(g.rows) == 0 {
		return n
	}
	caption(b, n+1, "Pixel maps: the shares of pixels that are right and that are called AI, "+
		"the shares of pictures by the mean of their pixels, and maps against masks where there are any.")
	b.WriteString(g.markdown())
	return n + 1
}

// floor is the IoU of calling every pixel AI; "–" without masks.
func (p *PixelResult) floor() string {
	if p.Masks == 0 {
		return "–"
	}
	return digits(p.FloorIoU, false)
}

func (r *Report) robustnessTables(b *strings.Builder, n int) {
	for _, view := range r.views() {
		for _, set := range r.whole() {
			if g := r.robustnessGrid(view, set); g != nil {
				n++
				caption(b, n, "Accuracy in %% and AUC on %s under degradation, %s.", set, seenBy(view))
				b.WriteString(g.markdown())
			}
		}
	}
}
