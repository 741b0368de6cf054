package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// guard stands around every output: a kernel that writes outside its columns changes it.
const guard = float32(-12345.5)

// tileCase is one call of a tile kernel on random data.
type tileCase struct {
	rows, cols, segments, depth, aStep, bStep, tiles, flags int
	pairs                                                   bool
}

// segments are of a depth, or less by the index, and end parts of the sum now and then; lengths of a row of A
// and of B are given.
func (tc tileCase) list(rng *rand.Rand, a, b int) (out []segment) {
	ended := false
	for i := range tc.segments {
		s := segment{a: 4 * rng.IntN(a), b: 4 * rng.IntN(b), depth: max(0, tc.depth-i)}
		switch {
		case i == tc.segments-1 && ended:
			s.sum = sumLast
		case i == tc.segments-1 || rng.IntN(3) > 0:
		case ended:
			s.sum = sumNext
		default:
			s.sum, ended = sumFirst, true
		}
		out = append(out, s)
	}
	return out
}

// compare runs the kernel of a level and tileGo on equal arguments and compares their outputs.
func (tc tileCase) compare(t *testing.T, l *level, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	const rowsInA = 9
	a := randomFloats(rng, rowsInA*(2*max(1, tc.depth)*tc.aStep+3))
	b := randomFloats(rng, (tc.depth+3)*tc.bStep+l.width)
	segments := tc.list(rng, max(1, tc.depth*tc.aStep), max(1, 3*tc.bStep))
	bias := randomFloats(rng, tc.cols)
	total := tc.rows * tc.tiles
	stride := tc.cols + 2
	res := randomFloats(rng, total*stride)
	set, inGo := l.tiles, tileGo(tc.rows)
	if tc.pairs {
		set, inGo = l.pairTiles, pairTileGo(tc.rows)
		for _, x := range [][]float32{a, b} {
			for i, v := range halves16(x) {
				halves16(x)[i] = kernels.BF16Bits(float32(v)/(1<<15) - 1)
			}
		}
	}
	aOff, cOff := make([]int64, total), make([]int64, total)
	for i := range aOff {
		aOff[i] = int64(4 * rng.IntN(rowsInA) * (len(a) / rowsInA))
	}
	for i, p := range rng.Perm(total) {
		cOff[i] = int64(4 * (p*stride + 1))
	}
	run := func(k tileKernel) []float32 {
		c := make([]float32, total*stride)
		for i := range c {
			c[i] = guard
		}
		sums := make([]float32, tileRows*maxWidth)
		args := &tileArgs{
			a: address(a, 0), aStep: 4 * tc.aStep, aOff: uintptr(unsafe.Pointer(&aOff[0])),
			b: address(b, 0), bStep: 4 * tc.bStep, sums: address(sums, 0),
			segments: uintptr(unsafe.Pointer(unsafe.SliceData(segments))), count: len(segments),
			c: address(c, 0), cOff: uintptr(unsafe.Pointer(&cOff[0])), res: address(res, 0) - address(c, 0),
			bias: address(bias, 0), cols: tc.cols, flags: tc.flags, tiles: tc.tiles,
		}
		k(args)
		runtime.KeepAlive([]any{a, b, bias, res, aOff, cOff, segments, sums})
		return c
	}
	want, got := run(inGo), run(tile(set, tc.cols)[tc.rows-1])
	// Values are below 1 in size: both sums err by less than n·2⁻²⁴ times at most n, n the number of terms.
	n := float64(tc.segments*tc.depth + 3)
	if tc.pairs {
		n *= 2
	}
	for i := range want {
		if want[i] == guard {
			require.Equal(t, guard, got[i], "%+v: element %d is outside the tile", tc, i)
			continue
		}
		require.InDelta(t, want[i], got[i], n*(4+4*math.Sqrt(n))*0x1p-24, "%+v: element %d", tc, i)
	}
}

func randomFloats(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*rng.Float32() - 1
	}
	return x
}

// forLevels runs f for every level that this processor has.
func forLevels(t *testing.T, f func(t *testing.T, l *level)) {
	for _, l := range levels {
		t.Run(l.name, func(t *testing.T) {
			if !l.supported() {
				t.Skip("this processor has no " + l.name)
			}
			f(t, l)
		})
	}
}

func TestTileAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for rows := 1; rows <= tileRows; rows++ {
			for cols := 1; cols <= l.width; cols++ {
				for i, depth := range []int{0, 1, 3, 4, 5, 11} {
					tc := tileCase{rows, cols, (cols + i) % 6, depth, 1 + cols%3, cols + i, 1 + i%3,
						(cols + 3*i + rows) % 8, false}
					tc.compare(t, l, uint64(cols))
					if tc.pairs = true; l.pairTiles != nil {
						tc.compare(t, l, uint64(cols))
					}
				}
			}
		}
	})
}

func FuzzTile(f *testing.F) {
	f.Add(uint8(6), uint8(64), uint8(9), uint8(64), uint8(1), uint8(64), uint8(2), uint8(7), uint64(1))
	f.Add(uint8(1), uint8(1), uint8(0), uint8(0), uint8(5), uint8(3), uint8(1), uint8(0), uint64(2))
	f.Fuzz(func(t *testing.T, rows, cols, segments, depth, aStep, bStep, tiles, flags uint8, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				tileCase{1 + int(rows)%tileRows, 1 + int(cols)%l.width, int(segments) % 12, int(depth) % 80,
					1 + int(aStep)%9, int(bStep), 1 + int(tiles)%4, int(flags) % 8,
					flags >= 128 && l.pairTiles != nil}.compare(t, l, seed)
			}
		}
	})
}

func TestTileReLUKeepsNaN(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		c := make([]float32, 3)
		b.gemm(gemm{m: 1, n: 3, k: 1, alpha: 1, lda: 1, ldb: 3, ldc: 3, act: 1,
			a: []float32{1}, b: []float32{nan, -2, 3}, c: c})
		require.Equal(t, "[NaN 0 3]", fmt.Sprint(c))
	})
}

var nan = float32(math.NaN())

// of is a Buf of a slice, written a Grad that overwrites it.
func of(x []float32) kernels.Buf       { return kernels.Of(x) }
func written(x []float32) kernels.Grad { return kernels.Grad{Buf: kernels.Of(x)} }
