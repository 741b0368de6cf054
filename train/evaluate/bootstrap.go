package evaluate

import (
	"encoding/json"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"truegrain/kernels"
	"truegrain/nn/card"
)

// Estimate is a number with its 95 % interval. It is not Defined where the pictures can't tell it, as an AUC
// of one class; as JSON it is null then.
type Estimate struct{ Value, Lo, Hi float64 }

// Defined says that there is a number.
func (e Estimate) Defined() bool { return !math.IsNaN(e.Value) }

// MarshalJSON writes {"value":…,"lo":…,"hi":…} or null.
func (e Estimate) MarshalJSON() ([]byte, error) {
	if !e.Defined() {
		return []byte("null"), nil
	}
	return json.Marshal(struct {
		Value float64 `json:"value"`
		Lo    float64 `json:"lo"`
		Hi    float64 `json:"hi"`
	}{e.Value, e.Lo, e.Hi})
}

// Bootstrap sets how intervals are found.
type Bootstrap struct {
	Samples int // 0: none, and every interval is its value alone
	Seed    uint64
}

// chunk is how many samples a worker takes at a time.
const chunk = 16

// estimate measures pictures and draws samples of them.
func (b Bootstrap) estimate(p []float64, ai []bool) (out [measures]Estimate) {
	r := rank(p, ai)
	at := r.measure(r.counts())
	drawn := make([]values, b.Samples)
	parallel(b.Samples, func() func(from, to int) {
		a, n := make([]int32, len(r.p)), make([]int32, len(r.p)) // of one worker
		return func(from, to int) {
			for s := from; s < to; s++ {
				b.draw(r.ai, a, uint32(s), 0)
				b.draw(r.real, n, uint32(s), 1)
				drawn[s] = r.measure(a, n)
			}
		}
	})
	column := make([]float64, b.Samples)
	for m := range out {
		for s := range drawn {
			column[s] = drawn[s][m]
		}
		out[m] = interval(at[m], column)
	}
	b.certain(&out, confusionOf(p, ai))
	return out
}

// draw counts len(groups) pictures, drawn with replacement, by their group.
func (b Bootstrap) draw(groups, counts []int32, sample, class uint32) {
	const node = 0xb007
	clear(counts)
	rng, n := kernels.NewPhilox(b.Seed), uint64(len(groups))
	for i := 0; i < len(groups); i += 4 {
		words := rng.Block([4]uint32{uint32(i / 4), class, sample, node})
		for _, w := range words[:min(4, len(groups)-i)] {
			counts[groups[uint64(w)*n>>32]]++
		}
	}
}

// certain gives shares of exactly 0 or 1, which do not vary under resampling, Wilson's interval.
func (b Bootstrap) certain(out *[measures]Estimate, c Confusion) {
	if b.Samples == 0 {
		return
	}
	for _, s := range []struct {
		m    Measure
		k, n int
	}{{Accuracy, c.TP + c.TN, c.N()}, {Recall, c.TP, c.TP + c.FN}, {Precision, c.TP, c.TP + c.FP},
		{AIRate, c.TP + c.FP, c.N()}} {
		if e := &out[s.m]; e.Defined() && s.n > 0 && e.Lo == e.Hi {
			e.Lo, e.Hi = card.Wilson(s.k, s.n)
		}
	}
}

// interval is the 2.5th to the 97.5th percentile of what was drawn. It sorts drawn.
func interval(value float64, drawn []float64) Estimate {
	drawn = slices.DeleteFunc(slices.Clone(drawn), math.IsNaN)
	if len(drawn) == 0 || math.IsNaN(value) {
		return Estimate{value, value, value}
	}
	slices.Sort(drawn)
	return Estimate{value, quantile(drawn, 0.025), quantile(drawn, 0.975)}
}

// quantile is on a straight line between the two nearest of sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// mean is the mean of one number per picture, and its interval under drawing pictures anew. What is not a
// number does not count.
func (b Bootstrap) mean(of []float64) Estimate {
	of = slices.DeleteFunc(slices.Clone(of), math.IsNaN)
	if len(of) == 0 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	var sum float64
	for _, v := range of {
		sum += v
	}
	drawn := make([]float64, b.Samples)
	parallel(b.Samples, func() func(from, to int) {
		return func(from, to int) {
			for s := from; s < to; s++ {
				drawn[s] = b.resampledMean(of, uint32(s))
			}
		}
	})
	return interval(sum/float64(len(of)), drawn)
}

func (b Bootstrap) resampledMean(of []float64, sample uint32) (sum float64) {
	const node = 0xb008
	rng, n := kernels.NewPhilox(b.Seed), uint64(len(of))
	for i := 0; i < len(of); i += 4 {
		words := rng.Block([4]uint32{uint32(i / 4), 0, sample, node})
		for _, w := range words[:min(4, len(of)-i)] {
			sum += of[uint64(w)*n>>32]
		}
	}
	return sum / float64(len(of))
}

// parallel runs 0..n in fixed chunks on every core; each worker has a function of its own.
func parallel(n int, worker func() func(from, to int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) {
		wg.Go(func() {
			f := worker()
			for {
				from := int(next.Add(chunk)) - chunk
				if from >= n {
					return
				}
				f(from, min(from+chunk, n))
			}
		})
	}
	wg.Wait()
}
