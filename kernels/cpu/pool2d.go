package cpu

import (
	"slices"

	"truegrain/kernels"
)

// span is what lies of one window in the picture, along one axis: n elements, the first one's coordinate; and
// how many the window has, padding included. On the way back it is the windows that may hold a pixel.
type span struct{ first, n, full int }

// spans is those of the out windows over n pixels. What hangs over the padded end is no part of a window.
func spans(out, n, k, stride, pad, dil int) []span {
	return spansInto(nil, out, n, k, stride, pad, dil)
}

// spansInto is spans in the memory of s, if there is enough.
func spansInto(s []span, out, n, k, stride, pad, dil int) []span {
	s = slices.Grow(s[:0], out)[:out]
	for i := range s {
		start := i*stride - pad
		skip := max(0, (-start+dil-1)/dil)
		end := min(k, max(0, (n-start+dil-1)/dil))
		s[i] = span{start + skip*dil, max(0, end-skip), min(k, (n+pad-start+dil-1)/dil)}
	}
	return s
}

// holders is the windows that reach over each of n pixels; where they are dilated, some have gaps there.
func holders(out, n, k, stride, pad, dil int) []span {
	s := make([]span, n)
	for i := range s {
		first := max(0, (i+pad-dil*(k-1)+stride-1)/stride)
		s[i] = span{first, max(0, min(out-1, (i+pad)/stride)-first+1), 0}
	}
	return s
}

// poolRun is count positions along a row, from at on, whose spans are that of the first, moved by the same
// step from one to the next.
type poolRun struct {
	span
	at, count int
}

// poolWork is how many elements one call of a kernel visits: some 30 µs.
const poolWork = 1 << 19

// runsOf cuts a row of positions in runs, which skip step-1 positions each time and whose spans then move by
// move. visits is how many elements one position looks at.
func runsOf(spans []span, step, move, visits int) []poolRun {
	return runsInto(nil, spans, step, move, visits)
}

// runsInto is runsOf in the memory of runs, if there is enough.
func runsInto(runs []poolRun, spans []span, step, move, visits int) []poolRun {
	runs = runs[:0]
	most := max(1, poolWork/max(1, visits))
	for phase := range min(step, len(spans)) {
		fresh := true
		for i := phase; i < len(spans); i += step {
			if !fresh && runs[len(runs)-1].takes(spans[i], move, most) {
				runs[len(runs)-1].count++
				continue
			}
			runs = append(runs, poolRun{spans[i], i, 1})
			fresh = false
		}
	}
	return runs
}

// takes says whether s is the span of the run's next position, and there is room.
func (r poolRun) takes(s span, move, most int) bool {
	same := s.n == r.n && s.full == r.full && (s.n == 0 || s.first == r.first+r.count*move)
	return same && r.count < most
}

// poolRows calls f for all of the rows of a pooling, which have n elements and visit so many for each.
func (b *Backend) poolRows(rows, n, visits int, f func(args *poolArgs, r int)) {
	if n == 0 {
		return
	}
	b.parallel(rows, rowGrain(n*(1+visits/4)), func(lo, hi int) {
		args := b.pools.get()
		for r := lo; r < hi; r++ {
			f(args, r)
		}
		*args = poolArgs{} // keep nothing alive
		b.pools.put(args)
	})
}

// poolTables is the windows of one call along both axes, in memory that is kept from one call to the next.
type poolTables struct {
	rows, cols []span
	runs       []poolRun
}

// tables are those of a pooling forward.
func (b *Backend) tables(w kernels.Window, h, wd, oh, ow, c int) *poolTables {
	t := b.poolings.get()
	t.rows = spansInto(t.rows, oh, h, w.KH, w.StrideH, w.PadH, w.DilH)
	t.cols = spansInto(t.cols, ow, wd, w.KW, w.StrideW, w.PadW, w.DilW)
	t.runs = runsInto(t.runs, t.cols, 1, w.StrideW, w.KH*w.KW*c)
	return t
}

// flag is 1 for yes.
func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// The kernels in Go: level generic, and what the assembly is tested against.

// windows calls f for every element of every window of a run of positions: the position, where the element's
// channels are behind in (in bytes), and its place.
func (args *poolArgs) windows(f func(position, offset int, place int32)) {
	for i := range args.positions {
		place := int32(args.first + i*args.place)
		for r := range args.rows {
			for q := range args.cols {
				f(i, i*args.inStep+r*args.rowStep+q*args.colStep, place)
				place += int32(args.colPlace)
			}
			place += int32(args.rowPlace)
		}
	}
}

func (args *poolArgs) output(i int) []float32 { return rowAt(args.out, i*args.outStep, args.channels) }

func (args *poolArgs) firstElements() {
	for i := range args.positions {
		copy(args.output(i), rowAt(args.in, i*args.inStep, args.channels))
	}
}

// wins says that v replaces the best before it: a NaN beats all, and the first one stays.
func wins(v, best float32) bool { return v > best || v != v && best == best }

func maxPoolGo(args *poolArgs) {
	args.firstElements()
	args.windows(func(i, offset int, _ int32) {
		best := args.output(i)
		for j, v := range rowAt(args.in, offset, args.channels) {
			if wins(v, best[j]) {
				best[j] = v
			}
		}
	})
}

func maxPoolIndexGo(args *poolArgs) {
	args.firstElements()
	places := func(i int) []int32 { return rowAt(args.index, i*args.outStep, args.channels) }
	for i := range args.positions {
		for j := range args.channels {
			places(i)[j] = int32(args.first + i*args.place)
		}
	}
	args.windows(func(i, offset int, place int32) {
		best, places := args.output(i), places(i)
		for j, v := range rowAt(args.in, offset, args.channels) {
			if wins(v, best[j]) {
				best[j], places[j] = v, place
			}
		}
	})
}

func maxUnpoolGo(args *poolArgs) {
	if args.add == 0 {
		for i := range args.positions {
			clear(args.output(i))
		}
	}
	args.windows(func(i, offset int, _ int32) {
		out, places := args.output(i), rowAt(args.index, offset, args.channels)
		here := int32(args.first + i*args.place)
		for j, v := range rowAt(args.in, offset, args.channels) {
			if places[j] == here {
				out[j] += v
			}
		}
	})
}

func sumPoolGo(args *poolArgs) {
	sum := make([]float32, args.positions*args.channels)
	args.windows(func(i, offset int, _ int32) {
		s := sum[i*args.channels:]
		for j, v := range rowAt(args.in, offset, args.channels) {
			s[j] += v
		}
	})
	for i := range args.positions {
		out := args.output(i)
		for j := range out {
			v := float32(args.scale * sum[i*args.channels+j])
			if args.add != 0 {
				v += out[j]
			}
			out[j] = v
		}
	}
}

// aligned says whether vectors of c elements that follow a large output's first one can go past the caches.
func (b *Backend) aligned(out []float32, c int) bool { return c%b.level.lanes == 0 && b.past(out) != 0 }
