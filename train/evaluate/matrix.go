package evaluate

import "math"

// Matrix is detectors against test sets: one measure of every pair.
type Matrix struct {
	Measure   Measure
	View      string
	Detectors []string // rows
	Sets      []string // columns
	Cells     [][]*Result
}

// Matrix gathers the results of one view of pictures as they are; nil if that is one set.
func (r *Report) Matrix(view string, m Measure) *Matrix {
	x := &Matrix{Measure: m, View: view, Detectors: r.detectors(), Sets: r.sets()}
	if len(x.Sets) < 2 {
		return nil
	}
	for _, d := range x.Detectors {
		row := make([]*Result, len(x.Sets))
		for i, s := range x.Sets {
			row[i] = r.Find(Case{Detector: d, Set: s, View: view})
		}
		x.Cells = append(x.Cells, row)
	}
	return x
}

// Drop is how a detector's mean on the sets whose generators it learned from compares with that on the sets
// whose generators it never saw; NaN where there are none.
type Drop struct {
	Detector     string
	Seen, Unseen float64
}

// Defined says that there are sets of both kinds.
func (d Drop) Defined() bool { return !math.IsNaN(d.Seen + d.Unseen) }

// Drops are the drops of all detectors.
func (x *Matrix) Drops() (out []Drop) {
	for i, d := range x.Detectors {
		var sum, n [2]float64
		for _, c := range x.Cells[i] {
			if c == nil || !c.Of(x.Measure).Defined() {
				continue
			}
			k := map[string]int{"seen": 0, "unseen": 1}
			if side, ok := k[c.Known]; ok {
				sum[side] += c.Of(x.Measure).Value
				n[side]++
			}
		}
		drop := Drop{d, math.NaN(), math.NaN()}
		if n[0] > 0 {
			drop.Seen = sum[0] / n[0]
		}
		if n[1] > 0 {
			drop.Unseen = sum[1] / n[1]
		}
		out = append(out, drop)
	}
	return out
}
