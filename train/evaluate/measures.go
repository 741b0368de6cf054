package evaluate

import (
	"cmp"
	"math"
	"slices"

	"truegrain/train/calibrate"
)

// Measure names one number of a result.
type Measure uint8

// The measures, in the order of tables. Precision and what follows it up to AIRate are shares at p(AI) > ½.
const (
	Accuracy Measure = iota
	Balanced         // mean of the accuracies on both classes, what the size-only floor is compared with
	AP
	AUC
	EER
	TPR1 // true-positive rate at 1 % false positives
	TPR5 // at 5 %
	Precision
	Recall
	F1
	AIRate // the share of all pictures that is called AI
	ECE
	Brier
	LogLoss
	measures // how many there are
)

// names are for keys, titles for people.
var (
	names = [measures]string{"accuracy", "balanced_accuracy", "ap", "auc", "eer", "tpr_at_1", "tpr_at_5",
		"precision",
		"recall", "f1", "ai_rate", "ece", "brier", "log_loss"}
	titles = [measures]string{"accuracy", "balanced accuracy", "AP", "AUC", "EER", "TPR at 1 % FPR",
		"TPR at 5 % FPR",
		"precision", "recall", "F1", "called AI", "ECE", "Brier", "log loss"}
)

func (m Measure) String() string { return names[m] }

// Title is the measure's name for people.
func (m Measure) Title() string { return titles[m] }

// Percent says that people read it in percent.
func (m Measure) Percent() bool { return m < ECE && m != AP && m != AUC && m != F1 }

// values are all measures of a sample; NaN where one is not defined.
type values [measures]float64

// ranked is pictures by their distinct p(AI), the highest first. A sample of them is counts per distinct p.
type ranked struct {
	p        []float64
	ai, real []int32 // the group of each AI picture and of each photograph
	above    int     // groups with p > ½
	bin      []uint8 // of the calibration error
	cost     []cost
}

// cost is what a picture with some p adds to Brier score and log loss if it is AI, and if it is not.
type cost struct{ sqAI, sqReal, logAI, logReal float64 }

func rank(p []float64, ai []bool) *ranked {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[b], p[a]) })
	r := &ranked{}
	for _, i := range order {
		v := p[i]
		if len(r.p) == 0 || r.p[len(r.p)-1] != v {
			r.p = append(r.p, v)
			r.bin = append(r.bin, uint8(min(max(int(v*calibrate.ECEBins), 0), calibrate.ECEBins-1)))
			r.cost = append(r.cost, cost{(1 - v) * (1 - v), v * v, -math.Log(max(v, 1e-7)),
				-math.Log(max(1-v, 1e-7))})
			if v > 0.5 {
				r.above++
			}
		}
		if group := int32(len(r.p) - 1); ai[i] {
			r.ai = append(r.ai, group)
		} else {
			r.real = append(r.real, group)
		}
	}
	return r
}

// counts are the pictures themselves as a sample.
func (r *ranked) counts() (ai, real []int32) {
	ai, real = make([]int32, len(r.p)), make([]int32, len(r.p))
	for _, g := range r.ai {
		ai[g]++
	}
	for _, g := range r.real {
		real[g]++
	}
	return ai, real
}

// measure is all measures of a sample: one pass from the highest p down.
func (r *ranked) measure(ai, real []int32) (v values) {
	all, none := float64(len(r.ai)), float64(len(r.real))
	c := curve{all: all, none: none, tpr1: math.NaN(), tpr5: math.NaN(), eer: math.NaN()}
	var gap [calibrate.ECEBins]float64
	var brier, logLoss, tp, fp float64
	for g := range r.p {
		if g == r.above {
			tp, fp = c.tp, c.fp
		}
		a, b := float64(ai[g]), float64(real[g])
		if a+b == 0 {
			continue
		}
		k := &r.cost[g]
		gap[r.bin[g]] += r.p[g]*(a+b) - a
		brier += a*k.sqAI + b*k.sqReal
		logLoss += a*k.logAI + b*k.logReal
		c.add(a, b)
	}
	if r.above == len(r.p) {
		tp, fp = c.tp, c.fp
	}
	n := all + none
	v[Accuracy] = (tp + none - fp) / n
	v[Balanced] = (tp/all + (none-fp)/none) / 2
	v[AP], v[AUC], v[EER], v[TPR1], v[TPR5] = c.ap/all, c.pairs/(all*none), c.eer, c.tpr1, c.tpr5
	v[Precision], v[Recall], v[F1] = tp/(tp+fp), tp/all, 2*tp/(tp+fp+all)
	v[AIRate] = (tp + fp) / n
	for _, d := range gap {
		v[ECE] += math.Abs(d) / n
	}
	v[Brier], v[LogLoss] = brier/n, logLoss/n
	if all == 0 || none == 0 {
		for _, m := range []Measure{Balanced, AP, AUC, EER, TPR1, TPR5, Precision, F1} {
			v[m] = math.NaN()
		}
	}
	return v
}

// curve walks along the ROC curve, from the highest score down.
type curve struct {
	all, none      float64 // AI pictures and photographs
	tp, fp         float64 // so far
	ap, pairs      float64 // sums
	eer            float64
	tpr1, tpr5     float64
	missed, called float64 // the miss rate and the false-positive rate before
}

// add goes on by a AI pictures and b photographs with one score.
func (c *curve) add(a, b float64) {
	if c.tp+c.fp == 0 {
		c.missed, c.tpr1, c.tpr5 = 1, 0, 0
	}
	c.pairs += b * (c.tp + a/2)
	c.tp += a
	c.fp += b
	if a > 0 {
		c.ap += a * c.tp / (c.tp + c.fp)
	}
	fpr, missed := c.fp/c.none, 1-c.tp/c.all
	if fpr <= 0.01 {
		c.tpr1 = 1 - missed
	}
	if fpr <= 0.05 {
		c.tpr5 = 1 - missed
	}
	if math.IsNaN(c.eer) && fpr >= missed {
		before, after := c.missed-c.called, fpr-missed
		c.eer = c.called
		if before+after > 0 {
			c.eer += before / (before + after) * (fpr - c.called)
		}
	}
	c.missed, c.called = missed, fpr
}
