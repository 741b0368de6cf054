package train

import (
	"cmp"
	"errors"
	"slices"

	"gonum.org/v1/gonum/stat"

	"truegrain/nn/card"
)

// Scored is one labelled picture with its raw score.
type Scored struct {
	File, Generator string
	Label           int32   // 0 AI, 1 photograph
	Raw             float64 // p(photograph) before calibration
	W, H            int     // of the picture, for the size-only floor
}

// Confusion counts answers; the positive class is AI.
type Confusion struct {
	TP int `json:"tp"` // AI, called AI
	FN int `json:"fn"` // AI, called a photograph
	FP int `json:"fp"` // photograph, called AI
	TN int `json:"tn"` // photograph, called a photograph
}

// N is the number of pictures.
func (c Confusion) N() int { return c.TP + c.FN + c.FP + c.TN }

// Accuracy is the share of right answers, Precision of AI among what was called AI, Recall of what was called
// AI among AI. An empty share is 0.
func (c Confusion) Accuracy() float64 { return share(c.TP+c.TN, c.N()) }

// Precision is the share of AI among what was called AI.
func (c Confusion) Precision() float64 { return share(c.TP, c.TP+c.FP) }

// Recall is the share of AI pictures that were called AI.
func (c Confusion) Recall() float64 { return share(c.TP, c.TP+c.FN) }

// F1 is the harmonic mean of precision and recall.
func (c Confusion) F1() float64 { return share(2*c.TP, 2*c.TP+c.FP+c.FN) }

// Interval is the 95 % interval of the accuracy (Wilson 1927).
func (c Confusion) Interval() (lo, hi float64) { return card.Wilson(c.TP+c.TN, c.N()) }

func share(k, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}

// ErrOneClass says that a measure needs pictures of both classes.
var ErrOneClass = errors.New("needs pictures of both classes")

// AUC is the area under the ROC curve: how often an AI picture has a higher p(AI) than a photograph, ties
// counting half.
func AUC(p []float64, ai []bool) (float64, error) {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	sorted, positive := make([]float64, len(p)), make([]bool, len(p))
	for i, k := range order {
		sorted[i], positive[i] = p[k], ai[k]
	}
	if !slices.Contains(positive, true) || !slices.Contains(positive, false) {
		return 0, ErrOneClass
	}
	tpr, fpr, _ := stat.ROC(nil, sorted, positive, nil)
	var area float64
	for i := 1; i < len(fpr); i++ {
		area += (fpr[i] - fpr[i-1]) * (tpr[i] + tpr[i-1]) / 2
	}
	return area, nil
}

// IoU is the intersection over union of two masks at one half: 1 where both are empty.
func IoU(p, mask []float32) float64 {
	both, any := 0, 0
	for i, v := range p {
		a, b := v > 0.5, mask[i] > 0.5
		if a && b {
			both++
		}
		if a || b {
			any++
		}
	}
	if any == 0 {
		return 1
	}
	return float64(both) / float64(any)
}
