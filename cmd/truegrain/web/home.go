package web

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/models/detect"
)

// sample is a picture for those who have none. All were made by truegrain data synth; samples/origin.csv says
// how.
type sample struct{ File, Title, Note string }

// samples reads the list of what is embedded.
func samples() []sample {
	data, err := files.ReadFile("samples/origin.csv")
	if err != nil {
		panic(err) // it is part of the binary
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		panic(err)
	}
	var out []sample
	for _, r := range rows[1:] {
		out = append(out, sample{r[0], r[1], r[2]})
	}
	return out
}

// homePage is what home.html shows.
type homePage struct {
	Samples   []sample
	Note      string
	Number    string
	Limits    string
	Detectors []*detect.Detector
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, "home.html", homePage{samples(), s.note(), numberOf(len(s.engine.Detectors)), s.limits(),
		s.engine.Detectors})
}

func numberOf(n int) string {
	if n == 1 {
		return "One detector gives"
	}
	words := []string{"No", "", "Two", "Three", "Four", "Five"}
	if n < len(words) {
		return words[n] + " detectors each give"
	}
	return fmt.Sprintf("%d detectors each give", n)
}

// limits says what may be sent.
func (s *Server) limits() string {
	l := s.engine.Limits.Picture
	return fmt.Sprintf("JPEG, PNG, WebP, GIF or BMP, up to %d MiB and %d megapixels each. "+
		"Of an animation, the first frame is read.", l.FileBytes>>20, l.Pixels/1_000_000)
}

// note is what must be known of the detectors, each note once.
func (s *Server) note() string {
	var out []string
	for _, d := range s.engine.Detectors {
		if n := d.Card.Note; n != "" && !strings.Contains(strings.Join(out, " "), n) {
			out = append(out, n)
		}
	}
	return strings.Join(out, " ")
}

// sample scores an embedded picture.
func (s *Server) sample(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	for _, sm := range samples() {
		if sm.File != name {
			continue
		}
		data, err := fs.ReadFile(files, path.Join("samples", name))
		if err == nil {
			var res *engine.Result
			if res, err = s.scoreSample(r.Context(), sm, data); err == nil {
				http.Redirect(w, r, "/r/"+res.ID, http.StatusSeeOther)
				return
			}
		}
		s.fail(w, r, err)
		return
	}
	s.fail(w, r, unknownPage)
}

// scoreSample scores a picture whose origin is known.
func (s *Server) scoreSample(ctx context.Context, sm sample, data []byte) (*engine.Result, error) {
	r, err := s.engine.Admit(sm.File, data, 0)
	if err != nil {
		return nil, err
	}
	r.Known = sm.Title + ", " + sm.Note
	return r, s.engine.Score(ctx, r, nil, nil)
}

// send takes pictures from a form: one leads to its result, several to their table. A script asks for the
// steps on the way.
func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "application/x-ndjson") {
		s.follow(w, r)
		return
	}
	var ids, failed []string
	var last error
	err := s.uploads(w, r, maxFiles, func(u upload) error {
		res, err := s.scored(r.Context(), u, nil, nil)
		if err != nil && (r.Context().Err() != nil || errors.Is(err, engine.ErrBusy)) {
			return err
		}
		if err != nil {
			last, failed = err, append(failed, u.name+": "+s.judge(err).detail)
			return nil
		}
		ids = append(ids, res.ID)
		return nil
	})
	switch {
	case err != nil:
		s.fail(w, r, err)
	case len(ids)+len(failed) > 1:
		http.Redirect(w, r, "/many?"+url.Values{"r": ids, "f": failed}.Encode(), http.StatusSeeOther)
	case last != nil:
		s.fail(w, r, last)
	default:
		http.Redirect(w, r, "/r/"+ids[0], http.StatusSeeOther)
	}
}

// step is one line of what a script follows.
type step struct {
	Stage  string  `json:"stage"` // queued, read, scored, done, failed
	Text   string  `json:"text,omitempty"`
	Done   int     `json:"done,omitempty"`
	Of     int     `json:"of,omitempty"`
	Ms     float64 `json:"ms,omitempty"`
	ID     string  `json:"id,omitempty"`
	Title  string  `json:"title,omitempty"`
	Status int     `json:"status,omitempty"`
}

// step is one event for a script; n of all detectors have answered.
func (s *Server) step(res *engine.Result, ev engine.Event, n, all int) step {
	st := step{Stage: ev.Stage, Ms: milliseconds(ev.Took), Done: n, Of: all}
	switch ev.Stage {
	case "queued":
		st.Text = fmt.Sprintf("%d before it", ev.Place)
	case "decoded":
		st.Text = fmt.Sprintf("%s, %d × %d", strings.ToUpper(res.Format), res.W, res.H)
	case "scored":
		st.Text, st.ID = s.engine.Detectors[ev.Detector].Short(), res.ID
	}
	return st
}

// follow answers one picture with a line for each step. What fails before the first line has its status. With
// ?partial the result can be seen from its first score on.
func (s *Server) follow(w http.ResponseWriter, r *http.Request) {
	begun := false
	out := json.NewEncoder(w)
	line := func(st step) {
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			begun = true
		}
		_ = out.Encode(st) // the client may have left
		_ = http.NewResponseController(w).Flush()
	}
	var id string
	err := s.uploads(w, r, 1, func(u upload) error {
		n, of := 0, len(s.engine.Detectors)
		res, err := s.scored(r.Context(), u, nil, func(res *engine.Result, ev engine.Event) {
			if ev.Stage == "scored" {
				n++
				if n < of && r.URL.Query().Has("partial") {
					s.engine.Store.Keep(res)
				}
			}
			line(s.step(res, ev, n, of))
		})
		if res != nil {
			id = res.ID
		}
		return err
	})
	switch {
	case err == nil:
		line(step{Stage: "done", ID: id})
	case begun:
		t := s.judge(err)
		line(step{Stage: "failed", Title: t.title, Text: t.detail, Status: t.status})
	default:
		s.fail(w, r, err)
	}
}
