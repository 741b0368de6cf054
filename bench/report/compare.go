package report

import (
	"fmt"
	"math"
	"strings"

	"truegrain/bench/measure"
)

// Change is a row's time beside an older one's: the ratio of the medians new/old, and the interval in which
// it lies if both medians may lie anywhere in theirs.
type Change struct{ Ratio, Lo, Hi float64 }

// CompareRow compares a row with an older one.
func CompareRow(before, after Row) Change {
	var c Change
	c.Ratio, c.Lo, c.Hi = measure.Ratio(after.Time, before.Time)
	return c
}

// Certain says that the change is larger than the noise.
func (c Change) Certain() bool { return c.Hi < 1 || c.Lo > 1 }

func (c Change) String() string {
	s := fmt.Sprintf("%.2f (%.2f to %.2f)", c.Ratio, c.Lo, c.Hi)
	switch {
	case !c.Certain():
		return s + " ~"
	case c.Ratio < 1:
		return s + " faster"
	}
	return s + " slower"
}

// find is the row of the same name and implementation that was timed.
func (r *Report) find(like Row) (Row, bool) {
	for _, o := range r.Rows {
		if o.Name == like.Name && o.Impl == like.Impl && o.Skipped == "" {
			return o, true
		}
	}
	return Row{}, false
}

// Summary says how a report compares with an older one: the geometric mean of the ratios, and how many
// changes are beyond noise. It warns if the two were not made alike.
func Summary(before, after *Report) string {
	var b strings.Builder
	n, faster, slower, sum := 0, 0, 0, 0.0
	for _, r := range after.Rows {
		o, ok := before.find(r)
		if !ok || r.Skipped != "" {
			continue
		}
		c := CompareRow(o, r)
		n++
		sum += math.Log(c.Ratio)
		switch {
		case c.Hi < 1:
			faster++
		case c.Lo > 1:
			slower++
		}
	}
	if n == 0 {
		return "nothing to compare: no row of the old report was timed now\n"
	}
	fmt.Fprintf(&b, "new/old: geometric mean %.3f over %d rows; %d faster and %d slower than noise\n",
		math.Exp(sum/float64(n)), n, faster, slower)
	fmt.Fprintf(&b, "old: %s, %s, commit %s, %s\n", before.Date.Format("2006-01-02 15:04"), before.Machine.Go,
		before.Machine.Commit, before.Machine.CPU)
	if a, b2 := before.Machine, after.Machine; a.CPU != b2.CPU || a.Cores != b2.Cores ||
		a.Backend != b2.Backend {
		fmt.Fprintf(&b, "careful: the old report is of %s, %d cores, %s\n", a.CPU, a.Cores, a.Backend)
	}
	old, now := before.Ceiling(), after.Ceiling()
	if old.FLOPs > 0 && now.FLOPs > 0 {
		fmt.Fprintf(&b, "the machine itself, new/old: multiply-adds %.2f, copy %.2f\n", now.FLOPs/old.FLOPs,
			now.DRAM()/old.DRAM())
	}
	return b.String()
}
