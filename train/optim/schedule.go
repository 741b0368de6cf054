package optim

import "math"

// Schedule is the learning rate of an update, counted from 0.
type Schedule func(step int) float64

// Constant is one rate throughout.
func Constant(lr float64) Schedule { return func(int) float64 { return lr } }

// Steps multiplies the rate by factor after every so many updates.
func Steps(lr float64, every int, factor float64) Schedule {
	return func(step int) float64 { return lr * math.Pow(factor, float64(step/max(1, every))) }
}

// Cosine falls from lr along half a cosine to a share of it at the end (Loshchilov & Hutter 2017).
func Cosine(lr, floor float64, steps int) Schedule {
	return func(step int) float64 {
		done := min(1, float64(step)/float64(max(1, steps)))
		return lr * (floor + (1-floor)*(1+math.Cos(math.Pi*done))/2)
	}
}

// Warmup goes to the rate that a schedule begins with, in a straight line over some updates, and then follows
// it.
func Warmup(updates int, s Schedule) Schedule {
	return func(step int) float64 {
		if step < updates {
			return s(0) * float64(step+1) / float64(updates)
		}
		return s(step - updates)
	}
}

// Phase is a schedule with the number of updates that it lasts.
type Phase struct {
	Updates int
	Schedule
}

// Phases is one schedule after another; the last one goes on.
func Phases(phases ...Phase) Schedule {
	return func(step int) float64 {
		last := len(phases) - 1
		for _, p := range phases[:last] {
			if step < p.Updates {
				return p.Schedule(step)
			}
			step -= p.Updates
		}
		return phases[last].Schedule(step)
	}
}
