// Package card is what a checkpoint says about itself: which model it holds, what the model must be shown,
// how its raw score becomes a probability, and what is known of its errors. It travels as JSON in the
// metadata of the checkpoint's safetensors file, so that one file is one detector.
package card

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Card describes one detector.
type Card struct {
	Arch    string     `json:"arch"`    // a name that models.New knows
	Classes int        `json:"classes"` // outputs: 1 or 2
	Size    int        `json:"size"`    // side of the square view in pixels
	View    string     `json:"view"`    // crop, resize or full: what the scores were fitted on
	Mean    [3]float32 `json:"mean"`
	Std     [3]float32 `json:"std"`

	Platt *Platt     `json:"platt,omitempty"`
	Band  [2]float64 `json:"band"`           // of p(AI): undecided between the two
	Bins  []Bin      `json:"bins,omitempty"` // of the test pictures, by p(AI), equally wide from 0 to 1
	// Scales are the fixed ends of the maps' colours, by the map's name.
	Scales map[string]float64 `json:"scales,omitempty"`

	Data    string `json:"data,omitempty"`   // what it learned from
	Recipe  string `json:"recipe,omitempty"` // how, in one line
	Seed    uint64 `json:"seed"`
	Epochs  int    `json:"epochs"`
	Decoder string `json:"decoder,omitempty"` // Go release and picture libraries: decoders differ in their last bit
	Test    *Test  `json:"test,omitempty"`
	Note    string `json:"note,omitempty"` // what a reader of its scores must know
}

// Test is how the detector did on pictures it had not seen.
type Test struct {
	N         int        `json:"n"`
	Accuracy  float64    `json:"accuracy"`
	Interval  [2]float64 `json:"interval"` // 95 %, Wilson
	AUC       float64    `json:"auc"`
	ECE       float64    `json:"ece"` // after calibration, 15 bins
	SizeFloor float64    `json:"size_floor"`
	HeldOut   float64    `json:"held_out,omitempty"` // accuracy on the generator that training never saw
	IoU       float64    `json:"iou,omitempty"`      // of the pixel map on composites, at ½
}

// Bin counts the test pictures whose p(AI) fell into one bin, and those of them that were AI.
type Bin struct {
	N  int `json:"n"`
	AI int `json:"ai"`
}

// Platt is Platt's calibration of a raw score s = p(photograph) (Platt 1999):
//
//	p(photograph) = 1/(1 + exp(A·s + B))
//
// A is negative for a detector that is right more often than wrong.
type Platt struct {
	A float64 `json:"a"`
	B float64 `json:"b"`
}

// Photograph is the calibrated probability that a picture with raw score s is a photograph.
func (p Platt) Photograph(s float64) float64 { return 1 / (1 + math.Exp(p.A*s+p.B)) }

// AI is the calibrated probability that a picture with raw score s is AI-generated; without a calibration it
// is 1 − s.
func (c *Card) AI(s float64) float64 {
	if c.Platt == nil {
		return 1 - s
	}
	return 1 - c.Platt.Photograph(s)
}

// fewest is how many test pictures a bin must have to say anything of a score in it.
const fewest = 10

// Interval is the 95 % interval (Wilson 1927) of the share of AI pictures among the test pictures that scored
// like p. ok is false if the card has too few there, or if they were so different that p lies outside.
func (c *Card) Interval(p float64) (lo, hi float64, ok bool) {
	if len(c.Bins) == 0 || math.IsNaN(p) {
		return 0, 0, false
	}
	b := c.Bins[min(max(int(p*float64(len(c.Bins))), 0), len(c.Bins)-1)]
	lo, hi = Wilson(b.AI, b.N)
	return lo, hi, b.N >= fewest && lo <= p && p <= hi
}

// Wilson is the 95 % score interval of a share of k in n (Wilson 1927).
func Wilson(k, n int) (lo, hi float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, mid-half), min(1, mid+half)
}

// Key is where the card stands in a file's metadata.
const Key = "truegrain.card"

// Metadata is the card as metadata of a safetensors file.
func (c *Card) Metadata() (map[string]string, error) {
	js, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("card: %w", err)
	}
	return map[string]string{Key: string(js), "format": "pt"}, nil
}

// ErrNone says that a file has no card: it is bare weights.
var ErrNone = errors.New("the file carries no model card")

// Read takes the card from a file's metadata and checks it: a file is foreign until then.
func Read(metadata map[string]string) (*Card, error) {
	js, ok := metadata[Key]
	if !ok {
		return nil, ErrNone
	}
	var c Card
	if err := json.Unmarshal([]byte(js), &c); err != nil {
		return nil, fmt.Errorf("model card: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("model card: %w", err)
	}
	return &c, nil
}

func (c *Card) check() error {
	switch {
	case c.Classes != 1 && c.Classes != 2:
		return fmt.Errorf("classes is %d, want 1 or 2", c.Classes)
	case c.Size < 8 || c.Size > 1024:
		return fmt.Errorf("size is %d, want 8 to 1024", c.Size)
	case c.View != "crop" && c.View != "resize" && c.View != "full":
		return fmt.Errorf("view is %q, want crop, resize or full", c.View)
	case !(0 <= c.Band[0] && c.Band[0] <= c.Band[1] && c.Band[1] <= 1):
		return fmt.Errorf("band is %v, want two probabilities in order", c.Band)
	case len(c.Bins) > 1000:
		return fmt.Errorf("%d bins, want 1000 at most", len(c.Bins))
	}
	for _, s := range c.Std {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("std is %v, want positive numbers", c.Std)
		}
	}
	for _, b := range c.Bins {
		if b.AI < 0 || b.N < b.AI {
			return fmt.Errorf("a bin counts %d AI of %d", b.AI, b.N)
		}
	}
	if p := c.Platt; p != nil && (math.IsNaN(p.A+p.B) || math.IsInf(p.A+p.B, 0)) {
		return fmt.Errorf("Platt parameters are %v", *p)
	}
	return nil
}
