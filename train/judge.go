package train

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"truegrain/nn/card"
	"truegrain/train/calibrate"
)

// Report is how a detector did on labelled pictures. The positive class is AI.
type Report struct {
	N         int                  `json:"n"`
	Confusion Confusion            `json:"confusion"`
	Accuracy  float64              `json:"accuracy"`
	Interval  [2]float64           `json:"interval"` // 95 %, Wilson
	Precision float64              `json:"precision"`
	Recall    float64              `json:"recall"`
	F1        float64              `json:"f1"`
	AUC       float64              `json:"auc,omitempty"` // left out with one class
	ECE       float64              `json:"ece"`
	Brier     float64              `json:"brier"`
	SizeFloor float64              `json:"size_floor"`
	By        map[string]Generator `json:"by_generator"`
}

// Generator is the part of a report that concerns one generator's folder.
type Generator struct {
	N        int        `json:"n"`
	Accuracy float64    `json:"accuracy"`
	Interval [2]float64 `json:"interval"`
}

// Judge counts the answers of a detector; ai turns a raw score into p(AI).
func Judge(s []Scored, ai func(raw float64) float64) (*Report, error) {
	if len(s) == 0 {
		return nil, fmt.Errorf("no picture could be scored")
	}
	r := &Report{N: len(s), By: map[string]Generator{}, SizeFloor: SizeFloor(s)}
	p, is := make([]float64, len(s)), make([]bool, len(s))
	by := map[string]*Confusion{}
	for i, x := range s {
		if math.IsNaN(x.Raw) {
			return nil, fmt.Errorf("%s: the score is not a number; the weights are damaged", x.File)
		}
		p[i], is[i] = ai(x.Raw), x.Label == 0
		if by[x.Generator] == nil {
			by[x.Generator] = &Confusion{}
		}
		r.Confusion.count(is[i], p[i] > 0.5)
		by[x.Generator].count(is[i], p[i] > 0.5)
	}
	c := r.Confusion
	r.Accuracy, r.Precision, r.Recall, r.F1 = c.Accuracy(), c.Precision(), c.Recall(), c.F1()
	r.Interval[0], r.Interval[1] = c.Interval()
	r.ECE, r.Brier = calibrate.ECE(p, is), calibrate.Brier(p, is)
	r.AUC, _ = AUC(p, is) // one class has none
	for name, c := range by {
		lo, hi := c.Interval()
		r.By[name] = Generator{c.N(), c.Accuracy(), [2]float64{lo, hi}}
	}
	return r, nil
}

func (c *Confusion) count(ai, calledAI bool) {
	switch {
	case ai && calledAI:
		c.TP++
	case ai:
		c.FN++
	case calledAI:
		c.FP++
	default:
		c.TN++
	}
}

// Test is the report as a model card has it.
func (r *Report) Test() *card.Test {
	return &card.Test{N: r.N, Accuracy: r.Accuracy, Interval: r.Interval, AUC: r.AUC, ECE: r.ECE,
		SizeFloor: r.SizeFloor}
}

// Sets are the accuracies by generator, as a model card has them.
func (r *Report) Sets(seen bool) (out []card.Set) {
	for _, name := range slices.Sorted(maps.Keys(r.By)) {
		g := r.By[name]
		out = append(out, card.Set{Name: name, Seen: seen, N: g.N, Accuracy: g.Accuracy, Interval: g.Interval})
	}
	return out
}

// Write prints the report as text.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	c := r.Confusion
	fmt.Fprintf(&b, "                 called AI  called photograph\n")
	fmt.Fprintf(&b, "  AI             %9d  %17d\n  photograph     %9d  %17d\n", c.TP, c.FN, c.FP, c.TN)
	fmt.Fprintf(&b,
		"  accuracy    %5.1f %%  (95 %%: %.1f to %.1f) of %d pictures; picture size alone gives %.1f %%\n",
		100*r.Accuracy, 100*r.Interval[0], 100*r.Interval[1], r.N, 100*r.SizeFloor)
	fmt.Fprintf(&b, "  precision   %5.1f %%  recall %.1f %%  F1 %.3f  AUC %.3f  ECE %.3f  Brier %.3f\n",
		100*r.Precision, 100*r.Recall, r.F1, r.AUC, r.ECE, r.Brier)
	var names []string
	for name := range r.By {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > 1 {
		for _, name := range names {
			g := r.By[name]
			fmt.Fprintf(&b, "  %-20s %5.1f %%  (%.1f to %.1f) of %d\n", name, 100*g.Accuracy,
				100*g.Interval[0], 100*g.Interval[1], g.N)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
