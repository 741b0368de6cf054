package calibrate

import (
	"fmt"

	"truegrain/nn/card"
	"truegrain/train/data"
)

// Options sets what Apply writes on a card.
type Options struct {
	Method string    // one of Methods
	Rates  []float64 // false-positive rates that thresholds are wanted for
	Wrong  float64   // the share of leaning pictures that may lean the wrong way, for the band
	Bins   int       // of the reliability table
	// Fit and Test name the pictures for readers of the card; no Test means that there are none apart.
	Fit, Test string
}

// Defaults are what training uses.
func Defaults() Options {
	return Options{Method: card.Platt, Rates: []float64{0.01, 0.05}, Wrong: 0.05, Bins: 10}
}

// folds is how many parts a set has that is both fitted and tested on.
const folds = 5

// Apply calibrates a card on the fit samples and measures the result on the test samples. Without these it is
// measured by cross-fitting: each sample's probability comes from a fit that did not see it. An error leaves
// the card as it was.
func Apply(c *card.Card, o Options, fit, test []Sample) error {
	k, err := Fit(o.Method, fit)
	if err != nil {
		return err
	}
	k.Data = o.Fit
	p, ai := probabilities(k, fit)
	band, thresholds := Band(p, ai, o.Wrong), Thresholds(p, ai, o.Rates)

	k.Tested = fmt.Sprintf("%d pictures of %s", len(test), o.Test)
	if len(test) > 0 {
		p, ai = probabilities(k, test)
	} else {
		test = fit
		k.Tested = fmt.Sprintf("the pictures of the fit, each by one of %d fits that did not see it", folds)
		if p, err = crossFit(o.Method, fit); err != nil {
			return err
		}
	}
	raw, _ := probabilities(nil, test)
	before, after := Measure(raw, ai), Measure(p, ai)
	k.Before, k.After = &before, &after
	Count(thresholds, p, ai)
	c.Calibration, c.Band, c.Thresholds, c.Reliability = k, band, thresholds, Bins(p, ai, o.Bins)
	return nil
}

// crossFit gives each sample the p(AI) of a fit on the other folds. Both classes are dealt out evenly.
func crossFit(method string, samples []Sample) ([]float64, error) {
	var n [2]int
	fold := make([]int, len(samples))
	for _, i := range data.Permutation(1, 0, len(samples)) {
		class := 0
		if samples[i].Photograph {
			class = 1
		}
		fold[i] = n[class] % folds
		n[class]++
	}
	if min(n[0], n[1]) < 2 {
		return nil, fmt.Errorf("%w, at least two of each to be measured on", ErrOneClass)
	}
	p := make([]float64, len(samples))
	for k := range folds {
		var others []Sample
		for i, s := range samples {
			if fold[i] != k {
				others = append(others, s)
			}
		}
		c, err := Fit(method, others)
		if err != nil {
			return nil, err
		}
		for i, s := range samples {
			if fold[i] == k {
				p[i] = 1 - c.Photograph(s.Score)
			}
		}
	}
	return p, nil
}
