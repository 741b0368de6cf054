package report

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"truegrain/cmd/truegrain/words"
	"truegrain/models/detect"
)

// page is what page.html shows: one picture.
type page struct {
	*Entry
	Note    string
	Home    string // the index, if there is one
	Picture string
	Scores  []score
	Maps    []mapView
}

type score struct {
	*detect.Verdict
	Detector
	ID string
}

// BandWidth is how wide the undecided band is.
func (s score) BandWidth() float64 { return s.Verdict.Band[1] - s.Verdict.Band[0] }

// Hundred is how many of a hundred test pictures with this score were AI, between 1 and 99.
func (s score) Hundred() float64 { return min(max(math.Round(100*s.AI), 1), 99) }

// Milliseconds is how long the detector took.
func (s score) Milliseconds() float64 { return 1000 * s.Seconds }

// Looked says what of the picture the detector saw.
func (s score) Looked() string {
	switch s.View {
	case detect.Crop:
		if len(s.Maps) > 0 && s.Maps[0].Seen != nil {
			return fmt.Sprintf("%d crops of %d × %d, spread evenly; what is hatched was not looked at",
				s.Views, s.Card.Size, s.Card.Size)
		}
		return fmt.Sprintf("%d crops of %d × %d that cover the picture", s.Views, s.Card.Size, s.Card.Size)
	case detect.Resize:
		return fmt.Sprintf("the picture resized to %d × %d", s.Card.Size, s.Card.Size)
	}
	return "the whole picture"
}

type mapView struct {
	detect.Map
	Short, File string
	First       bool
}

func (r *Report) one(e *Entry) page {
	p := page{Entry: e, Note: r.note, Picture: e.shotAt + "/picture.jpg"}
	if len(r.entries) > 1 {
		p.Home = "index.html"
	}
	for _, v := range e.Verdicts {
		d := r.detectors[v.Detector]
		p.Scores = append(p.Scores, score{v, d, v.Detector})
		for _, m := range v.Maps {
			p.Maps = append(p.Maps, mapView{m, d.Short, e.shotAt + "/" +
				url.PathEscape(e.shots[v.Detector+m.Name]), len(p.Maps) == 0})
		}
	}
	return p
}

// list is what many.html shows: all pictures.
type list struct {
	Note      string
	Title     string
	Summary   string
	Took      string
	Rows      []row
	Detectors []lane
	Counts    []count
}

type row struct {
	*Entry
	Page, Picture string
	Class         string
	Scores        []score
}

// lane is one detector's line of dots.
type lane struct {
	Detector
	Dots []float64
}

// BandWidth is how wide the undecided band is.
func (l lane) BandWidth() float64 { return l.Card.Band[1] - l.Card.Band[0] }

// Care says how many wrong answers to expect in a list.
func (l list) Care() string {
	errors := "an error is possible"
	switch n := len(l.Rows) / 20; {
	case n == 1:
		errors = "expect about one such error"
	case n > 1:
		errors = fmt.Sprintf("expect about %d such errors", n)
	}
	return fmt.Sprintf("Every detector is sometimes wrong, outside its undecided band about once in 20 on "+
		"the pictures it was tested on. "+
		"Among %d pictures %s of each detector, and more on kinds of pictures it has never seen.",
		len(l.Rows), errors)
}

type count struct {
	Word, Class string
	N           int
}

// span is a duration for people: "1.56 s", "5 min 22 s".
func span(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}

func (r *Report) many(took time.Duration) list {
	l := list{Note: r.note, Title: fmt.Sprintf("%d pictures", len(r.entries)), Took: span(took)}
	counts := map[string]int{}
	lanes := map[string]int{}
	for _, e := range r.entries {
		w := row{Entry: e, Page: e.page, Class: "failed"}
		if e.Failed == "" {
			w.Class, w.Picture = words.TogetherClass(e.Together), e.shotAt+"/picture.jpg"
		}
		counts[w.Class]++
		for _, v := range e.Verdicts {
			d := r.detectors[v.Detector]
			w.Scores = append(w.Scores, score{v, d, v.Detector})
			i, ok := lanes[v.Detector]
			if !ok {
				i = len(l.Detectors)
				lanes[v.Detector] = i
				l.Detectors = append(l.Detectors, lane{Detector: d})
			}
			l.Detectors[i].Dots = append(l.Detectors[i].Dots, v.AI)
		}
		l.Rows = append(l.Rows, w)
	}
	var parts []string
	for _, k := range []struct{ word, class, said string }{{"Leans AI", "ai", "towards AI"},
		{"Leans photograph", "photo", "towards photograph"}, {"No answer", "und", "without an answer"},
		{"Disagree", "both", "where the detectors disagree"}, {"Not read", "failed", "not read"}} {
		if n := counts[k.class]; n > 0 {
			l.Counts = append(l.Counts, count{k.word, k.class, n})
			parts = append(parts, fmt.Sprintf("%d %s", n, k.said))
		}
	}
	l.Summary = strings.Join(parts, ", ") + "."
	return l
}
