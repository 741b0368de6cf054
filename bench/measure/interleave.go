package measure

import (
	"context"
	"runtime"
	"time"
)

// Plan says how long to measure. The zero value of a field takes the default.
type Plan struct {
	Budget     time.Duration // for each part, 250 ms
	Sample     time.Duration // a sample repeats a part for about that long, 5 ms
	MinSamples int           // 5, also if that is over the budget
	MaxSamples int           // 200
}

func (p Plan) withDefaults() Plan {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if p.Budget == 0 {
		p.Budget = 250 * time.Millisecond
	}
	if p.Sample == 0 {
		p.Sample = 5 * time.Millisecond
	}
	or(&p.MinSamples, 5)
	or(&p.MaxSamples, 200)
	return p
}

// tooLong is from when on a single call is enough of a sample, so that few are taken even if that is inexact.
const tooLong = 5 * time.Second

// Interleave times parts in turn, A B C A B C ..., so that whatever else the machine does meets all of them
// alike. A sample is the mean of as many calls as fill Plan.Sample, behind one call that is not counted and
// brings the part's data back into the caches. It returns the samples of each part, or the context's error.
func Interleave(ctx context.Context, p Plan, parts ...func()) ([]Samples, error) {
	p = p.withDefaults()
	calls := make([]int, len(parts))
	for i, f := range parts {
		calls[i] = calibrate(f, p.Sample)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	runtime.GC()
	out := make([]Samples, len(parts))
	spent := time.Duration(0)
	for round := 0; round < p.MaxSamples; round++ {
		longest := time.Duration(0)
		for i, f := range parts {
			start := time.Now()
			s := sample(f, calls[i])
			out[i] = append(out[i], s)
			took := time.Since(start)
			spent += took
			longest = max(longest, took)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
		enough := round+1 >= p.MinSamples || longest > tooLong
		if enough && spent > p.Budget*time.Duration(len(parts)) {
			break
		}
	}
	return out, nil
}

// calibrate is the number of calls that fill a sample.
func calibrate(f func(), sample time.Duration) int {
	f() // warms up: the first call may allocate, and finds its data in memory
	for n := 1; ; {
		start := time.Now()
		for range n {
			f()
		}
		took := time.Since(start)
		if took >= sample/2 {
			return max(1, int(float64(n)*float64(sample)/float64(took)))
		}
		n = max(2*n, int(float64(n)*float64(sample)/float64(took+1)*0.6))
	}
}

// sample is the seconds of one call, the mean of n.
func sample(f func(), n int) float64 {
	if n > 1 {
		f()
	}
	start := time.Now()
	for range n {
		f()
	}
	return time.Since(start).Seconds() / float64(n)
}
