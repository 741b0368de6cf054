package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"image/png"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/cmd/truegrain/web/evidence"
	"truegrain/cmd/truegrain/words"
	"truegrain/models/detect"
	"truegrain/models/explain"
	"truegrain/tensor/picture"
)

// reportPage is what report.html shows: everything about one picture in one file that needs nothing beside
// it.
type reportPage struct {
	resultPage
	Version string
	When    string
	Style   template.CSS
	Policy  string
	Picture template.URL
	Figures []figureGroup
}

// figureGroup is the maps of one detector as pictures.
type figureGroup struct {
	D    *detect.Detector
	Maps []figureView
}

type figureView struct {
	Title, Say  string
	Ends        words.Ends
	Weak        bool
	Image, Ramp template.URL
}

// reportSide is how many pixels the longer side of a report's pictures has.
const reportSide = 560

// report answers with a result as one HTML file.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	res, maps, held, err := s.whole(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := reportPage{resultPage: s.resultPage(res), Version: s.Version, When: now(),
		Style: s.sheet("base.css", "result.css", "explore.css", "report.css")}
	p.Held = s.heldPage(res, held)
	p.Policy = fmt.Sprintf("default-src 'none'; img-src data:; style-src 'sha256-%s'",
		digest(string(p.Style)))
	if err := s.draw(r.Context(), res, maps, &p); err != nil {
		s.fail(w, r, err)
		return
	}
	attach(w, res, ".html")
	s.write(w, http.StatusOK, "report.html", p)
}

// reportJSON answers with the same as JSON.
func (s *Server) reportJSON(w http.ResponseWriter, r *http.Request) {
	res, maps, held, err := s.whole(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a := s.describe(res)
	for i, d := range s.engine.Detectors {
		a.Maps = append(a.Maps, s.links(res, d.Name, maps[i], []string{"all"})...)
	}
	a.Versions, a.Evidence = s.versions(held), evidence.Read(res.Data, res.Format)
	w.Header().Set("Content-Type", "application/json")
	attach(w, res, ".json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(Report{"truegrain " + s.Version, now(), a, s.models()}) // the client may have left
}

// Report is a result that stands on its own, with the cards of the detectors that answered.
type Report struct {
	Program   string    `json:"program"`
	Made      string    `json:"made"`
	Result    *Analysis `json:"result"`
	Detectors []Model   `json:"detectors"`
}

func now() string { return time.Now().UTC().Format("2006-01-02 15:04 MST") }

// attach makes a browser store the answer under the picture's name.
func attach(w http.ResponseWriter, res *engine.Result, ext string) {
	name := strings.TrimSuffix(res.Name, path.Ext(res.Name)) + "-truegrain" + ext
	as := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	w.Header().Set("Content-Disposition", as)
}

// whole is the result that a request names, with every map of every detector and the scores of its versions.
func (s *Server) whole(r *http.Request) (res *engine.Result, maps [][]detect.Map, held []engine.Held,
	err error) {
	if res, err = s.engine.Store.Get(r.PathValue("id")); err != nil {
		return nil, nil, nil, err
	}
	maps = make([][]detect.Map, len(s.engine.Detectors))
	for i := range maps {
		if maps[i], err = s.engine.Maps(r.Context(), res, i); err != nil {
			return nil, nil, nil, err
		}
	}
	held, err = s.engine.Holds(r.Context(), res)
	return res, maps, held, err
}

// draw puts the picture and every map over it into a report.
func (s *Server) draw(ctx context.Context, res *engine.Result, maps [][]detect.Map, p *reportPage) error {
	ramps := map[explain.Kind]template.URL{}
	for kind, ramp := range map[explain.Kind]*explain.Ramp{explain.Positive: explain.Ember,
		explain.Signed: explain.Tide, explain.Probability: explain.Tide} {
		img := image.NewRGBA(image.Rect(0, 0, len(ramp), 1))
		for x, c := range ramp {
			img.Set(x, 0, c)
		}
		var buf bytes.Buffer
		if err := png.Encode(&buf, img); err != nil {
			return err
		}
		ramps[kind] = inline("image/png", buf.Bytes())
	}
	return s.engine.Draw(ctx, res, reportSide, func(pic *picture.Picture) (err error) {
		if p.Picture, err = photo(pic.Image()); err != nil {
			return err
		}
		for i, d := range s.engine.Detectors {
			g := figureGroup{D: d}
			for _, m := range maps[i] {
				f := figureView{Title: m.Title, Say: words.MapSay(m.Name), Ends: words.EndsOf(m),
					Weak: words.Weak(m.Name), Ramp: ramps[m.Kind]}
				if f.Image, err = photo(m.Over(pic, figureOpacity)); err != nil {
					return err
				}
				g.Maps = append(g.Maps, f)
			}
			p.Figures = append(p.Figures, g)
		}
		return ctx.Err()
	})
}

// figureOpacity is how much the strongest places of a map cover the picture.
const figureOpacity = 0.75

// photo is a picture as a JPEG within a page.
func photo(img image.Image) (template.URL, error) {
	var buf bytes.Buffer
	err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 85})
	return inline("image/jpeg", buf.Bytes()), err
}

// inline is a file as an address that holds it.
func inline(kind string, data []byte) template.URL {
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data))
}

// sheet is some of the pages' styles as one.
func (s *Server) sheet(names ...string) template.CSS {
	var all bytes.Buffer
	for _, n := range names {
		all.Write(s.pages.assets[n].data)
	}
	return template.CSS(all.String())
}

// digest is how a policy names what it allows.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
