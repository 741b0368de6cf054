package card

import (
	"math"
	"slices"
)

// Bin is the test pictures whose p(AI) is in [Lo, Hi), in the last bin [Lo, 1].
type Bin struct {
	Lo   float64 `json:"lo"`
	Hi   float64 `json:"hi"`
	N    int     `json:"n"`
	AI   int     `json:"ai"`   // those of them that were AI
	Mean float64 `json:"mean"` // of their p(AI); the middle if there are none
}

// Share is the observed frequency of AI; the bin's mean if it has no picture.
func (b Bin) Share() float64 {
	if b.N == 0 {
		return b.Mean
	}
	return float64(b.AI) / float64(b.N)
}

// Interval is the 95 % interval (Wilson 1927) of the frequency of AI.
func (b Bin) Interval() (lo, hi float64) { return Wilson(b.AI, b.N) }

// Threshold calls a picture AI if its p(AI) is P or more, with P so high that of the photographs it was
// fitted on at most the share FPR is, and at least ½. The counts are of test pictures.
type Threshold struct {
	FPR         float64 `json:"fpr"` // wanted
	P           float64 `json:"p"`
	FP          int     `json:"fp"` // photographs that are called AI
	Photographs int     `json:"photographs"`
	TP          int     `json:"tp"` // AI pictures that are called AI
	AI          int     `json:"ai"`
}

// BinOf is the bin that p(AI) falls in; nil if the card has no reliability table or p is no probability.
func (c *Card) BinOf(p float64) *Bin {
	if !(p >= 0 && p <= 1) || len(c.Reliability) == 0 {
		return nil
	}
	i := slices.IndexFunc(c.Reliability, func(b Bin) bool { return p < b.Hi })
	if i < 0 {
		i = len(c.Reliability) - 1
	}
	return &c.Reliability[i]
}

// fewest is how many test pictures a bin must have to say anything of a score in it.
const fewest = 10

// Interval is the 95 % interval (Wilson 1927) of the share of AI pictures among the test pictures that scored
// like p. ok is false if the card has too few there, or if they were so different that p lies outside.
func (c *Card) Interval(p float64) (lo, hi float64, ok bool) {
	b := c.BinOf(p)
	if b == nil {
		return 0, 0, false
	}
	lo, hi = b.Interval()
	return lo, hi, b.N >= fewest && lo <= p && p <= hi
}

// Wilson is the 95 % score interval of a share of k in n (Wilson 1927). It holds k/n: of none it begins at 0,
// of all it ends at 1, to the last bit.
func Wilson(k, n int) (lo, hi float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return min(p, max(0, mid-half)), max(p, min(1, mid+half))
}
