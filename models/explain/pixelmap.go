package explain

import (
	"context"
	"fmt"
	"math"

	"truegrain/autograd"
)

// PixelMap is a segmenting detector's own answer: p(AI) of every pixel, 1 − sigmoid(logit).
func (s Subject) PixelMap(ctx context.Context) (*Map, error) {
	var m *Map
	err := s.run(ctx, func(t *autograd.Tape) error {
		out := s.Model.Forward(t, t.Const(s.X))
		if out.Rank() != 4 || out.Dim(3) != 1 {
			return fmt.Errorf("pixel map: the output has shape %v, want one logit per pixel (B,H,W,1)", out.Shape())
		}
		logits, err := out.Values()
		if err != nil {
			return err
		}
		for i, x := range logits {
			logits[i] = float32(1 / (1 + math.Exp(float64(x))))
		}
		m = &Map{B: out.Dim(0), H: out.Dim(1), W: out.Dim(2), Kind: Probability, Values: logits}
		return nil
	})
	return m, err
}
