package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// guardedRows is a matrix of random rows between guards.
type guardedRows struct {
	rows, cols, stride int
	x                  []float32
}

func newGuardedRows(rng *rand.Rand, rows, cols, stride int, scale float32) *guardedRows {
	m := &guardedRows{rows, cols, stride, make([]float32, rows*stride+1+columnStep)}
	for i := range m.x {
		m.x[i] = guard
	}
	for r := range rows {
		for c := range m.row(r) {
			m.row(r)[c] = scale * (2*rng.Float32() - 1)
		}
	}
	return m
}

func (m *guardedRows) row(r int) []float32 { return m.x[1+r*m.stride:][:m.cols] }
func (m *guardedRows) first() *float32     { return &m.x[1] }

func (m *guardedRows) clone() *guardedRows {
	c := *m
	c.x = append([]float32(nil), m.x...)
	return &c
}

func (m *guardedRows) zeroColumn(j int) {
	for r := range m.rows {
		m.row(r)[j] = 0
	}
}

// requireNear compares elements to a relative and an absolute bound, and guards exactly.
func (m *guardedRows) requireNear(t *testing.T, got *guardedRows, rel, abs float64, what any) {
	t.Helper()
	for i, w := range m.x {
		g := got.x[i]
		if w == g || w != w && g != g {
			continue
		}
		if d := math.Abs(float64(g - w)); w == guard || !(d <= rel*math.Abs(float64(w))+abs) {
			require.Failf(t, "differs", "%v: element %d is %v, not %v", what, i, g, w)
		}
	}
}

// columnsCase is a call of the kernels on columns: scores up to size, some of them strange.
type columnsCase struct {
	rows, gap int
	size      float32
	strange   bool
	seed      uint64
}

func (tc columnsCase) compare(t *testing.T, l *level) {
	rng := rand.New(rand.NewPCG(tc.seed, 1))
	stride := columnStep + tc.gap
	x := newGuardedRows(rng, tc.rows, columnStep, stride, tc.size)
	dp := newGuardedRows(rng, tc.rows, columnStep, stride, 1)
	if tc.strange && tc.rows > 0 {
		inf := float32(math.Inf(1))
		for _, v := range []float32{nan, -inf, -inf, inf} {
			x.row(rng.IntN(tc.rows))[rng.IntN(columnStep)] = v
		}
	}
	const scale = 0.3
	row := func() *guardedRows { return newGuardedRows(rng, 1, columnStep, columnStep, 1) }
	softmax := func(k attentionKernels) (shift, sum, p *guardedRows) {
		shift, sum, p = row(), row(), x.clone()
		k.softmax(p.first(), shift.first(), sum.first(), tc.rows, stride, scale)
		return shift, sum, p
	}
	shift, sum, p := softmax(attentionGo)
	gotShift, gotSum, gotP := softmax(l.attention)
	lse, delta := sum.clone(), row()
	for j, v := range sum.row(0) {
		lse.row(0)[j] = shift.row(0)[j] + float32(math.Log(float64(v)))
		if v != v { // the maximum may be that of the numbers, or NaN
			for _, m := range []*guardedRows{shift, gotShift, p, gotP} {
				m.zeroColumn(j)
			}
		}
	}
	gradient := func(k attentionKernels) (p, ds *guardedRows) {
		p, ds = x.clone(), dp.clone()
		k.gradient(p.first(), ds.first(), lse.first(), delta.first(), tc.rows, stride, scale)
		return p, ds
	}
	again, ds := gradient(attentionGo)
	gotAgain, gotDS := gradient(l.attention)
	// The argument of an exponential, up to 2·scale·size + log rows, is rounded twice in Go, once in
	// assembly.
	exp := (2*scale*float64(tc.size) + math.Log(float64(tc.rows+1)) + 4) * 0x1p-23
	shift.requireNear(t, gotShift, 0, 0, tc)
	p.requireNear(t, gotP, exp, 1e-37, tc)
	sum.requireNear(t, gotSum, exp+float64(tc.rows)*0x1p-24, 0, tc)
	again.requireNear(t, gotAgain, exp, 1e-37, tc)
	ds.requireNear(t, gotDS, exp, 2*0x1p-24, tc)
}

func TestAttentionColumnsAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for rows := range 300 {
			columnsCase{rows, rows % 5, []float32{0, 1, 30, 300}[rows%4], rows%3 == 0,
				uint64(rows)}.compare(t, l)
		}
	})
}

