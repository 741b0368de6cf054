package nn

import (
	"hash/fnv"
	"math"

	"truegrain/kernels"
)

// Stream is a run of random numbers that depends on a seed and a name only, so that a parameter's initial
// value does not change when another layer joins the model.
type Stream struct {
	philox kernels.Philox
	block  [4]uint32
	next   uint64
}

// NewStream keys Philox by the seed and the FNV-1a hash of the name.
func NewStream(seed uint64, name string) *Stream {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &Stream{philox: kernels.NewPhilox(h.Sum64() ^ seed*0x9E3779B97F4A7C15)}
}

// Uniform is the next number in (0,1): the middle of one of 2^24 equal parts.
func (s *Stream) Uniform() float64 {
	if s.next%4 == 0 {
		b := s.next / 4
		s.block = s.philox.Block([4]uint32{uint32(b), uint32(b >> 32)})
	}
	w := s.block[s.next%4]
	s.next++
	return (float64(w>>8) + 0.5) / (1 << 24)
}

// Normal is the next standard normal number, by inversion of the distribution function.
func (s *Stream) Normal() float64 { return math.Sqrt2 * math.Erfinv(2*s.Uniform()-1) }
