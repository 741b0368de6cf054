package web

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/models/detect"
)

// viewed is the result, the detector and the view that a request names, and where all views lie.
func (s *Server) viewed(r *http.Request) (res *engine.Result, detector, view int, all viewList, err error) {
	if res, detector, err = s.about(r); err != nil {
		return nil, 0, 0, all, err
	}
	view = engine.Middle
	if q := r.URL.Query().Get("view"); q != "" {
		if view, err = strconv.Atoi(q); err != nil || view < 0 {
			return nil, 0, 0, all, &engine.UnknownError{What: "such view; they count from 0"}
		}
	}
	view, rects, err := s.engine.View(res, detector, view)
	all.View = view
	for _, v := range rects {
		all.Views = append(all.Views, [4]int{v.Min.X, v.Min.Y, v.Dx(), v.Dy()})
	}
	return res, detector, view, all, err
}

// viewList tells a page which view it sees, and where it and the others lie: x, y, width and height.
type viewList struct {
	View  int      `json:"view"`
	Views [][4]int `json:"views"`
}

// JSON is the list for a script.
func (l viewList) JSON() (string, error) {
	b, err := json.Marshal(l)
	return string(b), err
}

// attentionInfo is what the attention explorer needs to know.
type attentionInfo struct {
	viewList
	Layers    int         `json:"layers"`
	Heads     int         `json:"heads"`
	Side      int         `json:"side"` // patches along a side of the view
	Distances [][]float64 `json:"distances"`
}

// attention answers with attentionInfo, or with one layer's attention of all heads: heads × tokens × tokens
// float32.
func (s *Server) attention(w http.ResponseWriter, r *http.Request) {
	res, i, view, all, err := s.viewed(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, err := s.engine.Attention(r.Context(), res, i, view)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !r.URL.Query().Has("layer") {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(attentionInfo{all, len(a.Layers), a.Heads,
			int(math.Round(math.Sqrt(float64(a.T - 1)))), a.Distances}) // the client may have left
		return
	}
	l, err := strconv.Atoi(r.URL.Query().Get("layer"))
	if err != nil || l < 0 || l >= len(a.Layers) {
		s.fail(w, r, &engine.UnknownError{What: "such layer; they count from 0"})
		return
	}
	numbers(w, a.Layers[l])
}

// numbers answers with little-endian float32.
func numbers(w http.ResponseWriter, all ...[]float32) {
	n := 0
	for _, v := range all {
		n += 4 * len(v)
	}
	out := make([]byte, 0, n)
	for _, values := range all {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(out) // the client may have left
}

// stageView is a row of the layer inspector.
type stageView struct {
	detect.Stage
	Share, Part float64 // of the largest FLOPs and time
	Side, Depth float64 // of the glyph
}

// Dims is the shape of the stage's result.
func (v stageView) Dims() string {
	parts := make([]string, len(v.Shape))
	for i, d := range v.Shape {
		parts[i] = strconv.Itoa(d)
	}
	return strings.Join(parts, " × ")
}

// GFLOP is the stage's work.
func (v stageView) GFLOP() string {
	g := float64(v.Cost.FLOPs) / 1e9
	if g < 0.0001 {
		return "< 0.0001"
	}
	return fmt.Sprintf("%.2g", g)
}

// Milliseconds is the stage's time.
func (v stageView) Milliseconds() string {
	if v.Time < 5*time.Microsecond {
		return "< 0.01 ms"
	}
	return fmt.Sprintf("%.2f ms", milliseconds(v.Time))
}

// Note says how the maps are scaled.
func (v stageView) Note() string {
	if v.Features.Negative {
		return fmt.Sprintf("Magnitudes, from 0 to %.3g: what 99.5 %% of these values stay below.",
			v.Features.Max)
	}
	return fmt.Sprintf("From 0 to %.3g: what 99.5 %% of these values stay below.", v.Features.Max)
}

// stagesPage is what the layer inspector shows of one detector.
type stagesPage struct {
	viewList
	ID     string
	D      *detect.Detector
	Stages []stageView
	Total  string
}

// staged is the stages that a request asks for.
func (s *Server) staged(r *http.Request) (p stagesPage, all []detect.Stage, err error) {
	res, i, view, views, err := s.viewed(r)
	if err == nil {
		p = stagesPage{viewList: views, ID: res.ID, D: s.engine.Detectors[i]}
		all, err = s.engine.Stages(r.Context(), res, i, view)
	}
	return p, all, err
}

func (s *Server) stages(w http.ResponseWriter, r *http.Request) {
	p, all, err := s.staged(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p.fill(all)
	s.fragment(w, "stages", p)
}

// fill adds the rows and their sums.
func (p *stagesPage) fill(all []detect.Stage) {
	var flops, took, params, largest, longest, deepest float64
	for _, st := range all {
		flops, took = flops+float64(st.Cost.FLOPs), took+milliseconds(st.Time)
		params += float64(st.Parameters)
		largest, longest = max(largest, float64(st.Cost.FLOPs)), max(longest, milliseconds(st.Time))
		deepest = max(deepest, float64(st.Shape[len(st.Shape)-1]))
	}
	for _, st := range all {
		v := stageView{Stage: st, Share: float64(st.Cost.FLOPs) / max(largest, 1),
			Part: milliseconds(st.Time) / max(longest, 1e-9)}
		v.Side = 12
		if len(st.Shape) == 3 {
			v.Side = 12 + 24*float64(st.Shape[0])/float64(p.D.Card.Size)
		}
		v.Depth = 1 + 6*float64(st.Shape[len(st.Shape)-1])/deepest
		p.Stages = append(p.Stages, v)
	}
	p.Total = fmt.Sprintf("%s: %s parameters, %.3g GFLOP, %.3g ms for one view on this computer",
		p.D.Card.Arch, count(int(params)), flops/1e9, took)
}

// features answers with the feature maps of a stage, one after the other.
func (s *Server) features(w http.ResponseWriter, r *http.Request) {
	_, all, err := s.staged(r)
	at := slices.IndexFunc(all, func(st detect.Stage) bool {
		return st.Name == r.PathValue("stage") && st.Features != nil
	})
	if err == nil && at < 0 {
		err = &engine.UnknownError{What: "such stage"}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f := all[at].Features
	h := w.Header()
	h.Set("X-Map-Width", strconv.Itoa(f.W))
	h.Set("X-Map-Height", strconv.Itoa(f.H))
	h.Set("X-Map-Max", strconv.FormatFloat(f.Max, 'g', -1, 64))
	numbers(w, f.Values...)
}
