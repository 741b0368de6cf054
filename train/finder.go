package train

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Rate is one learning rate that was tried, with the smoothed loss behind it.
type Rate struct{ LR, Loss float64 }

// errFound ends the trial of rates.
var errFound = errors.New("enough rates were tried")

// FindRate tries rates from lo to hi, each a constant factor above the one before, over so many updates,
// until the loss explodes (Smith, "Cyclical learning rates for training neural networks", 2017). The loop is
// spent afterwards: its model has been through all of it. Nothing is validated or saved.
func FindRate(ctx context.Context, l *Loop, lo, hi float64, updates int) ([]Rate, error) {
	var tried []Rate
	var mean float64
	best := math.Inf(1)
	factor := math.Pow(hi/lo, 1/float64(max(updates-1, 1)))
	l.Schedule = func(step int) float64 { return lo * math.Pow(factor, float64(step)) }
	l.Checkpoints, l.Val, l.Epochs, l.Patience, l.Enough = nil, nil, math.MaxInt, 0, 0
	l.Watch = func(p Progress) error {
		if p.Done != nil || !p.Updated {
			return nil
		}
		const keep = 0.9
		mean = keep*mean + (1-keep)*p.Loss
		loss := mean / (1 - math.Pow(keep, float64(len(tried)+1))) // as if it had always been smoothed
		tried = append(tried, Rate{p.LR, loss})
		best = min(best, loss)
		if len(tried) >= updates || len(tried) > 10 && loss > 4*best {
			return errFound
		}
		return nil
	}
	_, err := l.Run(ctx)
	if errors.Is(err, errFound) || errors.Is(err, ErrDiverged) {
		err = nil
	}
	if err == nil && len(tried) < 10 {
		err = fmt.Errorf("only %d updates were possible before the numbers ran away: try lower rates",
			len(tried))
	}
	return tried, err
}

// Suggest picks the rate at which the loss fell fastest, by the slope over some neighbours of the logarithm
// of the rate.
func Suggest(tried []Rate) float64 {
	const near = 3
	steepest, at := math.Inf(1), tried[len(tried)/2].LR
	for i := near; i+near < len(tried); i++ {
		a, b := tried[i-near], tried[i+near]
		if slope := (b.Loss - a.Loss) / math.Log(b.LR/a.LR); slope < steepest {
			steepest, at = slope, tried[i].LR
		}
	}
	return at
}
