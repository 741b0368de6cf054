package evaluate

import (
	"fmt"
	"io"
	"strings"
)

// WriteText prints the report for a terminal: each case with its confusion matrix and measures, and then what
// compares cases.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, x := range r.Results {
		if x.Degradation == "" && !x.Part {
			b.WriteString(x.text() + "\n")
		}
	}
	for _, view := range r.views() {
		if m := r.Matrix(view, Accuracy); m != nil {
			b.WriteString(m.text() + "\n")
		}
		if t := r.robustness(view); t != "" {
			b.WriteString(t + "\n")
		}
	}
	for _, n := range r.Notes {
		b.WriteString("Note: " + n + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// seenBy is a view in words.
func seenBy(view string) string {
	return map[string]string{"crop": "crops that cover the picture", "random": "one random crop",
		"resize": "resized to one square", "full": "full size"}[view]
}

// text is one case.
func (x *Result) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, %s: %d AI, %d photographs", x.Detector, x.Set, seenBy(x.View), x.AI,
		x.Photographs)
	for _, left := range []struct {
		n   int
		why string
	}{{x.Unread, "could not be read"}, {x.TooLarge, "too large for this view"}} {
		if left.n > 0 {
			fmt.Fprintf(&b, "; %d %s", left.n, left.why)
		}
	}
	if min(x.AI, x.Photographs) == 0 {
		b.WriteString("; one class only: nothing that compares both is measured")
	}
	c := x.Confusion
	g := grid{head: []string{"", "called AI", "called photograph"}}
	g.add("AI", fmt.Sprint(c.TP), fmt.Sprint(c.FN))
	g.add("photograph", fmt.Sprint(c.FP), fmt.Sprint(c.TN))
	b.WriteString("\n" + g.terminal("  "))
	x.measuresText(&b)
	b.WriteString(x.Pixels.text())
	if x.Seconds > 0 {
		fmt.Fprintf(&b, "  %.3g pictures/s", 1/x.Seconds)
		if x.Joules > 0 {
			fmt.Fprintf(&b, ", %.3g J for a picture", x.Joules)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// measuresText is accuracy beside the floor, and the other measures a line for each kind.
func (x *Result) measuresText(b *strings.Builder) {
	fmt.Fprintf(b, "  accuracy %s %%", x.Of(Accuracy).text(true))
	if e := x.Of(Balanced); e.Defined() && x.AI != x.Photographs {
		fmt.Fprintf(b, ", balanced %s %%", e.text(true))
	}
	fmt.Fprintf(b, "; picture size alone %s %%\n", digits(x.SizeFloor, true))
	for _, line := range [][]Measure{{AP, AUC, EER}, {TPR1, TPR5, AIRate}, {Precision, Recall, F1}, {ECE,
		Brier, LogLoss}} {
		var parts []string
		for _, m := range line {
			if e := x.Of(m); e.Defined() {
				unit := ""
				if m.Percent() {
					unit = " %"
				}
				parts = append(parts, m.Title()+" "+e.text(m.Percent())+unit)
			}
		}
		if len(parts) > 0 {
			b.WriteString("  " + strings.Join(parts, "; ") + "\n")
		}
	}
}

// text is what a segmenter's maps add.
func (p *PixelResult) text() string {
	if p == nil {
		return ""
	}
	s := fmt.Sprintf("  pixels: accuracy %s %%; called AI %s %%\n", p.Accuracy.text(true),
		p.AIRate.text(true))
	if p.Masks > 0 {
		s += fmt.Sprintf("  against %d masks: IoU %s, if every pixel were called AI %.3f; "+
			"F1 %s; AUC %s; IoU of all "+
			"pixels together %.3f\n", p.Masks, p.IoU.text(false), p.FloorIoU, p.F1.text(false),
			p.AUC.text(false), p.PooledIoU)
	}
	return s
}

// table is the matrix with a star at generators that a detector never saw.
func (x *Matrix) table() grid {
	g := grid{head: append([]string{"trained \\ tested"}, x.Sets...)}
	for i, d := range x.Detectors {
		row := []string{d}
		for _, c := range x.Cells[i] {
			cell := "–"
			if c != nil {
				cell = digits(c.Of(x.Measure).Value, x.Measure.Percent())
				if c.Known == "unseen" {
					cell += "*"
				}
			}
			row = append(row, cell)
		}
		g.rows = append(g.rows, row)
	}
	floor := []string{"size alone"}
	for k := range x.Sets {
		cell := "–"
		for i := range x.Detectors {
			if c := x.Cells[i][k]; c != nil {
				cell = digits(c.SizeFloor, true)
			}
		}
		floor = append(floor, cell)
	}
	if x.Measure == Accuracy {
		g.rows = append(g.rows, floor)
	}
	return g
}

// text is the matrix and what it says of generators that were never seen.
func (x *Matrix) text() string {
	g := x.table()
	s := fmt.Sprintf("%s in %% of each detector on each set, %s (* of a generator that it never saw)\n",
		x.Measure.Title(),
		seenBy(x.View)) + g.terminal("  ")
	for _, d := range x.Drops() {
		if d.Defined() {
			s += fmt.Sprintf("  %s: %.1f %% on generators that it learned from, %.1f %% on others: %+.1f points\n",
				d.Detector,
				100*d.Seen, 100*d.Unseen, 100*(d.Unseen-d.Seen))
		}
	}
	return s
}

// robustness is accuracy and AUC by degradation; "" with none.
func (r *Report) robustness(view string) string {
	var b strings.Builder
	for _, set := range r.whole() {
		g := r.robustnessGrid(view, set)
		if g == nil {
			continue
		}
		fmt.Fprintf(&b, "accuracy in %% and AUC on %s under degradation, %s\n%s", set, seenBy(view),
			g.terminal("  "))
	}
	return b.String()
}

// robustnessGrid has a row for each degradation; nil with none.
func (r *Report) robustnessGrid(view, set string) *grid {
	all := r.degradations()
	if len(all) < 2 {
		return nil
	}
	g := &grid{head: []string{"degradation"}}
	for _, d := range r.detectors() {
		g.head = append(g.head, d, "AUC")
	}
	for _, deg := range all {
		name := deg
		if deg == "" {
			name = "none"
		}
		row := []string{name}
		for _, d := range r.detectors() {
			x := r.Find(Case{Detector: d, Set: set, View: view, Degradation: deg})
			if x == nil {
				row = append(row, "–", "–")
				continue
			}
			row = append(row, x.Of(Accuracy).text(true), x.Of(AUC).alone())
		}
		g.rows = append(g.rows, row)
	}
	return g
}
