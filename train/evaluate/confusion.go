package evaluate

import "truegrain/nn/card"

// Confusion counts answers; the positive class is AI.
type Confusion struct {
	TP int `json:"tp"` // AI, called AI
	FN int `json:"fn"` // AI, called a photograph
	FP int `json:"fp"` // photograph, called AI
	TN int `json:"tn"` // photograph, called a photograph
}

// confusionOf counts what is called AI above ½.
func confusionOf(p []float64, ai []bool) (c Confusion) {
	for i, v := range p {
		switch called := v > 0.5; {
		case ai[i] && called:
			c.TP++
		case ai[i]:
			c.FN++
		case called:
			c.FP++
		default:
			c.TN++
		}
	}
	return c
}

// N is the number of pictures.
func (c Confusion) N() int { return c.TP + c.FN + c.FP + c.TN }

// Accuracy is the share of right answers; an empty share is 0.
func (c Confusion) Accuracy() float64 { return share(c.TP+c.TN, c.N()) }

// Wilson is the 95 % score interval of the accuracy (Wilson 1927).
func (c Confusion) Wilson() (lo, hi float64) { return card.Wilson(c.TP+c.TN, c.N()) }

func share(k, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}
