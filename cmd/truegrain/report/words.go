package report

import (
	"fmt"
	"html/template"
	"math"
	"path/filepath"
	"strings"

	"truegrain/models/detect"
	"truegrain/models/explain"
)

// funcs are what the templates call: every number and sentence of a page is made here.
func (r *Report) funcs() template.FuncMap {
	return template.FuncMap{
		"percent": Percent, "pct": pct, "share": share, "headline": headline, "say": say, "lean": leanWord,
		"leanClass": leanClass, "mapSay": mapSay, "weak": weak, "ends": ends, "togetherClass": togetherClass,
		"togetherWord": togetherWord, "jitter": jitter, "rest": func(p float64) string { return pct(1 - p) },
		"base": filepath.Base, "dir": folder, "likely": likely, "breaks": breaks,
	}
}

// Percent is a probability in whole percents, never 0 and never 100.
func Percent(p float64) string {
	switch {
	case p < 0.01:
		return "< 1 %"
	case p > 0.99:
		return "> 99 %"
	}
	return fmt.Sprintf("%.0f %%", 100*p)
}

// pct is a position on a scale from 0 to 100, for an SVG attribute; share is a share in percent with one
// decimal.
func pct(p float64) string   { return fmt.Sprintf("%.2f%%", 100*min(max(p, 0), 1)) }
func share(p float64) string { return fmt.Sprintf("%.1f %%", 100*p) }

// likely is the range behind a probability, nothing if there is none.
func likely(interval *[2]float64) string {
	if interval == nil {
		return ""
	}
	lo, hi := Percent(interval[0]), Percent(interval[1])
	if lo == hi {
		return ", likely " + lo
	}
	return ", likely " + lo + " to " + hi
}

// folder is where a file lies, "" for the working folder.
func folder(file string) string {
	if dir := filepath.Dir(file); dir != "." {
		return dir
	}
	return ""
}

// breaks is a path that may be broken over lines at its slashes.
func breaks(path string) template.HTML {
	sep := string(filepath.Separator)
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(path), sep, sep+"<wbr>"))
}

// jitter spreads the dots of a lane over its height, in a fixed pattern, so that close ones stay apart.
func jitter(i int) string { return pct(0.2 + 0.6*math.Mod(float64(i)*0.618034, 1)) }

func leanWord(l detect.Lean) string {
	return map[detect.Lean]string{detect.LeansAI: "leans AI", detect.LeansPhotograph: "leans photograph",
		detect.Undecided: "undecided"}[l]
}

func leanClass(l detect.Lean) string {
	return map[detect.Lean]string{detect.LeansAI: "ai", detect.LeansPhotograph: "photo",
		detect.Undecided: "und"}[l]
}

func togetherClass(t detect.Together) string {
	return map[detect.Together]string{detect.AllAI: "ai", detect.AllPhotograph: "photo",
		detect.Disagree: "both",
		detect.NoAnswer: "und"}[t]
}

func togetherWord(t detect.Together) string {
	return map[detect.Together]string{detect.AllAI: "Leans AI", detect.AllPhotograph: "Leans photograph",
		detect.Disagree: "Disagree", detect.NoAnswer: "No answer"}[t]
}

// headline is what the detectors say together.
func headline(e *Entry) string {
	agree := func(want detect.Lean, word string) string {
		n := 0
		for _, v := range e.Verdicts {
			if v.Lean == want {
				n++
			}
		}
		switch all := len(e.Verdicts); {
		case all == 1:
			return "It leans " + word
		case n == all:
			return fmt.Sprintf("All %s lean %s", number(all), word)
		default:
			return fmt.Sprintf("%s of %s lean %s", capital(number(n)), number(len(e.Verdicts)), word)
		}
	}
	switch e.Together {
	case detect.AllAI:
		return agree(detect.LeansAI, "AI")
	case detect.AllPhotograph:
		return agree(detect.LeansPhotograph, "photograph")
	case detect.Disagree:
		return "The detectors disagree"
	}
	return "No answer"
}

// say explains the headline.
func say(e *Entry) string {
	switch e.Together {
	case detect.Disagree:
		var parts []string
		for _, l := range []detect.Lean{detect.LeansAI, detect.Undecided, detect.LeansPhotograph} {
			n := 0
			for _, v := range e.Verdicts {
				if v.Lean == l {
					n++
				}
			}
			if n > 0 {
				parts = append(parts, number(n)+" "+verb(l, n))
			}
		}
		return capital(strings.Join(parts, ", ")) + ". Take this as no answer. The maps may show why."
	case detect.NoAnswer:
		return "Too few of them lean either way. This is a result: the picture carries too little of what " +
			"they were trained to see."
	}
	return "They agree, which counts for something. All of them can still be wrong together, for instance " +
		"on a kind of picture none of them has seen."
}

func verb(l detect.Lean, n int) string {
	if l == detect.Undecided {
		return map[bool]string{true: "is undecided", false: "are undecided"}[n == 1]
	}
	what := "AI"
	if l == detect.LeansPhotograph {
		what = "photograph"
	}
	return map[bool]string{true: "leans ", false: "lean "}[n == 1] + what
}

func number(n int) string {
	if words := []string{"none", "one", "two", "three", "four", "five"}; n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// mapSay is the sentence below a map's title.
func mapSay(name string) string {
	switch {
	case name == "cam":
		return "Where the last stage speaks for AI (orange) and for a photograph (teal); the mean of the " +
			"map is the score."
	case name == "pixel_map":
		return "The detector's own answer for every pixel: orange is AI, teal is a photograph."
	case name == "rollout":
		return "How much of each patch reaches the answer through all layers. Attention says where " +
			"information came from, not what was done with it."
	case name == "attention_last":
		return "What the answer's token looks at in the last layer. Attention says where information came " +
			"from, not what was done with it."
	case name == "gradient":
		return "How strongly each pixel would move the answer if it changed a little."
	case strings.HasPrefix(name, "grad_cam"):
		return "Where the last stage found what speaks for the chosen answer. Coarse by nature."
	}
	return "Edges that, on the way back through the layers, carry only what speaks for the chosen answer."
}

// weak says that a map depends little on the detector (Adebayo et al. 2018).
func weak(name string) bool { return strings.HasPrefix(name, "guided") }

// Ends are the labels of a legend.
type Ends struct{ Left, Middle, Right, Note, Class string }

func ends(m detect.Map) Ends {
	short := func(v float64) string { return fmt.Sprintf("%.2g", v) }
	fixed := fmt.Sprintf("The scale ends at %s, this detector's fixed maximum. It is the same for every "+
		"picture; nothing is stretched to this picture's own peak.", short(m.Max))
	switch {
	case m.Kind == explain.Probability:
		return Ends{"photograph", "neither", "AI", "Probability of AI of each pixel, from 0 to 1.", "tide"}
	case m.Kind == explain.Signed:
		return Ends{"photograph", "0", "AI", fixed, "tide"}
	case m.Max == 0 || math.IsNaN(m.Max):
		return Ends{"0", "", "", "This detector has no fixed scale for this map.", "ember"}
	}
	return Ends{"0", short(m.Max / 2), short(m.Max), fixed, "ember"}
}
