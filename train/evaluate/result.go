package evaluate

import (
	"fmt"
	"maps"
	"slices"

	"truegrain/nn/card"
	"truegrain/train/calibrate"
)

// Case is what was evaluated: a detector on a set, seen in some way.
type Case struct {
	Detector    string `json:"detector"`
	Set         string `json:"set"`
	View        string `json:"view"`
	Degradation string `json:"degradation,omitempty"` // done to every picture first; "" for none
}

// Result is how a detector did on the pictures of a set.
type Result struct {
	Case
	Known       string    `json:"known,omitempty"` // its generators: seen, unseen or mixed; "" if not known
	Part        bool      `json:"part,omitempty"`  // of another set: the pictures of one generator
	N           int       `json:"n"`
	AI          int       `json:"ai"`
	Photographs int       `json:"photographs"`
	Unread      int       `json:"unread,omitempty"`    // pictures that could not be read
	TooLarge    int       `json:"too_large,omitempty"` // and those that the view does not take
	Confusion   Confusion `json:"confusion"`
	// Measures are by the names of Measure; JSON has their estimates.
	Measures    Estimates           `json:"measures"`
	SizeFloor   float64             `json:"size_floor"`
	By          map[string]card.Set `json:"by_generator,omitempty"`
	Pixels      *PixelResult        `json:"pixels,omitempty"`
	ROC         []Point             `json:"roc,omitempty"`
	Reliability []card.Bin          `json:"reliability"`
	Seconds     float64             `json:"seconds_per_picture,omitempty"`
	Joules      float64             `json:"joules_per_picture,omitempty"`
}

// Estimates are all measures.
type Estimates [measures]Estimate

// MarshalJSON writes them by name.
func (e Estimates) MarshalJSON() ([]byte, error) { return marshalNamed(e[:]) }

// Point is one of a ROC curve.
type Point struct {
	FPR float64 `json:"fpr"`
	TPR float64 `json:"tpr"`
}

// bins of a reliability table.
const bins = 10

// Judge counts the answers of a detector; ai turns a raw score into p(AI).
func Judge(c Case, s []Prediction, ai func(raw float64) float64, b Bootstrap) (*Result, error) {
	p, is, err := probabilities(s, ai)
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", c.Detector, c.Set, err)
	}
	r := &Result{Case: c, N: len(s), Confusion: confusionOf(p, is), SizeFloor: SizeFloor(s),
		By: map[string]card.Set{}}
	r.AI, r.Photographs = r.Confusion.TP+r.Confusion.FN, r.Confusion.FP+r.Confusion.TN
	r.Measures = b.estimate(p, is)
	r.Reliability = calibrate.Bins(p, is, bins)
	r.ROC = rocOf(p, is)
	r.Pixels = b.pixelResult(s)
	by := map[string][]int{}
	for i, x := range s {
		by[x.Generator] = append(by[x.Generator], i)
	}
	for name, at := range by {
		right := 0
		for _, i := range at {
			if (p[i] > 0.5) == is[i] {
				right++
			}
		}
		g := card.Set{Name: name, N: len(at), Accuracy: share(right, len(at))}
		g.Interval[0], g.Interval[1] = card.Wilson(right, len(at))
		r.By[name] = g
	}
	return r, nil
}

// Of is one of the measures.
func (r *Result) Of(m Measure) Estimate { return r.Measures[m] }

// Sets are the accuracies by generator, as a model card has them.
func (r *Result) Sets(seen bool) (out []card.Set) {
	for _, name := range slices.Sorted(maps.Keys(r.By)) {
		g := r.By[name]
		g.Seen = seen
		out = append(out, g)
	}
	return out
}

// Test is the result as a model card has it.
func (r *Result) Test() *card.Test {
	t := &card.Test{N: r.N, Accuracy: r.Confusion.Accuracy(), ECE: r.Of(ECE).Value, SizeFloor: r.SizeFloor}
	t.Interval[0], t.Interval[1] = r.Confusion.Wilson()
	if auc := r.Of(AUC); auc.Defined() {
		t.AUC = auc.Value
	}
	return t
}

// rocPoints is how many points a stored curve has at most.
const rocPoints = 400

// rocOf is the ROC curve from (0,0) to (1,1), thinned out; nil with one class.
func rocOf(p []float64, ai []bool) []Point {
	r := rank(p, ai)
	if len(r.ai) == 0 || len(r.real) == 0 {
		return nil
	}
	a, n := r.counts()
	out := []Point{{0, 0}}
	var tp, fp int32
	for g := range r.p {
		tp, fp = tp+a[g], fp+n[g]
		next := Point{float64(fp) / float64(len(r.real)), float64(tp) / float64(len(r.ai))}
		last := out[len(out)-1]
		if next.FPR-last.FPR+next.TPR-last.TPR >= 2.0/rocPoints || g == len(r.p)-1 {
			out = append(out, next)
		}
	}
	return out
}
