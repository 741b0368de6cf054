package evaluate

import (
	"errors"
	"fmt"
	"math"

	"truegrain/train/calibrate"
	"truegrain/train/data"
)

// Prediction is one labelled picture with its raw score.
type Prediction struct {
	File      string  `json:"file"`
	Shown     string  `json:"shown,omitempty"` // what was done to it by protocol
	Generator string  `json:"generator"`
	Label     int32   `json:"label"` // 0 AI, 1 photograph
	Raw       float64 `json:"raw"`   // p(photograph) before calibration
	W         int     `json:"w"`     // of the picture, for the size-only floor
	H         int     `json:"h"`
	Pixels    *Pixels `json:"pixels,omitempty"` // of a segmenter's map
}

// Samples are the scores as a calibration takes them.
func Samples(s []Prediction) []calibrate.Sample {
	out := make([]calibrate.Sample, len(s))
	for i, p := range s {
		out[i] = calibrate.Sample{Score: p.Raw, Photograph: p.Label == data.Photograph}
	}
	return out
}

// probabilities are p(AI) of pictures, and which of them are AI.
func probabilities(s []Prediction, ai func(raw float64) float64) (p []float64, is []bool, err error) {
	if len(s) == 0 {
		return nil, nil, errors.New("no picture could be scored")
	}
	p, is = make([]float64, len(s)), make([]bool, len(s))
	for i, x := range s {
		if p[i], is[i] = ai(x.Raw), x.Label == data.AI; math.IsNaN(p[i]) {
			return nil, nil, fmt.Errorf("%s: the score is not a number; the weights are damaged", x.File)
		}
	}
	return p, is, nil
}
