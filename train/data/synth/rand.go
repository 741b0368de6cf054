package synth

import (
	"math"

	"truegrain/kernels"
)

// rand is a stream of random numbers keyed by the set's seed, a file's pair and its class: files can be made
// in any order and on any number of cores.
type rand struct {
	philox     kernels.Philox
	step, node uint32
	n          uint64
	words      [4]uint32
}

func newRand(seed uint64, step, node uint32) *rand {
	return &rand{philox: kernels.NewPhilox(seed), step: step, node: node}
}

// float is uniform in [0,1).
func (r *rand) float() float32 {
	if r.n%4 == 0 {
		b := r.n / 4
		r.words = r.philox.Block([4]uint32{uint32(b), uint32(b >> 32), r.node, r.step})
	}
	w := r.words[r.n%4]
	r.n++
	return kernels.Unit(w)
}

// in is uniform in [lo,hi).
func (r *rand) in(lo, hi float32) float32 { return lo + (hi-lo)*r.float() }

// int is uniform in 0..n-1.
func (r *rand) int(n int) int { return int(r.float() * float32(n)) }

// normal is a standard normal deviate (Box & Muller 1958).
func (r *rand) normal() float32 {
	u, v := 1-float64(r.float()), float64(r.float())
	return float32(math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v))
}
