package calibrate

import (
	"cmp"
	"math"
	"slices"

	"truegrain/nn/card"
)

// Bins is the reliability table: n equally wide bins of p(AI).
func Bins(p []float64, ai []bool, n int) []card.Bin {
	bins := make([]card.Bin, n)
	for i := range bins {
		bins[i].Lo, bins[i].Hi = float64(i)/float64(n), float64(i+1)/float64(n)
	}
	c := card.Card{Reliability: bins}
	for i, v := range p {
		b := c.BinOf(min(max(v, 0), 1))
		b.N++
		b.Mean += v
		if ai[i] {
			b.AI++
		}
	}
	for i := range bins {
		b := &bins[i]
		if b.N == 0 {
			b.Mean = (b.Lo + b.Hi) / 2
			continue
		}
		b.Mean = min(max(b.Mean/float64(b.N), b.Lo), b.Hi)
	}
	return bins
}

// The undecided band is ½ ± half, with half between these two.
const narrowest, widest = 0.15, 0.45

// Band is the narrowest range around ½ outside of which at most the share wrong of the leaning pictures lean
// the wrong way.
func Band(p []float64, ai []bool, wrong float64) [2]float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	distance := func(i int) float64 { return math.Abs(p[i] - 0.5) }
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Compare(distance(b),
			distance(a))
	}) // the surest first
	half, bad := widest, 0
	for n, i := range order {
		if (p[i] > 0.5) != ai[i] {
			bad++
		}
		if last := n+1 == len(order); (last || distance(order[n+1]) < distance(i)) &&
			float64(bad) <= wrong*float64(n+1) {
			if half = distance(i); last {
				half = narrowest // no band is needed: not even the least sure answers are wrong too often
			}
		}
	}
	half = min(max(half, narrowest), widest)
	return [2]float64{0.5 - half, 0.5 + half}
}

// Thresholds are the least p(AI), but not below ½, from which on at most the share rate of the photographs is
// called AI, for each rate; a rate that no p(AI) among the pictures keeps is left out. Below ½ a photograph
// would be accused that the detector takes for one.
func Thresholds(p []float64, ai []bool, rates []float64) []card.Threshold {
	var photographs []float64
	for i, v := range p {
		if !ai[i] {
			photographs = append(photographs, v)
		}
	}
	slices.Sort(photographs)
	all := slices.Compact(slices.Sorted(slices.Values(p)))
	var out []card.Threshold
	for _, rate := range slices.Compact(slices.Sorted(slices.Values(rates))) {
		at, found := slices.BinarySearchFunc(all, 0, func(v float64, _ int) int {
			below, _ := slices.BinarySearch(photographs, v)
			if float64(len(photographs)-below) > rate*float64(len(photographs)) {
				return -1
			}
			return 1
		})
		if !found && at < len(all) {
			out = append(out, card.Threshold{FPR: rate, P: min(max(all[at], 0.5), 1)})
		}
	}
	return out
}

// Count counts what thresholds do to test pictures.
func Count(thresholds []card.Threshold, p []float64, ai []bool) {
	for k := range thresholds {
		t := &thresholds[k]
		for i, v := range p {
			called := 0
			if v >= t.P {
				called = 1
			}
			if ai[i] {
				t.AI++
				t.TP += called
			} else {
				t.Photographs++
				t.FP += called
			}
		}
	}
}
