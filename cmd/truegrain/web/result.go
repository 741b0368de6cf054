package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/cmd/truegrain/web/evidence"
	"truegrain/cmd/truegrain/words"
	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/models/explain"
)

// resultPage is what result.html shows.
type resultPage struct {
	*engine.Result
	Facts, Note   string
	Took          string
	Left          int // minutes
	Headline, Say string
	Share         string
	Scores        []scoreView
	Groups        []mapGroup
	Transformer   *detect.Detector
	Evidence      *evidence.Evidence
	Held          *heldPage // only without script
	Detectors     []*detect.Detector
	Width, Height int
	Pending       bool // some detectors have not answered yet
}

// PageTitle is the page's title.
func (p resultPage) PageTitle() string { return p.Name }

// scoreView is one detector's answer on a page.
type scoreView struct {
	*detect.Verdict
	D       *detect.Detector
	ID      string // of the result
	Error   string
	Pending bool
}

// Says is the sentence below a score, empty where the model file has no reliability table.
func (v scoreView) Says() string {
	b := v.D.Card.BinOf(v.AI)
	if v.Interval == nil || b == nil || b.N == 0 {
		return ""
	}
	return fmt.Sprintf("Of 100 test pictures that scored like this one, about %d were made by AI.",
		min(max(int(100*b.Share()+0.5), 1), 99))
}

// Looked says what of the picture the detector saw.
func (v scoreView) Looked() string {
	switch v.View {
	case detect.Crop:
		return fmt.Sprintf("%d crops of %d × %d", v.Views, v.D.Card.Size, v.D.Card.Size)
	case detect.Resize:
		return fmt.Sprintf("the picture resized to %d × %d", v.D.Card.Size, v.D.Card.Size)
	}
	return "the whole picture"
}

// Milliseconds is how long the detector took.
func (v scoreView) Milliseconds() float64 { return milliseconds(v.Time) }

// mapGroup is the maps of one detector.
type mapGroup struct {
	D    *detect.Detector
	Maps []mapView
}

// mapView is a map, or a pair of maps for the two answers.
type mapView struct {
	Base, AI, Photograph string // "grad_cam", "grad_cam_ai", "grad_cam_photograph"
	Label, Title, Say    string
	Ends                 words.Ends
	Kind                 string
	Max                  float64
	Choice, Weak         bool
}

// groups lists what a page offers, before anything was computed.
func (s *Server) groups() (out []mapGroup) {
	for _, d := range s.engine.Detectors {
		g := mapGroup{D: d}
		for _, name := range detect.MapNames(d.Model) {
			base, choice := strings.CutSuffix(name, "_ai")
			if strings.HasSuffix(name, "_photograph") {
				continue // with its pair
			}
			m := mapOf(d, name)
			label, _, _ := strings.Cut(detect.Title(name), ", why")
			v := mapView{Base: base, AI: name, Photograph: name, Label: label,
				Title: label + " · " + d.Short(), Say: words.MapSay(name), Ends: words.EndsOf(m),
				Kind: kindOf(m.Kind), Max: m.Max, Choice: choice, Weak: words.Weak(name)}
			if choice {
				v.Photograph = base + "_photograph"
			}
			g.Maps = append(g.Maps, v)
		}
		out = append(out, g)
	}
	return out
}

// mapOf is a map's kind and scale, which every picture shares.
func mapOf(d *detect.Detector, name string) detect.Map {
	m := detect.Map{Name: name}
	m.Max = d.Card.Scales[name]
	switch name {
	case "cam":
		m.Kind = explain.Signed
	case "pixel_map":
		m.Kind = explain.Probability
	}
	return m
}

func (s *Server) scores(r *engine.Result) (out []scoreView) {
	for i, sc := range r.Scores() {
		v := scoreView{Verdict: sc.Verdict, D: s.engine.Detectors[i], ID: r.ID, Pending: sc.Pending}
		switch {
		case sc.Pending:
		case sc.Err != nil:
			v.Error = words.Capital(classify(sc.Err).detail) + "."
		case sc.Verdict == nil:
			v.Error = "It was not asked."
		}
		out = append(out, v)
	}
	return out
}

