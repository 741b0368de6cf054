package web

import (
	"fmt"
	"net/http"
	"strings"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/cmd/truegrain/words"
	"truegrain/models/detect"
)

// heldPage is the table of versions.
type heldPage struct {
	Detectors []*detect.Detector
	Says      []string
	Rows      []heldRow
}

type heldRow struct {
	Name, Note string
	Cells      []heldCell
}

// heldCell is a version's score beside the answer above; Verdict is nil where the detector can't look at it.
type heldCell struct {
	*detect.Verdict
	Base  *detect.Verdict
	Short string
}

// Moved says that the lean is another than above.
func (c heldCell) Moved() bool { return c.Base != nil && c.Lean != c.Base.Lean }

func (s *Server) holds(w http.ResponseWriter, r *http.Request) {
	res, err := s.engine.Store.Get(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	held, err := s.engine.Holds(r.Context(), res)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.fragment(w, "held", s.heldPage(res, held))
}

func (s *Server) heldPage(res *engine.Result, held []engine.Held) *heldPage {
	p := &heldPage{Detectors: s.engine.Detectors}
	base := res.Scores()
	first := heldRow{Name: "As above"}
	for i, d := range p.Detectors {
		first.Cells = append(first.Cells, heldCell{base[i].Verdict, base[i].Verdict, d.Short()})
		p.Says = append(p.Says, d.Short()+": "+holdsSay(base[i].Verdict, held, i))
	}
	p.Rows = append(p.Rows, first)
	for _, h := range held {
		row := heldRow{Name: h.Name, Note: h.Note}
		for i, v := range h.Verdicts {
			row.Cells = append(row.Cells, heldCell{v, base[i].Verdict, p.Detectors[i].Short()})
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// holdsSay says in words what the table shows of one detector.
func holdsSay(base *detect.Verdict, held []engine.Held, i int) string {
	if base == nil {
		return "has not answered."
	}
	same, all := 0, 0
	other := map[detect.Lean][]string{}
	for _, h := range held {
		if v := h.Verdicts[i]; v != nil {
			all++
			if v.Lean == base.Lean {
				same++
			} else {
				other[v.Lean] = append(other[v.Lean], h.Name)
			}
		}
	}
	verdict := "changes"
	switch all - same {
	case 0:
		verdict = "holds"
	case 1:
		verdict = "changes once"
	}
	say := fmt.Sprintf("%s. %s in %d of %d", verdict, words.Capital(words.Lean(base.Lean)), same, all)
	for _, l := range []detect.Lean{detect.LeansAI, detect.Undecided, detect.LeansPhotograph} {
		if names := other[l]; names != nil {
			say += fmt.Sprintf("; %s at %s", words.Lean(l), strings.Join(names, ", "))
		}
	}
	return say + "."
}
