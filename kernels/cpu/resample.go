package cpu

import "unsafe"

// axisMap is a linear map along the rows or the columns of a picture: output i is Σ weights·input over n
// inputs from the first of its reach on; the weights of all reaches stand one after the other. First inputs,
// and ends, never go down.
type axisMap struct {
	reaches []reach // from counts inputs
	starts  []int   // of the reaches' weights
	weights []float32
}

func (a *axisMap) add(from int, weights ...float32) {
	a.reaches = append(a.reaches, reach{from, len(weights)})
	a.starts = append(a.starts, len(a.weights))
	a.weights = append(a.weights, weights...)
}

// average is the next output: the sum of n inputs from the first on, divided by full.
func (a *axisMap) average(first, n, full int) {
	a.add(first)
	for range n {
		a.weights = append(a.weights, 1/float32(full))
	}
	a.reaches[len(a.reaches)-1].n = n
}

// clear is the map without outputs, in its memory.
func (a *axisMap) clear() {
	a.reaches, a.starts, a.weights = a.reaches[:0], a.starts[:0], a.weights[:0]
}

// transposed is the map back, to n inputs.
func (a axisMap) transposed(n int) (t axisMap) {
	first := 0
	for i := range n {
		for first < len(a.reaches) && a.reaches[first].from+a.reaches[first].n <= i {
			first++
		}
		var w []float32
		for j := first; j < len(a.reaches) && a.reaches[j].from <= i; j++ {
			w = append(w, a.weights[a.starts[j]+i-a.reaches[j].from])
		}
		t.add(first, w...)
	}
	return t
}

// scaled is the reaches with their first inputs so many bytes apart, in the memory of out.
func (a *axisMap) scaled(out []reach, step int) []reach {
	out = out[:0]
	for _, k := range a.reaches {
		out = append(out, reach{k.from * step, k.n})
	}
	return out
}

// resampling is a map that works along rows and columns one after the other: averages, bilinear
// interpolation, and their gradients. Pictures (batch,h,w,c) become (batch,oh,ow,c).
type resampling struct {
	batch, h, w, c, oh, ow int
	rows, cols             axisMap // from h to oh and from w to ow
	columns                []reach // of cols, in bytes
}

// resampling is one without maps, in memory that is kept from one call to the next.
func (b *Backend) resampling(batch, h, w, c, oh, ow int) *resampling {
	s := b.resamplings.get()
	s.batch, s.h, s.w, s.c, s.oh, s.ow = batch, h, w, c, oh, ow
	s.rows.clear()
	s.cols.clear()
	return s
}

// backward is the gradient's map.
func (s *resampling) backward() *resampling {
	return &resampling{batch: s.batch, h: s.oh, w: s.ow, c: s.c, oh: s.h, ow: s.w,
		rows: s.rows.transposed(s.h), cols: s.cols.transposed(s.w)}
}

// resample computes y, or adds to it with flagAdd, and takes s back. Rows are combined where there are fewer
// of them, since whole rows are long vectors, and pixels may be short ones.
func (b *Backend) resample(s *resampling, x, y []float32, flags int) {
	defer b.resamplings.put(s)
	if s.batch*s.oh*s.ow*s.c == 0 {
		return
	}
	if s.ow*s.c%16 == 0 && flags&flagAdd == 0 {
		flags |= b.past(y)
	}
	s.columns = s.cols.scaled(s.columns, 4*s.c)
	perPicture := min(s.oh, ceil(max(s.h*s.w, s.oh*s.ow)*s.c, resampleWork))
	if s.oh <= s.h {
		perPicture = min(perPicture, ceil(s.oh, combinedRows))
	}
	over(b, s.batch*perPicture, 1, mixed{s, x, y, flags, perPicture}, (*Backend).mix)
}

// mixed is one call of resample, every picture cut in so many parts.
type mixed struct {
	*resampling
	x, y              []float32
	flags, perPicture int
}

// mix computes part i.
func (b *Backend) mix(s *mixed, i, _ int) {
	m := b.mixers.get()
	defer b.mixers.put(m)
	m.b, m.mixed = b, *s
	p := i % s.perPicture
	if from, to := p*s.oh/s.perPicture, (p+1)*s.oh/s.perPicture; s.oh > s.h {
		m.widenFirst(i/s.perPicture, from, to)
	} else {
		m.combineFirst(i/s.perPicture, from, to)
	}
	m.mixed = mixed{} // keep nothing alive
}

