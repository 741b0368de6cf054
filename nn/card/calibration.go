package card

import (
	"fmt"
	"math"
)

// The methods of a calibration.
const (
	Platt       = "platt"       // fitted by maximum likelihood on smoothed targets
	PlattMSE    = "platt-mse"   // fitted by least squares, as in the thesis
	Temperature = "temperature" // one number for the logit
)

// Calibration turns a raw score s, the mean p(photograph) of a picture's views, into a probability. Platt
// (1999) and Platt by least squares:
//
//	p(photograph) = 1/(1 + exp(A·s + B))
//
// A is negative for a detector that is right more often than wrong. Temperature (Guo et al. 2017):
//
//	p(photograph) = 1/(1 + exp(−logit(s)/T))
type Calibration struct {
	Method string  `json:"method"`
	A      float64 `json:"a,omitempty"`
	B      float64 `json:"b,omitempty"`
	T      float64 `json:"t,omitempty"`

	N    int    `json:"n"`              // pictures it was fitted on
	Data string `json:"data,omitempty"` // which these were
	// Before and After are measured on Tested pictures: test pictures, or those of the fit, each by a fit
	// that did not see it.
	Before *Quality `json:"before,omitempty"`
	After  *Quality `json:"after,omitempty"`
	Tested string   `json:"tested,omitempty"`
}

// Quality is how far probabilities are from what was true.
type Quality struct {
	ECE     float64 `json:"ece"`      // expected calibration error, 15 bins (Guo et al. 2017)
	Brier   float64 `json:"brier"`    // mean squared distance (Brier 1950)
	LogLoss float64 `json:"log_loss"` // mean −ln of the probability of what was true
}

// edge keeps logits finite: a raw score is a float32, and one of 0 or 1 says no more than that.
const edge = 1e-7

// Logit is the log odds of a raw score, at most those of 1e-7 from 0 or 1.
func Logit(s float64) float64 {
	s = min(max(s, edge), 1-edge)
	return math.Log(s / (1 - s))
}

// Photograph is the calibrated probability that a picture with raw score s is a photograph.
func (c *Calibration) Photograph(s float64) float64 {
	if c.Method == Temperature {
		return 1 / (1 + math.Exp(-Logit(s)/c.T))
	}
	return 1 / (1 + math.Exp(c.A*s+c.B))
}

// String is the method with its parameters, for people.
func (c *Calibration) String() string {
	switch c.Method {
	case Temperature:
		return fmt.Sprintf("temperature %.3g", c.T)
	case PlattMSE:
		return fmt.Sprintf("Platt by least squares, A %.2f, B %.2f", c.A, c.B)
	}
	return fmt.Sprintf("Platt, A %.2f, B %.2f", c.A, c.B)
}

// AI is the calibrated probability that a picture with raw score s is AI-generated; without a calibration it
// is 1 − s.
func (c *Card) AI(s float64) float64 {
	if c.Calibration == nil {
		return 1 - s
	}
	return 1 - c.Calibration.Photograph(s)
}
