package web

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/cmd/truegrain/words"
	"truegrain/models/detect"
)

var unknownPage = &engine.UnknownError{What: "such page"}

// funcs are what the templates call. Sentences and numbers come from words.
func (s *Server) funcs() template.FuncMap {
	return template.FuncMap{
		"percent": words.Percent, "pct": words.Position, "share": words.Share, "likely": words.Likely,
		"lean": words.Lean, "leanClass": words.LeanClass, "togetherClass": words.TogetherClass,
		"togetherWord": words.TogetherWord, "jitter": words.Jitter, "capital": words.Capital,
		"rest":  func(p float64) string { return words.Position(1 - p) },
		"asset": func(name string) string { return "/assets/" + s.pages.sum + "/" + name },
		"count": count, "band": band, "join": strings.Join,
		"long": func(v string) bool { return len([]rune(v)) > shownText }, "cut": cut,
		"minus": func(a, b float64) float64 { return a - b },
		"scale": func(p float64) float64 { return 0.6 * p },
		"zones": zonesOf, "depth": depth, "milliseconds": scoreTime, "styles": styles,
		"togetherStyle": togetherStyle,
	}
}

// shownText is how many characters of a stranger's text are shown at first.
const shownText = 2000

func cut(v string) string {
	if r := []rune(v); len(r) > shownText {
		return string(r[:shownText]) + " …"
	}
	return v
}

// count is a number with a unit: 9.5 k, 1.22 M.
func count(n int) string {
	v := float64(n)
	for _, u := range []string{"", " k", " M"} {
		if v < 1000 {
			digits := 0
			if u != "" {
				digits = max(0, 2-int(math.Log10(max(v, 1))))
			}
			return fmt.Sprintf("%.*f%s", digits, v, u)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.2f G", v)
}

func sortedNames[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// errorPage is what error.html shows.
type errorPage struct {
	Status        int
	Title, Detail string
}

// PageTitle is the page's title.
func (e errorPage) PageTitle() string { return e.Title }

func (t trouble) page(s *Server) errorPage {
	detail := words.Capital(t.detail) + "."
	if t.reason == "gone" {
		detail = fmt.Sprintf("Results are kept for %d minutes.", int(s.engine.Limits.Keep.Minutes()))
		return errorPage{t.status, "This result is gone", detail}
	}
	return errorPage{t.status, t.title, detail}
}

// zones is what is drawn behind a scale: where a detector leans, and its undecided band.
type zones struct {
	Band  [2]float64
	Width float64
	Y     int
}

func zonesOf(band [2]float64, y int) zones { return zones{band, band[1] - band[0], y} }

// depth is where the rectangles of a glyph lie, the farthest first.
func depth(n float64) (at []int) {
	for i := int(n); i >= 0; i-- {
		at = append(at, i)
	}
	return at
}

// scoreTime is how long all detectors took, in milliseconds.
func scoreTime(scores []scoreView) (ms float64) {
	for _, v := range scores {
		if v.Verdict != nil {
			ms += v.Milliseconds()
		}
	}
	return ms
}

// styles are the sheets of a page. The last one adapts what came before to narrow screens.
func styles(page string) []string {
	out := map[string][]string{"home.html": {"landing.css"}, "result.html": {"result.css", "explore.css"},
		"many.html":      {"landing.css", "explore.css", "many.css"},
		"detectors.html": {"explore.css", "result.css"},
		"docs.html":      {"result.css"}}[page]
	return append(append([]string{"base.css"}, out...), "narrow.css")
}

// togetherStyle is the mark beside what detectors say together.
func togetherStyle(t detect.Together) string {
	if t == detect.Disagree {
		return "split"
	}
	return words.TogetherClass(t)
}

// band is a detector's undecided band, short.
func band(b [2]float64) string { return fmt.Sprintf("%.0f–%.0f %%", 100*b[0], 100*b[1]) }