// resampleWork is how many elements of the larger picture a chunk has: some 20 µs. Where rows are combined
// first, a chunk has at least so many rows of the result, since neighbours read the same ones.
const resampleWork, combinedRows = 1 << 17, 4

// mixer is a part of a resampling under way.
type mixer struct {
	b *Backend
	mixed
	row [1]reach // of the row that is being combined, in bytes
}

// combineFirst computes rows from..to-1 of picture p: they are combined from rows of x, then their columns.
func (m *mixer) combineFirst(p, from, to int) {
	n := m.w * m.c
	rows := m.b.scratch.get((to - from) * n)
	defer m.b.scratch.put(rows)
	m.combine(rows, m.x[p*m.h*n:], n, from, to, 0, flagAhead)
	for i := range to - from {
		m.widen(m.y[(p*m.oh+from+i)*m.ow*m.c:], rows[i*n:], m.flags&^flagPast)
	}
}

// widenFirst computes rows from..to-1 of picture p: the columns of all rows of x that they need, then they
// are combined from these.
func (m *mixer) widenFirst(p, from, to int) {
	n := m.ow * m.c
	first, last := m.rows.reaches[from].from, m.rows.reaches[to-1]
	wide := m.b.scratch.get((last.from + last.n - first) * n)
	defer m.b.scratch.put(wide)
	for r := range len(wide) / n {
		m.widen(wide[r*n:], m.x[(p*m.h+first+r)*m.w*m.c:], 0)
	}
	m.combine(m.y[(p*m.oh+from)*n:], wide, n, from, to, first, m.flags)
}

// mixWork is how many multiply-adds one call of a kernel does at most, some 10 µs, and mixBlock how many
// elements of src and dst stay in the first cache meanwhile.
const mixWork, mixBlock = 1 << 17, 1 << 13

// combine writes rows from..to-1, of n elements each, to dst, as sums of rows of src, which begins with row
// first: some columns of all, then the next ones, since neighbours take the same rows.
func (m *mixer) combine(dst, src []float32, n, from, to, first, flags int) {
	most := 0
	for _, k := range m.rows.reaches[from:to] {
		most = max(most, k.n)
	}
	step := max(64, mixWork/max(1, most)/64*64)
	if flags&flagPast == 0 { // memory wants whole rows
		step = min(step, max(256, mixBlock/(most+1)/64*64))
	}
	for at := 0; at < n; at += step {
		for i := from; i < to; i++ {
			k := m.rows.reaches[i]
			m.row[0] = reach{(k.from - first) * 4 * n, k.n}
			m.b.level.stream.mix(&dst[(i-from)*n+at], addressOf(src, at), &m.row[0],
				unsafe.SliceData(m.rows.weights[m.rows.starts[i]:]), 1, min(step, n-at), 4*n, flags)
		}
	}
}

// widen writes a row of ow pixels to dst, each a sum of pixels of src.
func (m *mixer) widen(dst, src []float32, flags int) {
	per := (len(m.cols.weights) + m.ow - 1) / m.ow * m.c
	step := max(1, mixWork/max(1, per))
	for at := 0; at < m.ow; at += step {
		m.b.level.stream.mix(&dst[at*m.c], addressOf(src, 0), &m.columns[at],
			unsafe.SliceData(m.cols.weights[m.cols.starts[at]:]), min(step, m.ow-at), m.c, 4*m.c, flags)
	}
}

// addressOf is the address of element i, of none if there is no element.
func addressOf(x []float32, i int) *float32 {
	if i >= len(x) {
		return nil
	}
	return &x[i]
}

// mixGo computes vectors of cols elements, one after the other: each is the sum over its reach of weight·src,
// vectors of src that lie step bytes apart; or it is added to dst with flagAdd.
func mixGo(dst, src *float32, reaches *reach, weights *float32, outputs, cols, step, flags int) {
	taken := 0 // of the weights
	for o, k := range unsafe.Slice(reaches, outputs) {
		out := rowAt(dst, 4*o*cols, cols)
		if flags&flagAdd == 0 {
			clear(out)
		}
		for t := range k.n {
			w := *(*float32)(unsafe.Add(unsafe.Pointer(weights), 4*(taken+t)))
			for j, v := range rowAt(src, k.from+t*step, cols) {
				out[j] += w * v
			}
		}
		taken += k.n
	}
}
