// Package words is what pages and reports say: every number and sentence about a score or a map is made here,
// so that they agree.
package words

import (
	"fmt"
	"math"
	"strings"

	"truegrain/models/detect"
	"truegrain/models/explain"
)

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

// Position is a place on a scale from 0 to 1, for an SVG attribute.
func Position(p float64) string { return fmt.Sprintf("%.2f%%", 100*min(max(p, 0), 1)) }

// Share is a share in percent with one decimal.
func Share(p float64) string { return fmt.Sprintf("%.1f %%", 100*p) }

// Likely is the range behind a probability, nothing if there is none.
func Likely(interval *[2]float64) string {
	if interval == nil {
		return ""
	}
	lo, hi := Percent(interval[0]), Percent(interval[1])
	if lo == hi {
		return "; likely range " + lo
	}
	return "; likely range " + lo + " to " + hi
}

// Lean is a lean for people.
func Lean(l detect.Lean) string {
	return map[detect.Lean]string{detect.LeansAI: "leans AI", detect.LeansPhotograph: "leans photograph",
		detect.Undecided: "undecided"}[l]
}

// LeanClass is the style of a lean.
func LeanClass(l detect.Lean) string {
	return map[detect.Lean]string{detect.LeansAI: "ai", detect.LeansPhotograph: "photo",
		detect.Undecided: "und"}[l]
}

// TogetherClass is the style of what detectors say together.
func TogetherClass(t detect.Together) string {
	return map[detect.Together]string{detect.AllAI: "ai", detect.AllPhotograph: "photo",
		detect.Disagree: "both",
		detect.NoAnswer: "und"}[t]
}

// TogetherWord is what detectors say together in a word or two.
func TogetherWord(t detect.Together) string {
	return map[detect.Together]string{detect.AllAI: "Leans AI", detect.AllPhotograph: "Leans photograph",
		detect.Disagree: "Disagree", detect.NoAnswer: "No answer"}[t]
}

// Headline is what the detectors say together.
func Headline(verdicts []*detect.Verdict) string {
	agree := func(want detect.Lean, word string) string {
		n := 0
		for _, v := range verdicts {
			if v.Lean == want {
				n++
			}
		}
		switch all := len(verdicts); {
		case all == 1:
			return "It leans " + word
		case n == all:
			return fmt.Sprintf("All %s lean %s", Number(all), word)
		default:
			return fmt.Sprintf("%s of %s lean %s", Capital(Number(n)), Number(len(verdicts)), word)
		}
	}
	switch detect.Combine(verdicts) {
	case detect.AllAI:
		return agree(detect.LeansAI, "AI")
	case detect.AllPhotograph:
		return agree(detect.LeansPhotograph, "photograph")
	case detect.Disagree:
		return "The detectors disagree"
	}
	return "No answer"
}

// Say explains the headline.
func Say(verdicts []*detect.Verdict) string {
	switch detect.Combine(verdicts) {
	case detect.Disagree:
		return leans(verdicts) + "Take this as no answer. The maps may show why."
	case detect.NoAnswer:
		return "Too few of them lean either way. This is a result: the picture carries too little of what " +
			"they were trained to see."
	}
	return "They agree, which counts for something. All of them can still be wrong together, for instance " +
		"on a kind of picture none of them has seen."
}

// leans is how many lean which way: "One leans AI, two are undecided. ", nothing of none.
func leans(verdicts []*detect.Verdict) string {
	var parts []string
	for _, l := range []detect.Lean{detect.LeansAI, detect.Undecided, detect.LeansPhotograph} {
		n := 0
		for _, v := range verdicts {
			if v.Lean == l {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, Number(n)+" "+verb(l, n))
		}
	}
	if parts == nil {
		return ""
	}
	return Capital(strings.Join(parts, ", ")) + ". "
}

// Partial is the headline while some detectors are at work.
func Partial(answered, all int) string {
	has := map[bool]string{true: "has", false: "have"}[answered == 1]
	return fmt.Sprintf("%s of %s %s answered", Capital(Number(answered)), Number(all), has)
}

// Working explains Partial; working are the detectors that have not answered.
func Working(verdicts []*detect.Verdict, working []string) string {
	are := map[bool]string{true: "is", false: "are"}[len(working) == 1]
	return fmt.Sprintf("%sThe %s %s still working.", leans(verdicts), strings.Join(working, " and the "), are)
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

// Number is a small number in words.
func Number(n int) string {
	if words := []string{"none", "one", "two", "three", "four", "five"}; n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

// Capital is a text that begins with a capital letter.
func Capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// MapSay is the sentence below a map's title.
func MapSay(name string) string {
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

// Weak says that a map depends little on the detector (Adebayo et al. 2018).
func Weak(name string) bool { return strings.HasPrefix(name, "guided") }

// Ends are the labels of a legend.
type Ends struct{ Left, Middle, Right, Note, Class string }

// EndsOf is the labels of a map's legend.
func EndsOf(m detect.Map) Ends {
	short := func(v float64) string { return fmt.Sprintf("%.3g", v) } // its half fits, too
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

// Jitter spreads the dots of a lane over its height, in a fixed pattern, so that close ones stay apart.
func Jitter(i int) string { return Position(0.2 + 0.6*math.Mod(float64(i)*0.618034, 1)) }
