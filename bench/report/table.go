package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"truegrain/bench/measure"
)

// Table writes rows as they come, in columns of fixed width.
type Table struct {
	w       io.Writer
	old     *Report // to compare with; may be nil
	columns []column
	first   map[string]measure.Stat // of each name, the implementation that came first
}

// column is one of a table: how wide, whether to the left, and what it says of a row.
type column struct {
	title string
	width int
	left  bool
	text  func(t *Table, r Row) string
}

var kernelColumns = []column{
	{"kernel", 24, true, func(_ *Table, r Row) string {
		name, _,
			_ := strings.Cut(r.Name, " ")
		return name
	}},
	{"shape", 36, true, func(_ *Table, r Row) string {
		_, shape,
			_ := strings.Cut(r.Name, " ")
		return shape
	}},
	{"impl", 10, true, implOf},
	{"time", 8, false, func(_ *Table, r Row) string { return Seconds(r.Time.Median) }},
	{"±", 5, false, func(_ *Table, r Row) string { return percent(r.Time.Spread()) }},
	{"GFLOP/s", 8, false, func(_ *Table, r Row) string { return digits(r.GFLOPs()) }},
	{"of peak", 8, false, func(_ *Table, r Row) string { return percent(r.OfPeak) }},
	{"GB/s", 6, false, func(_ *Table, r Row) string { return digits(r.GBs()) }},
	{"of copy", 8, false, func(_ *Table, r Row) string { return percent(r.OfCopy) }},
	{"of bound", 8, false, func(_ *Table, r Row) string { return percent(r.OfBound) }},
	{"error", 8, false, func(_ *Table, r Row) string { return fmt.Sprintf("%.1e", r.Error) }},
}

var modelColumns = []column{
	{"model", 24, true, func(_ *Table, r Row) string { return r.Name }},
	{"impl", 8, true, func(_ *Table, r Row) string { return r.Impl }},
	{"img/s", 7, false, func(_ *Table, r Row) string { return digits(r.ImagesPerSecond()) }},
	{"median", 8, false, func(_ *Table, r Row) string { return Seconds(r.Time.Median) }},
	{"min", 8, false, func(_ *Table, r Row) string { return Seconds(r.Time.Min) }},
	{"max", 8, false, func(_ *Table, r Row) string { return Seconds(r.Time.Max) }},
	{"±", 5, false, func(_ *Table, r Row) string { return percent(r.Time.Spread()) }},
	{"GFLOP/s", 8, false, func(_ *Table, r Row) string { return digits(r.GFLOPs()) }},
	{"of peak", 8, false, func(_ *Table, r Row) string { return percent(r.OfPeak) }},
	{"memory", 9, false, func(_ *Table, r Row) string { return Bytes(r.PeakRSS) }},
	{"allocs", 7, false, func(_ *Table, r Row) string { return digits(r.Allocs) }},
	{"error", 8, false, func(_ *Table, r Row) string { return fmt.Sprintf("%.1e", r.Error) }},
}

// implOf is the implementation, and how it computes.
func implOf(_ *Table, r Row) string {
	if r.Method == "" {
		return r.Impl
	}
	return r.Impl + ": " + r.Method
}

// NewTable starts a table of a kind of report. several adds how many times as fast as the first
// implementation each is; old adds the ratio to an older report.
func NewTable(w io.Writer, kind string, several bool, old *Report) *Table {
	t := &Table{w: w, old: old, first: map[string]measure.Stat{}, columns: kernelColumns}
	if kind == "models" {
		t.columns = modelColumns
	}
	if several {
		t.columns = slices.Clone(t.columns)
		if i := slices.IndexFunc(t.columns,
			func(c column) bool { return c.title == "impl" }); kind == "kernels" {
			t.columns[i].width = 18
		}
		t.columns = append(t.columns, column{"speed", 7, false, (*Table).speed})
	}
	if old != nil {
		t.columns = append(t.columns[:len(t.columns):len(t.columns)],
			column{"old", 8, false, (*Table).oldTime}, column{"new/old", 24, true, (*Table).ratio})
	}
	t.line(func(c column) string { return c.title })
	return t
}

func (t *Table) line(text func(column) string) {
	var b strings.Builder
	for i, c := range t.columns {
		s := text(c)
		space := strings.Repeat(" ", max(c.width-utf8.RuneCountInString(s), 0))
		if i > 0 {
			b.WriteString("  ")
		}
		if c.left {
			b.WriteString(s + space)
		} else {
			b.WriteString(space + s)
		}
	}
	fmt.Fprintln(t.w, strings.TrimRight(b.String(), " "))
}

// Row writes one.
func (t *Table) Row(r Row) {
	if r.Skipped != "" {
		shown := 0
		t.line(func(c column) string {
			shown++
			switch {
			case shown <= 3 && c.left:
				return c.text(t, r)
			case c.title == "time" || c.title == "img/s":
				return "not timed: " + r.Skipped
			}
			return ""
		})
		return
	}
	if _, ok := t.first[r.Name]; !ok {
		t.first[r.Name] = r.Time
	}
	t.line(func(c column) string { return c.text(t, r) })
}

// speed is how many times as fast as the first implementation of the same.
func (t *Table) speed(r Row) string {
	return fmt.Sprintf("%.2f×", t.first[r.Name].Median/r.Time.Median)
}

func (t *Table) oldTime(r Row) string {
	if o, ok := t.old.find(r); ok {
		return Seconds(o.Time.Median)
	}
	return "-"
}

func (t *Table) ratio(r Row) string {
	o, ok := t.old.find(r)
	if !ok {
		return "new"
	}
	return CompareRow(o, r).String()
}
