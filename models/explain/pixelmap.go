package explain

import (
	"context"
	"fmt"
	"math"
)

// PixelMap is a segmenting detector's own answer: p(AI) of every pixel, 1 − sigmoid(logit).
func (s Subject) PixelMap(ctx context.Context) (*Map, error) {
	return s.one(ctx, Want{}, func(p *Pass) (*Map, error) { return p.PixelMap() })
}

// PixelMap is Subject.PixelMap in this pass.
func (p *Pass) PixelMap() (*Map, error) {
	out := p.out
	if out.Rank() != 4 || out.Dim(3) != 1 {
		return nil, fmt.Errorf("pixel map: the output has shape %v, want one logit per pixel (B,H,W,1)",
			out.Shape())
	}
	logits, err := out.Values()
	if err != nil {
		return nil, err
	}
	for i, x := range logits {
		logits[i] = float32(1 / (1 + math.Exp(float64(x))))
	}
	return &Map{B: out.Dim(0), H: out.Dim(1), W: out.Dim(2), Kind: Probability, Values: logits}, nil
}
