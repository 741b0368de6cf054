// Package calibrate turns raw scores into probabilities and says how far they can be trusted: Platt scaling
// by maximum likelihood and by least squares, temperature scaling, calibration errors, the reliability table,
// the undecided band, and thresholds for a wanted false-positive rate.
package calibrate

import (
	"errors"
	"fmt"
	"math"

	"truegrain/nn/card"
)

// Sample is a raw score s = p(photograph) and whether the picture is a photograph.
type Sample struct {
	Score      float64
	Photograph bool
}

// ErrOneClass says that a calibration needs pictures of both classes.
var ErrOneClass = errors.New("calibration needs pictures of both classes")

// Methods are the names that Fit knows, the default first.
var Methods = []string{card.Platt, card.PlattMSE, card.Temperature}

// Fit finds a calibration by one of Methods.
func Fit(method string, samples []Sample) (*card.Calibration, error) {
	if _, _, err := classes(samples); err != nil {
		return nil, err
	}
	c := &card.Calibration{Method: method, N: len(samples)}
	var err error
	switch method {
	case card.Platt:
		c.A, c.B, err = platt(samples)
	case card.PlattMSE:
		c.A, c.B = leastSquares(samples)
	case card.Temperature:
		c.T, err = temperature(samples)
	default:
		return nil, fmt.Errorf("calibration method %q: want one of %v", method, Methods)
	}
	if err != nil {
		return nil, fmt.Errorf("calibration by %s of %d pictures: %w", method, len(samples), err)
	}
	return c, nil
}

// classes counts the samples of both classes and refuses scores that are no numbers.
func classes(samples []Sample) (photographs, ais float64, err error) {
	for _, s := range samples {
		switch {
		case math.IsNaN(s.Score) || math.IsInf(s.Score, 0):
			return 0, 0, fmt.Errorf("calibration: a score is %v", s.Score)
		case s.Photograph:
			photographs++
		default:
			ais++
		}
	}
	if photographs == 0 || ais == 0 {
		return 0, 0, ErrOneClass
	}
	return photographs, ais, nil
}

// probabilities are p(AI) of samples, and which of them are AI.
func probabilities(c *card.Calibration, samples []Sample) (p []float64, ai []bool) {
	p, ai = make([]float64, len(samples)), make([]bool, len(samples))
	for i, s := range samples {
		p[i], ai[i] = 1-s.Score, !s.Photograph
		if c != nil {
			p[i] = 1 - c.Photograph(s.Score)
		}
	}
	return p, ai
}
