package detect

// Lean is which answer a calibrated score leans to. Undecided is a result, not a failure.
type Lean string

// The leans of one detector.
const (
	LeansAI         Lean = "ai"
	LeansPhotograph Lean = "photograph"
	Undecided       Lean = "undecided"
)

// lean places p(AI) against a detector's undecided band.
func lean(p float64, band [2]float64) Lean {
	switch {
	case p < band[0]:
		return LeansPhotograph
	case p > band[1]:
		return LeansAI
	}
	return Undecided
}

// Together is what several detectors say of one picture. There is no merged score.
type Together string

// The answers of all detectors together.
const (
	AllAI         Together = "lean AI"
	AllPhotograph Together = "lean photograph"
	Disagree      Together = "disagree"
	NoAnswer      Together = "no answer"
)

// Combine applies the headline's rule: some AI and some photograph is a disagreement; two or more of one lean
// and none of the other is that lean (one is enough if there is only one detector); anything else is no
// answer.
func Combine(verdicts []*Verdict) Together {
	ai, photo := 0, 0
	for _, v := range verdicts {
		switch v.Lean {
		case LeansAI:
			ai++
		case LeansPhotograph:
			photo++
		}
	}
	need := min(2, len(verdicts))
	switch {
	case ai > 0 && photo > 0:
		return Disagree
	case ai >= need && ai > 0:
		return AllAI
	case photo >= need && photo > 0:
		return AllPhotograph
	}
	return NoAnswer
}
