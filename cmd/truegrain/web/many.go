package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/models/detect"
)

// manyPage is what many.html shows.
type manyPage struct {
	Rows      []manyRow
	Failed    []failedRow
	Lanes     []lane
	Detectors []*detect.Detector
	Note      string
	Care      string
	Limits    string
	Query     string
}

// manyRow is one picture.
type manyRow struct {
	*engine.Result
	Together detect.Together
	Scores   []scoreView
}

// failedRow is a picture that could not be read.
type failedRow struct{ Name, Why string }

// lane is one detector's line of dots.
type lane struct {
	D    *detect.Detector
	Dots []float64
}

// maxRows bounds a table.
const maxRows = 1000

// asked is the results that a query names and that are still kept; the others count as failed.
func (s *Server) asked(r *http.Request) (out []*engine.Result, failed []failedRow) {
	ids := r.URL.Query()["r"]
	for _, id := range ids[:min(len(ids), maxRows)] {
		res, err := s.engine.Store.Get(id)
		if err != nil {
			failed = append(failed, failedRow{"a result", "is gone: they are kept for some minutes"})
			continue
		}
		out = append(out, res)
	}
	for _, f := range r.URL.Query()["f"] {
		name, why, _ := strings.Cut(f, ": ")
		failed = append(failed, failedRow{name, why})
	}
	return out, failed
}

func (s *Server) row(res *engine.Result) manyRow {
	return manyRow{res, detect.Combine(res.Verdicts()), s.scores(res)}
}

func (s *Server) many(w http.ResponseWriter, r *http.Request) {
	results, failed := s.asked(r)
	p := manyPage{Failed: failed, Detectors: s.engine.Detectors, Note: s.note(), Limits: s.limits(),
		Query: r.URL.RawQuery, Care: s.care(len(results))}
	for _, d := range s.engine.Detectors {
		p.Lanes = append(p.Lanes, lane{D: d})
	}
	for _, res := range results {
		row := s.row(res)
		p.Rows = append(p.Rows, row)
		for i, v := range row.Scores {
			if v.Verdict != nil {
				p.Lanes[i].Dots = append(p.Lanes[i].Dots, v.AI)
			}
		}
	}
	s.render(w, r, "many.html", p)
}

// care says how many photographs to expect among the wrong answers, from the detectors' own test pictures;
// empty if no card tells.
func (s *Server) care(pictures int) string {
	var worst float64
	for _, d := range s.engine.Detectors {
		wrong, photographs := 0, 0
		for _, b := range d.Card.Reliability {
			photographs += b.N - b.AI
			if b.Mean > d.Card.Band[1] {
				wrong += b.N - b.AI
			}
		}
		if photographs == 0 {
			return ""
		}
		worst = max(worst, float64(wrong)/float64(photographs))
	}
	if worst == 0 {
		return "On the photographs they were tested on, no detector leaned AI. " +
			"On kinds of pictures they have never seen, expect errors."
	}
	say := fmt.Sprintf("On test photographs each detector wrongly leans AI about once in %d or less often.",
		int(1/worst+0.5))
	if float64(pictures)*worst >= 1 {
		say += fmt.Sprintf(" Among %d pictures, expect such an error even if all are photographs.", pictures)
	}
	return say
}

// manyRow answers with the row of one picture, for a script that adds it to the table.
func (s *Server) manyRow(w http.ResponseWriter, r *http.Request) {
	res, err := s.engine.Store.Get(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.fragment(w, "row", s.row(res))
}

func (s *Server) manyJSON(w http.ResponseWriter, r *http.Request) {
	results, _ := s.asked(r)
	out := []*Analysis{}
	for _, res := range results {
		out = append(out, s.describe(res))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="truegrain.json"`)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(out) // the client may have left
}

// manyCSV has one line for each picture, and for each detector its probability and lean.
func (s *Server) manyCSV(w http.ResponseWriter, r *http.Request) {
	results, failed := s.asked(r)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="truegrain.csv"`)
	out := csv.NewWriter(w)
	head := []string{"file", "format", "width", "height", "together"}
	for _, d := range s.engine.Detectors {
		head = append(head, d.Name+" p(AI)", d.Name+" lean")
	}
	_ = out.Write(append(head, "error"))
	for _, res := range results {
		line := []string{cell(res.Name), res.Format, strconv.Itoa(res.W), strconv.Itoa(res.H),
			string(detect.Combine(res.Verdicts()))}
		for _, sc := range res.Scores() {
			if sc.Verdict == nil {
				line = append(line, "", "")
				continue
			}
			line = append(line, strconv.FormatFloat(sc.Verdict.AI, 'f', 4, 64), string(sc.Verdict.Lean))
		}
		_ = out.Write(append(line, ""))
	}
	for _, f := range failed {
		line := make([]string, len(head)+1)
		line[0], line[len(head)] = cell(f.Name), cell(f.Why)
		_ = out.Write(line)
	}
	out.Flush() // the client may have left
}

// cell is a stranger's text for a spreadsheet, which would compute what begins like a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// detectors shows the cards.
func (s *Server) detectors(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, "detectors.html", map[string]any{"Detectors": s.engine.Detectors, "Note": s.note()})
}
