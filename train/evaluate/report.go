package evaluate

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Report is everything that one evaluation found.
type Report struct {
	Title     string     `json:"title"`
	Detectors []Detector `json:"detectors"`
	Sets      []SetInfo  `json:"sets"`
	Results   []*Result  `json:"results"`
	Bootstrap Bootstrap  `json:"bootstrap"`
	Exact     bool       `json:"exact"` // computed without faster algorithms that round more
	Protocol  string     `json:"protocol,omitempty"`
	Energy    string     `json:"energy,omitempty"` // how joules were found
	Notes     []string   `json:"notes,omitempty"`
	Code      string     `json:"code,omitempty"`
	Device    string     `json:"device,omitempty"`
}

// Detector is what a report says about a detector.
type Detector struct {
	Name        string   `json:"name"`
	Arch        string   `json:"arch"`
	Calibration string   `json:"calibration,omitempty"`
	Data        string   `json:"data,omitempty"`
	Generators  []string `json:"generators,omitempty"`
}

// SetInfo is a test set: what it holds and what it leaves out.
type SetInfo struct {
	Name        string   `json:"name"`
	Split       string   `json:"split"`
	Generators  []string `json:"generators"`
	Exclude     []string `json:"exclude,omitempty"`
	AI          int      `json:"ai"`
	Photographs int      `json:"photographs"`
}

// Info is what a report says about a set.
func (s *Set) Info() SetInfo {
	i := SetInfo{Name: s.Name, Split: s.Split, Generators: generators(s.Items), Exclude: s.Exclude}
	for _, it := range s.Items {
		if it.Label == 0 {
			i.AI++
		} else {
			i.Photographs++
		}
	}
	return i
}

// Find is the result of a case; nil if there is none.
func (r *Report) Find(c Case) *Result {
	i := slices.IndexFunc(r.Results, func(x *Result) bool { return x.Case == c })
	if i < 0 {
		return nil
	}
	return r.Results[i]
}

// distinct are the values that f has over the results, in order of appearance.
func (r *Report) distinct(f func(*Result) string) (out []string) {
	for _, x := range r.Results {
		if v := f(x); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (r *Report) detectors() []string {
	return r.distinct(func(x *Result) string { return x.Detector })
}
func (r *Report) sets() []string { return r.distinct(func(x *Result) string { return x.Set }) }

// whole are the sets that are no part of another.
func (r *Report) whole() (out []string) {
	for _, x := range r.Results {
		if !x.Part && !slices.Contains(out, x.Set) {
			out = append(out, x.Set)
		}
	}
	return out
}

func (r *Report) views() []string { return r.distinct(func(x *Result) string { return x.View }) }
func (r *Report) degradations() []string {
	return r.distinct(func(x *Result) string { return x.Degradation })
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteCSV writes a line for each case, every measure with the ends of its interval.
func (r *Report) WriteCSV(w io.Writer) error {
	head := []string{"detector", "set", "view", "degradation", "known", "n", "ai", "photographs", "unread",
		"too_large", "tp",
		"fn", "fp", "tn", "size_floor"}
	for m := range measures {
		head = append(head, names[m], names[m]+"_lo", names[m]+"_hi")
	}
	head = append(head, "pixel_accuracy", "pixel_ai_rate", "iou", "iou_lo", "iou_hi", "floor_iou", "pixel_f1",
		"pixel_auc", "seconds_per_picture", "joules_per_picture")
	rows := [][]string{head}
	for _, x := range r.Results {
		rows = append(rows, x.row())
	}
	return csv.NewWriter(w).WriteAll(rows)
}

func (x *Result) row() []string {
	c := x.Confusion
	row := []string{x.Detector, x.Set, x.View, x.Degradation, x.Known}
	for _, n := range []int{x.N, x.AI, x.Photographs, x.Unread, x.TooLarge, c.TP, c.FN, c.FP, c.TN} {
		row = append(row, strconv.Itoa(n))
	}
	row = append(row, number(x.SizeFloor))
	for _, e := range x.Measures {
		row = append(row, e.cells()...)
	}
	if p := x.Pixels; p != nil {
		row = append(row, p.Accuracy.cells()[0], p.AIRate.cells()[0])
		floor := ""
		if p.Masks > 0 {
			floor = number(p.FloorIoU)
		}
		row = append(append(row, p.IoU.cells()...), floor, p.F1.cells()[0], p.AUC.cells()[0])
	} else {
		row = append(row, make([]string, 8)...)
	}
	return append(row, number(x.Seconds), number(x.Joules))
}

// cells are value, lower and upper end, empty where there is none.
func (e Estimate) cells() []string {
	if !e.Defined() {
		return make([]string, 3)
	}
	return []string{number(e.Value), number(e.Lo), number(e.Hi)}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }

// text is an estimate for people: "93.5 (91.0 to 95.4)" in percent, or "0.935 (0.910 to 0.954)".
func (e Estimate) text(percent bool) string {
	if !e.Defined() {
		return "–"
	}
	if e.Lo == e.Hi && e.Lo == e.Value {
		return digits(e.Value, percent)
	}
	return fmt.Sprintf("%s (%s to %s)", digits(e.Value, percent), digits(e.Lo, percent),
		digits(e.Hi, percent))
}

// alone is the value without its interval.
func (e Estimate) alone() string { return Estimate{e.Value, e.Value, e.Value}.text(false) }

func digits(v float64, percent bool) string {
	if percent {
		return strconv.FormatFloat(100*v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}