// minutes is how long a result is still kept.
func minutes(r *engine.Result) int { return max(1, int(time.Until(r.Expires).Minutes()+0.5)) }

func (s *Server) result(w http.ResponseWriter, r *http.Request) {
	res, err := s.engine.Store.Get(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := s.resultPage(res)
	if r.URL.Query().Has("versions") {
		held, err := s.engine.Holds(r.Context(), res)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		p.Held = s.heldPage(res, held)
	}
	s.render(w, r, "result.html", p)
}

// resultPage is what is known of a result without computing anything.
func (s *Server) resultPage(res *engine.Result) resultPage {
	scores := s.scores(res)
	var v []*detect.Verdict
	var working []string
	for _, sc := range scores {
		if sc.Verdict != nil {
			v = append(v, sc.Verdict)
		} else if sc.Pending {
			working = append(working, sc.D.Short())
		}
	}
	p := resultPage{Result: res, Note: s.note(), Left: minutes(res), Headline: words.Headline(v),
		Say: words.Say(v), Scores: scores, Groups: s.groups(),
		Evidence: evidence.Read(res.Data, res.Format),
		Facts: fmt.Sprintf("%s, %d × %d, %s", strings.ToUpper(res.Format), res.W, res.H,
			size(len(res.Data))),
		Share: s.testShare(), Detectors: s.engine.Detectors, Width: res.W, Height: res.H}
	took := res.Took().Queue + res.Took().Decode
	for _, x := range v {
		took += x.Time
	}
	p.Took = fmt.Sprintf("%.2f s", took.Seconds())
	for _, d := range s.engine.Detectors {
		if d.Model.Kind() == models.Transformer && p.Transformer == nil {
			p.Transformer = d
		}
	}
	if len(working) > 0 {
		p.Pending, p.Headline, p.Say = true, words.Partial(len(v), len(scores)), words.Working(v, working)
	}
	return p
}

// size is a number of bytes for people.
func size(n int) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%d KB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// testShare is the share of AI among the test pictures, in a word; empty if no detector says.
func (s *Server) testShare() string {
	var ai, n int
	for _, d := range s.engine.Detectors {
		for _, b := range d.Card.Reliability {
			ai, n = ai+b.AI, n+b.N
		}
	}
	switch share := float64(ai) / float64(max(n, 1)); {
	case n == 0:
		return ""
	case share > 0.47 && share < 0.53:
		return "Half"
	default:
		return words.Percent(share)
	}
}

// shot is the picture for a page.
func (s *Server) shot(w http.ResponseWriter, r *http.Request) {
	res, err := s.engine.Store.Get(r.PathValue("id"))
	if err == nil {
		var data []byte
		large := strings.HasSuffix(r.URL.Path, "/picture")
		if data, err = s.engine.Shot(r.Context(), res, large); err == nil {
			w.Header().Set("Content-Type", "image/jpeg")
			w.Header().Set("Cache-Control", "private, max-age=600")
			_, _ = w.Write(data) // the client may have left
			return
		}
	}
	s.fail(w, r, err)
}

// scoreAgain asks one detector that failed or was not asked.
func (s *Server) scoreAgain(w http.ResponseWriter, r *http.Request) {
	res, i, err := s.about(r)
	if err == nil {
		err = s.engine.Score(r.Context(), res, []int{i}, nil)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/r/"+res.ID, http.StatusSeeOther)
}

// about is the result and the detector that a path names.
func (s *Server) about(r *http.Request) (*engine.Result, int, error) {
	res, err := s.engine.Store.Get(r.PathValue("id"))
	if err != nil {
		return nil, 0, err
	}
	i, err := s.engine.Index(r.PathValue("detector"))
	return res, i, err
}
