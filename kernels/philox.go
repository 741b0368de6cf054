package kernels

import "math/bits"

// Philox is the counter-based generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). The same key and counter give the same four words on every backend and in any order,
// which is what makes a dropout mask independent of the split of work.
type Philox struct{ Key [2]uint32 }

const (
	philoxM0, philoxM1 = 0xD2511F53, 0xCD9E8D57
	philoxW0, philoxW1 = 0x9E3779B9, 0xBB67AE85
)

// NewPhilox keys a generator by a 64-bit seed.
func NewPhilox(seed uint64) Philox { return Philox{[2]uint32{uint32(seed), uint32(seed >> 32)}} }

// Block is the four words at one counter.
func (p Philox) Block(c [4]uint32) [4]uint32 {
	k := p.Key
	for range 10 {
		hi0, lo0 := bits.Mul32(philoxM0, c[0])
		hi1, lo1 := bits.Mul32(philoxM1, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ k[0], lo1, hi0 ^ c[3] ^ k[1], lo0}
		k[0] += philoxW0
		k[1] += philoxW1
	}
	return c
}

// Word is word i of the stream (step, node): the i%4-th word of block i/4.
func (p Philox) Word(step, node uint32, i uint64) uint32 {
	b := i / 4
	return p.Block([4]uint32{uint32(b), uint32(b >> 32), node, step})[i%4]
}

// Uniform is element i of the stream (step, node) in [0,1), with 24 bits.
func (p Philox) Uniform(step, node uint32, i uint64) float32 { return Unit(p.Word(step, node, i)) }

// Unit maps a random word to [0,1) by its top 24 bits.
func Unit(w uint32) float32 { return float32(w>>8) * (1.0 / (1 << 24)) }
