package gpu

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"truegrain/bench/report"
)

// Markdown is the report of what has been measured so far.
func (r *Result) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, %s\n\n%s, %s, %s, commit %s.\n", r.Hardware.Name, r.last().Format("2006-01-02"), r.Hardware,
		r.System, r.Go, r.Commit)
	if r.Hardware.Name == "emulator" {
		b.WriteString("\nThis is the emulator: its times say nothing of any GPU.\n")
	}
	b.WriteString("\nWritten by `make bench-gpu`; times are medians of the device's own clock. Shares of copy are " +
		"of a copy of as many bytes, read\nand written, measured in turn; shares of peak are of what all SMs could do " +
		fmt.Sprintf("at the highest clock, %.0f TFLOP/s in\nbfloat16 and %.1f in float32. ",
			peakOf(r.Hardware, true)/1e12, peakOf(r.Hardware, false)/1e12) +
		"Above 100 % of copy: data that a cache kept.\n")
	r.writeCheck(&b)
	r.writeKernels(&b)
	r.writeModels(&b)
	r.writePeers(&b)
	return b.String()
}

// last is when the newest step was done.
func (r *Result) last() (t time.Time) {
	for _, s := range r.Steps {
		if s.Date.After(t) {
			t = s.Date
		}
	}
	return t
}

// tabulate writes a table's head and its rows.
func tabulate(b *strings.Builder, head string, rows [][]string) {
	columns := strings.Split(head, "|")
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(columns)
	line(slices.Repeat([]string{"---"}, len(columns)))
	for _, r := range rows {
		line(r)
	}
}

func (r *Result) writeCheck(b *strings.Builder) {
	steps := r.of("check")
	if len(steps) == 0 {
		b.WriteString("\nNot checked yet: `make bench-gpu PART=check`.\n")
		return
	}
	matched, worst := 0, map[string]report.Row{}
	for _, s := range steps {
		for _, row := range s.Rows {
			if row.Skipped == "" {
				matched++
				if row.Error >= worst[row.Impl].Error {
					worst[row.Impl] = row
				}
			}
		}
	}
	fmt.Fprintf(b, "\n## Checked against ref\n%d results match.", matched)
	for _, t := range []string{typeOf(false), typeOf(true)} {
		if w := worst[t]; w.Name != "" {
			fmt.Fprintf(b, " The largest relative L2 error in %s is %.1e (%s).", t, w.Error, w.Name)
		}
	}
	b.WriteString("\n")
	if bad := r.differing(); len(bad) > 0 {
		fmt.Fprintf(b, "\n**%d do not:**\n\n", len(bad))
		var rows [][]string
		for _, row := range bad {
			rows = append(rows, []string{row.Name, row.Impl, strings.ReplaceAll(row.Skipped, "\n", "; ")})
		}
		tabulate(b, "kernel|type|why", rows)
	}
}

func (r *Result) writeKernels(b *strings.Builder) {
	steps := r.of("kernels")
	if len(steps) == 0 {
		return
	}
	b.WriteString("\n## Kernels\n")
	var rows [][]string
	for _, s := range steps {
		for _, row := range s.Rows {
			rows = append(rows, append([]string{row.Name, row.Uses, row.Impl}, rates(row)...))
		}
	}
	tabulate(b, "kernel|of|type|time|TFLOP/s|of peak|GB/s|of copy", rows)
}

// rates are time, rates and shares of a row, or why there are none.
func rates(row report.Row) []string {
	if row.Skipped != "" {
		return []string{"not timed: " + strings.ReplaceAll(row.Skipped, "\n", "; "), "", "", "", ""}
	}
	return []string{report.Seconds(row.Time.Median), fmt.Sprintf("%.1f", row.GFLOPs()/1e3), percent(row.OfPeak),
		fmt.Sprintf("%.0f", row.GBs()), percent(row.OfCopy)}
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

func (r *Result) writeModels(b *strings.Builder) {
	steps := r.of("models")
	if len(steps) == 0 {
		return
	}
	b.WriteString("\n## Models\nPictures lie in the device's memory. Inference is frozen (bfloat16: operands of products; exact: " +
		"float32) and replayed\nas a graph; training is forward, backward and the optimiser's step (mixed: values in " +
		"bfloat16, weights in float32).\n\n")
	var rows [][]string
	for _, s := range steps {
		for _, row := range s.Rows {
			if row.Skipped != "" {
				rows = append(rows, []string{row.Name, row.Impl, "not timed: " + row.Skipped, "", "", ""})
				continue
			}
			rows = append(rows, []string{row.Name, row.Impl, fmt.Sprintf("%.0f", row.ImagesPerSecond()),
				report.Seconds(row.Time.Median), fmt.Sprintf("%.1f", row.GFLOPs()/1e3), percent(row.OfPeak)})
		}
	}
	tabulate(b, "model|way|img/s|time|TFLOP/s|of peak", rows)
}

func (r *Result) writePeers(b *strings.Builder) {
	steps := r.of("peers")
	if len(steps) == 0 {
		b.WriteString("\nNot compared with PyTorch yet: `make bench-gpu PART=peers`.\n")
		return
	}
	fmt.Fprintf(b, "\n## Beside %s\nOurs and theirs take turns, A B C A B C ...; a ratio of times is the median of the rounds' "+
		"ratios, with its 95 %% interval.\nTheirs is channels-last under bfloat16 autocast, eager and compiled. **Bold** is "+
		"faster than theirs.\n\n", r.Peer)
	var rows [][]string
	for _, s := range steps {
		for _, row := range s.Rows {
			if row.Skipped != "" {
				rows = append(rows, []string{row.Name, row.Impl, "not timed: " + row.Skipped, "", ""})
				continue
			}
			rows = append(rows, []string{row.Name, row.Impl, report.Seconds(row.Time.Median), speed(row),
				against(s.Ratios, row.Impl)})
		}
	}
	tabulate(b, "what|who|time|rate|ours / theirs", rows)
}

// speed is a model's img/s, or a kernel's TFLOP/s.
func speed(row report.Row) string {
	if row.Images > 0 {
		return fmt.Sprintf("%.0f img/s", row.ImagesPerSecond())
	}
	return fmt.Sprintf("%.1f TFLOP/s", row.GFLOPs()/1e3)
}

// against is ours beside one of theirs.
func against(all []Ratio, theirs string) string {
	var out []string
	for _, r := range all {
		if r.Theirs != theirs {
			continue
		}
		s := fmt.Sprintf("%.2f (%.2f to %.2f)", r.Median, r.Lo, r.Hi)
		if r.Hi < 1 {
			s = "**" + s + "**"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}
