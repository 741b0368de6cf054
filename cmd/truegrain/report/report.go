// Package report writes what the detectors said of some pictures as pages that open in a browser without a
// server: an index of all pictures, and for each one its scores and every map with an opacity slider.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"

	"truegrain/models/detect"
	"truegrain/nn/card"
	"truegrain/tensor/picture"
)

//go:embed page.html many.html style.css report.js
var files embed.FS

// Detector is one detector as a page names it.
type Detector struct {
	Short string // "CNN"
	Card  *card.Card
}

// Entry is one picture of a report: what was said of it, or why it could not be read.
type Entry struct {
	File     string
	Facts    string // "JPEG, 1024 × 768, 412 KB"
	Known    string // what is known of where the picture comes from; empty if nothing
	W, H     int
	Verdicts []*detect.Verdict
	Together detect.Together
	Seconds  float64
	Failed   string

	page   string
	shots  map[string]string // map's key to its file
	shotAt string
}

// Report gathers entries and writes them as it goes: a batch of any size keeps no pictures in memory.
type Report struct {
	dir       string
	detectors map[string]Detector
	note      string
	entries   []*Entry
	tmpl      *template.Template
}

// New starts a report in dir, which is made if it does not exist. note is what a reader must know of these
// detectors; it stands above every score.
func New(dir, note string, detectors map[string]Detector) (*Report, error) {
	if err := os.MkdirAll(filepath.Join(dir, "pictures"), 0o755); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	r := &Report{dir: dir, detectors: detectors, note: note}
	var err error
	if r.tmpl, err = template.New("").Funcs(r.funcs()).ParseFS(files, "*.html"); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	for _, name := range []string{"style.css", "report.js"} {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
	}
	return r, nil
}

// longSide is how many pixels the longer side of a picture, or of a map with details, has on a page. The
// other maps have half of that: they come from grids of a few pixels, and a browser enlarges them as
// smoothly.
const longSide = 560

// quality is that of the pictures beside the maps, as JPEG: a sixth of the bytes of a PNG.
const quality = 92

// detailed says that a map has a value of its own for each pixel.
func detailed(name string) bool {
	return name == "gradient" || name == "pixel_map" || strings.HasPrefix(name, "guided")
}

// Add writes the pictures of one entry: the photograph itself, and one sheet per map. p is nil for a failed
// entry.
func (r *Report) Add(e *Entry, p *picture.Picture) error {
	r.entries = append(r.entries, e)
	if p == nil {
		return nil
	}
	id := fmt.Sprintf("%04d", len(r.entries))
	e.page, e.shotAt, e.shots = id+".html", "pictures/"+id, map[string]string{}
	e.W, e.H = p.W, p.H
	if err := e.draw(filepath.Join(r.dir, "pictures", id), p); err != nil {
		return fmt.Errorf("report: %s: %w", e.File, err)
	}
	for _, v := range e.Verdicts { // drawn: the floats are no longer needed
		for i := range v.Maps {
			v.Maps[i].Values = nil
			if v.Maps[i].Seen != nil {
				v.Maps[i].Seen = []bool{}
			}
		}
	}
	return nil
}

// draw writes an entry's pictures into a folder of their own.
func (e *Entry) draw(folder string, p *picture.Picture) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	w, h := fit(p.W, p.H, longSide)
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, p.Resize(w, h).Image(), &jpeg.Options{Quality: quality}); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "picture.jpg"), buf.Bytes(), 0o644); err != nil {
		return err
	}
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	for _, v := range e.Verdicts {
		for _, m := range v.Maps {
			mw, mh := w, h
			if !detailed(m.Name) {
				mw, mh = fit(p.W, p.H, longSide/2)
			}
			buf.Reset()
			if err := enc.Encode(&buf, m.Sheet(mw, mh)); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			name := v.Detector + "-" + m.Name + ".png"
			if err := os.WriteFile(filepath.Join(folder, name), buf.Bytes(), 0o644); err != nil {
				return err
			}
			e.shots[v.Detector+m.Name] = name
		}
	}
	return nil
}

// fit is the size of a picture whose longer side is at most side.
func fit(w, h, side int) (int, int) {
	if max(w, h) <= side {
		return w, h
	}
	if w >= h {
		return side, max(1, h*side/w)
	}
	return max(1, w*side/h), side
}

// Write writes the pages: index.html is the picture's own page if there is one picture, else the list of all.
func (r *Report) Write(took time.Duration) error {
	if len(r.entries) == 1 && r.entries[0].Failed == "" {
		r.entries[0].page = "index.html"
	} else if err := r.render("many.html", "index.html", r.many(took)); err != nil {
		return err
	}
	for _, e := range r.entries {
		if e.Failed != "" {
			continue
		}
		if err := r.render("page.html", e.page, r.one(e)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) render(tmpl, name string, data any) error {
	var buf bytes.Buffer
	if err := r.tmpl.ExecuteTemplate(&buf, tmpl, data); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path+".part", buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
