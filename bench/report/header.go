package report

import (
	"fmt"
	"io"
	"strings"

	"truegrain/bench/measure"
)

// Header writes the machine and its ceilings.
func (r *Report) Header(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d cores used, %s, %s, %s, commit %s, %s\n", m.CPU, m.Cores, m.System, m.Go,
		m.Backend, m.Commit, r.Date.Format("2006-01-02 15:04"))
	for _, c := range r.Before {
		fmt.Fprintln(w, ceilingLine(c))
	}
}

func ceilingLine(c measure.Ceiling) string {
	var copies []string
	for _, p := range c.Copy {
		copies = append(copies, fmt.Sprintf("%s %s", Bytes(p.Bytes), digits(p.Rate/1e9)))
	}
	return fmt.Sprintf("ceilings, %d core%s: multiply-adds %s GFLOP/s; copy, read and written, GB/s: %s",
		c.Cores, map[bool]string{true: "s"}[c.Cores > 1], digits(c.FLOPs/1e9), strings.Join(copies, ", "))
}

// Drift says how far the ceilings have moved since the beginning, in a line; empty if they were not measured
// twice.
func (r *Report) Drift() string {
	if len(r.After) == 0 || len(r.Before) == 0 {
		return ""
	}
	a, b := r.Before[len(r.Before)-1], r.After[len(r.After)-1]
	return fmt.Sprintf("ceilings at the end, in those of the beginning: multiply-adds %.2f, copy %.2f",
		b.FLOPs/a.FLOPs, b.DRAM()/a.DRAM())
}