func FuzzAttentionColumns(f *testing.F) {
	f.Add(uint16(197), uint8(48), float32(20), true, uint64(1))
	f.Fuzz(func(t *testing.T, rows uint16, gap uint8, size float32, strange bool, seed uint64) {
		if !(size >= 0 && size < 1e4) {
			t.Skip("the size of scores is from 0 to 1e4")
		}
		for _, l := range levels {
			if l.supported() {
				columnsCase{int(rows) % 500, int(gap), size, strange, seed}.compare(t, l)
			}
		}
	})
}

// rowsCase is a call of the kernels on rows.
type rowsCase struct {
	rows, cols, gap int
	sameFactor      bool
	seed            uint64
}

func (tc rowsCase) compare(t *testing.T, l *level) {
	rng := rand.New(rand.NewPCG(tc.seed, 1))
	src := newGuardedRows(rng, tc.rows, tc.cols, tc.cols+tc.gap, 1)
	dst := newGuardedRows(rng, tc.rows, tc.cols, tc.cols+(tc.gap+2)%5, 1)
	factors := newGuardedRows(rng, max(1, tc.rows), 1, 1, 1)
	step := 1
	if tc.sameFactor {
		step = 0
	}
	run := func(k attentionKernels) (all []*guardedRows) {
		written, added, dots := dst.clone(), dst.clone(), newGuardedRows(rng, tc.rows, 1, 1, 0)
		k.scaleRows(written.first(), src.first(), factors.first(), tc.rows, tc.cols, dst.stride,
			src.stride, step)
		k.addRows(added.first(), src.first(), factors.first(), tc.rows, tc.cols, dst.stride, src.stride, step)
		k.dotRows(dots.first(), dst.first(), src.first(), tc.rows, tc.cols, dst.stride, src.stride, 0.5)
		return []*guardedRows{written, added, dots}
	}
	want, got := run(attentionGo), run(l.attention)
	want[0].requireNear(t, got[0], 0, 0, tc)
	want[1].requireNear(t, got[1], 0, 0x1p-22, tc)
	want[2].requireNear(t, got[2], 0, float64(tc.cols)*math.Sqrt(float64(tc.cols))*0x1p-24, tc)
}

func TestAttentionRowsAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for cols := range 300 {
			rowsCase{cols % 4, cols, cols % 7, cols%2 == 0, uint64(cols)}.compare(t, l)
		}
	})
}

func FuzzAttentionRows(f *testing.F) {
	f.Add(uint8(64), uint16(64), uint8(9), true, uint64(1))
	f.Fuzz(func(t *testing.T, rows uint8, cols uint16, gap uint8, sameFactor bool, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				rowsCase{int(rows), int(cols) % 1000, int(gap), sameFactor, seed}.compare(t, l)
			}
		}
	})
}

func TestSmallProducts(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		rng := rand.New(rand.NewPCG(9, 9))
		var r smallRunner
		for _, s := range [][3]int{{1, 1, 1}, {6, 64, 64}, {197, 5, 64}, {13, 130, 300}, {64, 80, 513},
			{5, 16, 2}} {
			for _, transposed := range []bool{false, true} {
				p := small{m: s[0], n: s[1], depth: s[2], first: 1, acc: transposed, cRow: s[1] + 3}
				p.aRow, p.aStep = s[2], 1
				if transposed {
					p.aRow, p.aStep = 1, s[0]
				}
				p.a, p.b = randomFloats(rng, s[0]*s[2]), panels{randomFloats(rng, panelsLen(s[2]+2, s[1])),
					s[2] + 2}
				c := newGuardedRows(rng, p.m, p.n, p.cRow, 1)
				want := c.clone()
				for i := range p.m {
					for j, v := range want.row(i) {
						sum := 0.0
						if p.acc {
							sum = float64(v)
						}
						panel := j / l.width * l.width
						for k := range p.depth {
							b := p.b.x[panel*p.b.rows+(k+p.first)*l.panelWidth(p.n, panel)+j-panel]
							sum += float64(p.a[i*p.aRow+k*p.aStep]) * float64(b)
						}
						want.row(i)[j] = float32(sum)
					}
				}
				p.c = c.x[1:]
				r.run(l, &p)
				want.requireNear(t, c, 0, float64(p.depth+1)*0x1p-22, s)
			}
		}
	})
}
