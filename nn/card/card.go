// Package card is what a checkpoint says about itself: which model it holds, what the model must be shown,
// how its raw score becomes a probability, and what is known of its errors. It travels as JSON in the
// metadata of the checkpoint's safetensors file, so that one file is one detector.
package card

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Card describes one detector.
type Card struct {
	Arch    string     `json:"arch"`    // a name that models.New knows
	Classes int        `json:"classes"` // outputs: 1 or 2
	Size    int        `json:"size"`    // side of the square view in pixels
	View    string     `json:"view"`    // crop, resize or full: what the scores were fitted on
	Mean    [3]float32 `json:"mean"`
	Std     [3]float32 `json:"std"`

	// Calibration turns raw scores into probabilities; without one, p(AI) is 1 − s.
	Calibration *Calibration `json:"calibration,omitempty"`
	Band        [2]float64   `json:"band"` // of p(AI): undecided between the two
	// Reliability is how often test pictures that scored alike were AI: bins of p(AI) from 0 to 1, in order,
	// without gaps.
	Reliability []Bin `json:"reliability,omitempty"`
	// Thresholds are for those who would rather miss AI pictures than accuse photographs, by rising rate.
	Thresholds []Threshold `json:"thresholds,omitempty"`
	// Scales are the fixed ends of the maps' colours, by the map's name.
	Scales map[string]float64 `json:"scales,omitempty"`
	// MapFrom names a second checkpoint whose pixel map is shown beside this one's verdict.
	MapFrom *Companion `json:"map_from,omitempty"`

	Data       string   `json:"data,omitempty"`       // what it learned from
	Generators []string `json:"generators,omitempty"` // whose pictures it learned from, by folder
	Recipe     string   `json:"recipe,omitempty"`     // how, in one line
	Seed       uint64   `json:"seed"`
	Epochs     int      `json:"epochs"`
	Decoder    string   `json:"decoder,omitempty"` // Go release, libraries: decoders differ in the last bit
	Test       *Test    `json:"test,omitempty"`
	Note       string   `json:"note,omitempty"` // what a reader of its scores must know
}

// Test is how the detector did on pictures it had not seen. The first fields are of all pictures from sets
// that it learned from.
type Test struct {
	N         int        `json:"n"`
	Accuracy  float64    `json:"accuracy"`
	Interval  [2]float64 `json:"interval"` // 95 %, Wilson
	AUC       float64    `json:"auc"`
	ECE       float64    `json:"ece"` // after calibration, 15 bins
	SizeFloor float64    `json:"size_floor"`
	// HeldOut is the accuracy on sets that training never saw, all together; 0 without any.
	HeldOut         float64     `json:"held_out,omitempty"`
	HeldOutInterval *[2]float64 `json:"held_out_interval,omitempty"`
	Sets            []Set       `json:"sets,omitempty"`
	IoU             float64     `json:"iou,omitempty"` // of the pixel map on composites, at ½
}

// Set is the accuracy on the pictures of one generator and the photographs beside them.
type Set struct {
	Name     string     `json:"name"`
	Seen     bool       `json:"seen"` // training saw other pictures of it
	N        int        `json:"n"`
	Accuracy float64    `json:"accuracy"`
	Interval [2]float64 `json:"interval"` // 95 %, Wilson
}

// Companion is another checkpoint: its file's name, which lies in the same folder, and its SHA-256, so that
// no other file takes its place.
type Companion struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // 64 hexadecimal digits, lower case
}

// Key is where the card stands in a file's metadata.
const Key = "truegrain.card"

// Metadata is the card as metadata of a safetensors file. A card that Read would refuse is not written.
func (c *Card) Metadata() (map[string]string, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("model card: %w", err)
	}
	js, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("model card: %w", err)
	}
	return map[string]string{Key: string(js), "format": "pt"}, nil
}

// ErrNone says that a file has no card: it is bare weights.
var ErrNone = errors.New("the file carries no model card")

// maxBytes is how long a card may be.
const maxBytes = 1 << 18

// Read takes the card from a file's metadata and checks it: a file is foreign until then. What the program
// does not know is refused, too: a later version may mean by it that the scores want something else.
func Read(metadata map[string]string) (*Card, error) {
	js, ok := metadata[Key]
	if !ok {
		return nil, ErrNone
	}
	if len(js) > maxBytes {
		return nil, fmt.Errorf("model card: %d bytes, want %d at most", len(js), maxBytes)
	}
	var c Card
	dec := json.NewDecoder(bytes.NewReader([]byte(js)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("model card: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("model card: something stands behind its end")
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("model card: %w", err)
	}
	return &c, nil
}
