package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"truegrain/models/explain"
)

//go:embed templates assets samples/*.jpg samples/origin.csv
var files embed.FS

// pages is what pages are made of.
type pages struct {
	tmpl   *template.Template
	assets map[string]asset // by name
	sum    string           // of all assets: their addresses change with it
	docs   docPage
}

// asset is a file that pages load.
type asset struct {
	kind string
	data []byte
}

// loadPages reads templates and assets.
func (s *Server) loadPages() (err error) {
	s.pages.assets = map[string]asset{"ramps.bin": {"application/octet-stream", ramps()}}
	err = fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(name, "templates/") {
			return err
		}
		data, err := files.ReadFile(name)
		s.pages.assets[path.Base(name)] = asset{mime.TypeByExtension(path.Ext(name)), data}
		return err
	})
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	sum := sha256.New()
	for _, name := range sortedNames(s.pages.assets) {
		sum.Write(s.pages.assets[name].data)
	}
	s.pages.sum = hex.EncodeToString(sum.Sum(nil))[:12]
	if s.pages.tmpl, err = template.New("").Funcs(s.funcs()).ParseFS(files, "templates/*.html"); err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	return nil
}

// ramps is the colours of the maps, ember and then tide, 256 times red, green, blue each: pages, pictures and
// reports agree on them.
func ramps() (out []byte) {
	for _, r := range []*explain.Ramp{explain.Ember, explain.Tide} {
		for _, c := range r {
			out = append(out, c.R, c.G, c.B)
		}
	}
	return out
}

// pageRoutes are the pages and what they load.
func (s *Server) pageRoutes() {
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /{$}": s.home, "GET /many": s.many, "GET /many.csv": s.manyCSV, "GET /many.json": s.manyJSON,
		"GET /many/row/{id}": s.manyRow, "GET /detectors": s.detectors, "GET /docs": s.docs,
		"GET /login": s.login, "POST /login": s.login, "POST /analyze": s.send,
		"POST /sample/{name}":      s.sample,
		"GET /assets/{sum}/{name}": s.asset, "GET /r/{id}": s.result, "GET /r/{id}/picture": s.shot,
		"GET /r/{id}/thumb": s.shot, "POST /r/{id}/score/{detector}": s.scoreAgain,
		"GET /r/{id}/attention/{detector}": s.attention, "GET /r/{id}/stages/{detector}": s.stages,
		"GET /r/{id}/features/{detector}/{stage}": s.features, "GET /r/{id}/holds": s.holds,
		"GET /r/{id}/report.html": s.report, "GET /r/{id}/report.json": s.reportJSON,
	} {
		s.mux.HandleFunc(pattern, h)
	}
}

// asset serves a file under an address that changes with it.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.pages.assets[r.PathValue("name")]
	if !ok {
		s.fail(w, r, unknownPage)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if r.PathValue("sum") == s.pages.sum {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
}

// frame is what every page has beside its own content.
type frame struct {
	Theme   string // "light", "dark", or empty: the system's
	Current string
	Title   string
	Version string
	Keep    int // minutes
	Page    any
	Local   bool
}

// titles of the pages, by template.
var pageTitles = map[string]string{"home.html": "Photograph or AI-generated?", "many.html": "Many pictures",
	"detectors.html": "Detectors", "docs.html": "API", "error.html": "Error", "login.html": "Token"}

func (s *Server) render(w http.ResponseWriter, r *http.Request, name string, page any) {
	s.renderStatus(w, r, http.StatusOK, name, page)
}

func (s *Server) renderStatus(w http.ResponseWriter, r *http.Request, code int, name string, page any) {
	f := frame{Current: name, Title: pageTitles[name], Version: s.Version, Page: page,
		Keep: int(s.engine.Limits.Keep.Minutes()), Local: len(s.Hosts) > 0}
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		f.Theme = c.Value
	}
	if t, ok := page.(interface{ PageTitle() string }); ok {
		f.Title = t.PageTitle()
	}
	s.write(w, code, name, f)
}

// fragment renders a part of a page.
func (s *Server) fragment(w http.ResponseWriter, name string, data any) {
	s.write(w, http.StatusOK, name, data)
}

// write renders into memory first: a template that fails gives an error, not half a page.
func (s *Server) write(w http.ResponseWriter, code int, name string, data any) {
	var buf bytes.Buffer
	if err := s.pages.tmpl.ExecuteTemplate(&buf, name, data); err != nil {
		s.Log.Error("a page failed", "template", name, "error", err)
		plain(w, http.StatusInternalServerError, errInternal.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(buf.Bytes()) // the client may have left
}
