package web

import (
	"net/url"
	"slices"
	"time"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/cmd/truegrain/web/evidence"
	"truegrain/cmd/truegrain/words"
	"truegrain/models/detect"
	"truegrain/models/explain"
)

// Analysis is what the API says of one picture.
type Analysis struct {
	ID        string             `json:"id" doc:"Names the result for as long as it is kept"`
	File      string             `json:"file" doc:"The file's name as it was sent"`
	Picture   PictureFacts       `json:"picture"`
	Together  detect.Together    `json:"together" enum:"lean AI,lean photograph,disagree,no answer" doc:"There is no merged score"`
	Detectors []Answer           `json:"detectors"`
	Maps      []MapLink          `json:"maps,omitempty" doc:"Maps that were asked for"`
	Versions  []Version          `json:"versions,omitempty" doc:"Scores of the picture cut, resized, compressed"`
	Evidence  *evidence.Evidence `json:"evidence,omitempty" doc:"What the file says; not part of the scores"`
	Timings   Timings            `json:"timings"`
	Expires   time.Time          `json:"expires" doc:"When the result is forgotten"`
	Page      string             `json:"page" doc:"The result as a page"`
}

// PictureFacts is a picture as it was decoded.
type PictureFacts struct {
	Format string `json:"format" enum:"jpeg,png,webp,gif,bmp"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
}

// Answer is what one detector says, or why it says nothing.
type Answer struct {
	Detector string      `json:"detector"`
	AI       *float64    `json:"ai,omitempty" minimum:"0" maximum:"1" doc:"Calibrated p(AI-generated)"`
	Lean     detect.Lean `json:"lean,omitempty" enum:"ai,photograph,undecided"`
	Band     []float64   `json:"band,omitempty" doc:"The detector is undecided between these two"`
	Interval []float64   `json:"interval,omitempty" doc:"95 % interval of AI among test pictures that scored alike"`
	Raw      *float64    `json:"raw,omitempty" doc:"Mean p(photograph) of the views before calibration"`
	View     detect.View `json:"view,omitempty" enum:"crop,resize,full"`
	Views    int         `json:"views,omitempty" doc:"How many views were averaged"`
	Method   string      `json:"method,omitempty" doc:"How it was computed, such as 'fast (Winograd 4x4)'"`
	Seconds  float64     `json:"seconds,omitempty"`
	Error    string      `json:"error,omitempty"`
}

// MapLink is where one map is to be had.
type MapLink struct {
	Detector string  `json:"detector"`
	Name     string  `json:"name"`
	Title    string  `json:"title"`
	Kind     string  `json:"kind" enum:"positive,signed,probability" doc:"signed: above 0 is a photograph"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	Max      float64 `json:"max" doc:"The fixed end of the scale of all pictures; 0: there is none"`
	Weak     bool    `json:"weak" doc:"Depends little on the detector: do not read it as the detector's reason"`
	PNG      string  `json:"png"`
	Float32  string  `json:"float32" doc:"Height × width little-endian float32, row by row"`
}

// Version is one version of the picture.
type Version struct {
	Name      string   `json:"name"`
	Note      string   `json:"note"`
	Detectors []Answer `json:"detectors" doc:"Only those that can look at it"`
}

// Timings say where the time went, in milliseconds.
type Timings struct {
	Upload float64 `json:"upload_ms"`
	Queue  float64 `json:"queue_ms"`
	Decode float64 `json:"decode_ms"`
	Score  float64 `json:"score_ms"`
}

func answerOf(name string, v *detect.Verdict, err error) Answer {
	a := Answer{Detector: name}
	if err != nil {
		a.Error = classify(err).detail
	}
	if v == nil {
		return a
	}
	a.AI, a.Raw, a.Lean, a.Band = &v.AI, &v.Raw, v.Lean, v.Band[:]
	a.View, a.Views, a.Method, a.Seconds = v.View, v.Views, v.Method, v.Seconds
	if v.Interval != nil {
		a.Interval = v.Interval[:]
	}
	return a
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// describe is what is known of a result without computing anything.
func (s *Server) describe(r *engine.Result) *Analysis {
	took := r.Took()
	a := &Analysis{ID: r.ID, File: r.Name, Expires: r.Expires.UTC(), Page: "/r/" + r.ID,
		Picture:  PictureFacts{r.Format, r.W, r.H, len(r.Data)},
		Together: detect.Combine(r.Verdicts()),
		Timings: Timings{Upload: milliseconds(took.Upload), Queue: milliseconds(took.Queue),
			Decode: milliseconds(took.Decode)}}
	for i, sc := range r.Scores() {
		if sc.Verdict == nil && sc.Err == nil {
			continue // not asked for
		}
		a.Detectors = append(a.Detectors, answerOf(s.engine.Detectors[i].Name, sc.Verdict, sc.Err))
		if sc.Verdict != nil {
			a.Timings.Score += milliseconds(sc.Verdict.Time)
		}
	}
	return a
}

// mapPath is where a map is to be had, as a file of kind "png" or "f32".
func mapPath(r *engine.Result, detector, name, kind string) string {
	return "/v1/results/" + r.ID + "/maps/" + url.PathEscape(detector) + "/" + name + "." + kind
}

func kindOf(k explain.Kind) string {
	return [...]string{explain.Positive: "positive", explain.Signed: "signed",
		explain.Probability: "probability"}[k]
}

// links are the wanted ones of a detector's maps.
func (s *Server) links(r *engine.Result, detector string, maps []detect.Map, wanted []string) (
	out []MapLink) {
	for _, m := range maps {
		if slices.Contains(wanted, "all") || slices.Contains(wanted, m.Name) {
			out = append(out, MapLink{Detector: detector, Name: m.Name, Title: m.Title, Kind: kindOf(m.Kind),
				Width: m.W, Height: m.H, Max: m.Max, Weak: words.Weak(m.Name),
				PNG: mapPath(r, detector, m.Name, "png"), Float32: mapPath(r, detector, m.Name, "f32")})
		}
	}
	return out
}

func (s *Server) versions(held []engine.Held) (out []Version) {
	for _, h := range held {
		v := Version{Name: h.Name, Note: h.Note, Detectors: []Answer{}}
		for i, verdict := range h.Verdicts {
			if verdict != nil {
				v.Detectors = append(v.Detectors, answerOf(s.engine.Detectors[i].Name, verdict, nil))
			}
		}
		out = append(out, v)
	}
	return out
}
