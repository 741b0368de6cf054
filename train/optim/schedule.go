package optim

import "math"

// Schedule is the learning rate of a step, counted from 0.
type Schedule func(step int) float64

// Constant is one rate throughout.
func Constant(lr float64) Schedule { return func(int) float64 { return lr } }

// Steps multiplies the rate by factor after every so many steps.
func Steps(lr float64, every int, factor float64) Schedule {
	return func(step int) float64 { return lr * math.Pow(factor, float64(step/every)) }
}

// Cosine warms up in a straight line over the first steps, then falls along half a cosine to a hundredth of lr at the
// end (Loshchilov & Hutter 2017).
func Cosine(lr float64, warmup, steps int) Schedule {
	return func(step int) float64 {
		if step < warmup {
			return lr * float64(step+1) / float64(warmup)
		}
		done := min(1, float64(step-warmup)/float64(max(1, steps-warmup)))
		return lr * (0.01 + 0.99*(1+math.Cos(math.Pi*done))/2)
	}
}
