package evaluate

import (
	"encoding/json"
	"math"
	"slices"
)

// Pixels counts how the map of one picture did, pixel by pixel, at p(AI) > ½: against its mask, or without
// one against the picture's label.
type Pixels struct {
	TP, FN, FP, TN int64
	Masked         bool
	AUC            float64 // against a mask that has both classes; NaN otherwise
}

// MarshalJSON leaves an AUC out that there is not.
func (x Pixels) MarshalJSON() ([]byte, error) {
	s := pixelLine{x.TP, x.FN, x.FP, x.TN, x.Masked, nil}
	if !math.IsNaN(x.AUC) {
		s.AUC = &x.AUC
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads it back.
func (x *Pixels) UnmarshalJSON(b []byte) error {
	var s pixelLine
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*x = Pixels{s.TP, s.FN, s.FP, s.TN, s.Masked, math.NaN()}
	if s.AUC != nil {
		x.AUC = *s.AUC
	}
	return nil
}

type pixelLine struct {
	TP     int64    `json:"tp"`
	FN     int64    `json:"fn"`
	FP     int64    `json:"fp"`
	TN     int64    `json:"tn"`
	Masked bool     `json:"masked,omitempty"`
	AUC    *float64 `json:"auc,omitempty"`
}

// CountPixels compares p(AI) of pixels with what is true of each; seen says which pixels count, nil for all.
func CountPixels(p []float32, ai func(i int) bool, seen []bool, masked bool) *Pixels {
	x := &Pixels{Masked: masked, AUC: math.NaN()}
	var level [2][]int64
	if masked {
		level = [2][]int64{make([]int64, levels), make([]int64, levels)}
	}
	for i, v := range p {
		if seen != nil && !seen[i] {
			continue
		}
		is := ai(i)
		switch called := v > 0.5; {
		case is && called:
			x.TP++
		case is:
			x.FN++
		case called:
			x.FP++
		default:
			x.TN++
		}
		if masked {
			class := 0
			if is {
				class = 1
			}
			level[class][levelOf(v)]++
		}
	}
	if masked && x.TP+x.FN > 0 && x.FP+x.TN > 0 {
		x.AUC = histogramAUC(level[1], level[0])
	}
	return x
}

// levels is how finely pixels are ranked: the AUC counts pixels of one level as ties. Maps end in a sigmoid
// of float32, of which those near 0 and 1 are closer together; the levels are even in the logit.
const levels = 1 << 14

func levelOf(p float32) int {
	logit := math.Log(max(float64(p), 1e-9)) - math.Log(max(1-float64(p), 1e-9))
	return min(max(int((logit+21)/42*levels), 0), levels-1)
}

// histogramAUC is the AUC from counts of AI and other pixels by level.
func histogramAUC(ai, other []int64) float64 {
	var pairs, below, all float64
	for l := range ai {
		pairs += float64(ai[l]) * (below + float64(other[l])/2)
		below += float64(other[l])
		all += float64(ai[l])
	}
	return pairs / (all * below)
}

// IoU is the intersection over union of what is called AI and what is, 1 where both are empty.
func (x *Pixels) IoU() float64 { return ratio(x.TP, x.TP+x.FP+x.FN) }

// F1 is the harmonic mean of precision and recall, 1 where there is nothing to find and nothing was found.
func (x *Pixels) F1() float64 { return ratio(2*x.TP, 2*x.TP+x.FP+x.FN) }

// Accuracy is the share of pixels that were called what they are.
func (x *Pixels) Accuracy() float64 { return ratio(x.TP+x.TN, x.TP+x.TN+x.FP+x.FN) }

// AIRate is the share of pixels that were called AI.
func (x *Pixels) AIRate() float64 { return float64(x.TP+x.FP) / float64(max(1, x.TP+x.TN+x.FP+x.FN)) }

func ratio(k, n int64) float64 {
	if n == 0 {
		return 1
	}
	return float64(k) / float64(n)
}

// PixelResult is how a segmenter's maps did on a set. Estimates are means over pictures; IoU, F1 and AUC are
// of the pictures with a mask.
type PixelResult struct {
	Confusion Pixels   `json:"confusion"` // of all pixels of all pictures
	Accuracy  Estimate `json:"accuracy"`
	AIRate    Estimate `json:"ai_rate"`
	Masks     int      `json:"masks"`
	IoU       Estimate `json:"iou"`
	F1        Estimate `json:"f1"`
	AUC       Estimate `json:"auc"`
	PooledIoU float64  `json:"pooled_iou"` // over all pixels of the pictures with masks
	// FloorIoU is the mean IoU of a map that calls every pixel AI, which is the share of the mask: what an
	// IoU must be compared with.
	FloorIoU float64 `json:"floor_iou"`
}

// pixelResult is nil if no picture has a map.
func (b Bootstrap) pixelResult(s []Prediction) *PixelResult {
	s = slices.DeleteFunc(slices.Clone(s), func(p Prediction) bool { return p.Pixels == nil })
	if len(s) == 0 {
		return nil
	}
	r := &PixelResult{Confusion: Pixels{AUC: math.NaN()}}
	masked := Pixels{}
	var accuracy, rate, iou, f1, auc []float64
	for _, p := range s {
		x := p.Pixels
		r.Confusion.add(x)
		accuracy, rate = append(accuracy, x.Accuracy()), append(rate, x.AIRate())
		if x.Masked {
			masked.add(x)
			r.Masks++
			r.FloorIoU += float64(x.TP+x.FN) / float64(max(1, x.TP+x.FN+x.FP+x.TN))
			iou, f1, auc = append(iou, x.IoU()), append(f1, x.F1()), append(auc, x.AUC)
		}
	}
	r.Accuracy, r.AIRate = b.mean(accuracy), b.mean(rate)
	r.IoU, r.F1, r.AUC = b.mean(iou), b.mean(f1), b.mean(auc)
	if r.Masks > 0 {
		r.PooledIoU = masked.IoU()
		r.FloorIoU /= float64(r.Masks)
	}
	return r
}

func (x *Pixels) add(y *Pixels) {
	x.TP += y.TP
	x.FN += y.FN
	x.FP += y.FP
	x.TN += y.TN
}
