package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// arena hands out slices between guard values, some of them on a cache line.
type arena struct {
	rng            *rand.Rand
	slices, around [][]float32
}

// slice is n values, one in eight of them special.
func (a *arena) slice(n int, aligned bool) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), nan, float32(math.Inf(1)), float32(math.Inf(-1)),
		1e-40}
	whole := make([]float32, n+48)
	for i := range whole {
		whole[i] = guard
	}
	from := 17
	if aligned {
		from = 16 + int(-uintptr(unsafe.Pointer(&whole[0]))%64/4)
	}
	x := whole[from : from+n : from+n]
	for i := range x {
		x[i] = 2*a.rng.Float32() - 1
		if a.rng.IntN(8) == 0 {
			x[i] = special[a.rng.IntN(len(special))]
		}
	}
	a.slices, a.around = append(a.slices, x), append(a.around, whole[:from], whole[from+n:])
	return x
}

// same fails unless the slices of two arenas hold the same values, but for an error of so much, and the
// guards are as they were. NaN is NaN.
func (a *arena) same(t *testing.T, got *arena, tolerance float64, name string) {
	t.Helper()
	for k, want := range a.slices {
		for i, w := range want {
			g := got.slices[k][i]
			if w == g && math.Signbit(float64(w)) == math.Signbit(float64(g)) || w != w && g != g {
				continue
			}
			if math.Abs(float64(w)-float64(g)) > tolerance || w != w || g != g {
				require.Equal(t, w, g, "%s: slice %d element %d of %d", name, k, i, len(want))
			}
		}
	}
	for k, part := range got.around {
		for i, v := range part {
			require.Equal(t, guard, v, "%s: guard %d element %d", name, k, i)
		}
	}
}

// streamCall is one call of a kernel on slices of n elements from an arena.
type streamCall struct {
	name      string
	tolerance float64
	call      func(s *streamKernels, a *arena, n, flags, lanes int)
}

// eps bounds the difference of one rounding: values are below 8.
const eps = 8 * 0x1p-23

var streamCalls = []streamCall{
	{"add", 0, func(s *streamKernels, a *arena, n, flags, _ int) {
		s.add(a.slice(n, true), a.slice(n, false), a.slice(n, false), flags&flagPast)
	}},
	{"multiply", 0, func(s *streamKernels, a *arena, n, flags, _ int) {
		s.multiply(a.slice(n, true), a.slice(n, false), a.slice(n, false), flags&flagPast)
	}},
	{"scale", 0, func(s *streamKernels, a *arena, n, flags, _ int) {
		s.scale(a.slice(n, true), a.slice(n, false), 0.3, flags&flagPast)
	}},
	{"fill", 0, func(s *streamKernels, a *arena, n, flags, _ int) {
		s.fill(a.slice(n, true), 0.3, flags&flagPast)
	}},
	{"rectify", 0, func(s *streamKernels, a *arena, n, flags, _ int) {
		s.rectify(a.slice(n, true), a.slice(n, false), flags&flagPast)
	}},
	{"gate", 0, func(s *streamKernels, a *arena, n, flags, _ int) {
		s.gate(a.slice(n, true), a.slice(n, false), a.slice(n, false), flags)
	}},
	{"bias", 0, func(s *streamKernels, a *arena, n, flags, lanes int) {
		k := columns{c: 1 + n%7, width: (1 + n%7) * (1 + n%5), lanes: lanes}
		coef := k.coef(a.slice(k.c, false))
		s.bias(a.slice(n, false), a.slice(n, false), coef, k.width, 0)
	}},
	{"sgd", 0, func(s *streamKernels, a *arena, n, _, _ int) {
		s.sgd(a.slice(n, false), a.slice(n, false), 0.1, 0.01, 0)
	}},
	{"momentum", 0, func(s *streamKernels, a *arena, n, _, _ int) {
		s.momentum(a.slice(n, false), a.slice(n, false), a.slice(n, false), 0.1, 0.9, 0.01, 0)
	}},
	{"adam", 0, func(s *streamKernels, a *arena, n, _, _ int) {
		s.adam(a.slice(n, false), a.slice(n, false), a.slice(n, false), a.slice(n, false),
			0.9, 0.1, 0.99, 0.01, 0.1, 1.5, 1e-8, 0.01, 0.999, 0)
	}},
	{"normalize", 2 * eps, func(s *streamKernels, a *arena, n, flags, lanes int) {
		k, p := normColumns(a, n, lanes, 3)
		s.normalize(a.slice(n, true), a.slice(n, false), a.slice(n, false), p, k.width, stepOf(k, n), flags)
	}},
	{"normGradient", 4 * eps, func(s *streamKernels, a *arena, n, flags, lanes int) {
		k, p := normColumns(a, n, lanes, 4)
		if k.width%lanes != 0 {
			flags &^= flagPast
		}
		s.normGradient(a.slice(n, true), a.slice(n, false), a.slice(n, false), a.slice(n, false),
			a.slice(n, true), p, k.width, stepOf(k, n), flags)
	}},
}

// stepOf is how far apart rows begin, in whole vectors.
func stepOf(k columns, n int) int { return k.width + 16*(n%3) }

// normColumns is columns whose rows of n elements are whole vectors, so that flagPast is right for them, and
// the same parameters for kernels of any number of lanes.
func normColumns(a *arena, n, lanes, planes int) (columns, []float32) {
	k := columns{c: 1 + n%7, width: 64 * (1 + n%7), lanes: lanes}
	var all [][]float32
	for range planes {
		all = append(all, a.slice(k.c, false))
	}
	return k, k.coef(all...)
}

// compare runs a kernel of a level and the Go one on equal slices.
func (c streamCall) compare(t *testing.T, l *level, n, flags int, seed uint64) {
	t.Helper()
	run := func(s *streamKernels, lanes int) *arena {
		a := &arena{rng: rand.New(rand.NewPCG(seed, uint64(n)))}
		c.call(s, a, n, flags, lanes)
		return a
	}
	name := fmt.Sprintf("%s n %d flags %b", c.name, n, flags)
	run(&streamGo, genericLanes).same(t, run(l.stream, l.lanes), c.tolerance, name)
}

func TestStreamAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for _, c := range streamCalls {
			for n := range 1000 {
				c.compare(t, l, n, n%512, 1)
				c.compare(t, l, n, n/2%512, 2)
			}
		}
	})
}

func FuzzStream(f *testing.F) {
	for i := range streamCalls {
		f.Add(uint8(i), uint16(77), uint16(3), uint64(1))
	}
	f.Fuzz(func(t *testing.T, kernel uint8, n, flags uint16, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				c := streamCalls[int(kernel)%len(streamCalls)]
				c.compare(t, l, int(n)%3000, int(flags)%512, seed)
			}
		}
	})
}
