package interp

import (
	"regexp"
	"strconv"
	"strings"
)

// products are those of wgmma that a warp has begun: each of the four warps of a warpgroup computes 16 rows
// of its own.
type products struct {
	fenced bool
	open   []*product
	groups [][]*product
	waited int // groups before these
}

// product is d (64xN) += a (64x16)·b (16xN), of which this warp has rows 16·(warp%4) on.
type product struct {
	in   *instr
	add  bool
	a, b matrix
	held [4]row // a in registers
	sum  *[]row // shared with the products before and behind it of the same d
	done bool
}

// matrix is an operand in shared memory as its descriptor says: in units of 16 bytes, bits 0 to 13 are where
// it begins, 16 to 29 the next 64 of m or n where those are neighbours in memory, 32 to 45 the next 8 rows of
// 128 bytes; bits 62 and 63 are the swizzle, 1 for 128 bytes.
type matrix struct {
	begin, next, rows uint64
	across            bool // neighbours in memory are neighbours in m or n, not in k
}

var shapes = regexp.MustCompile(`^wgmma\.mma_async\.sync\.aligned\.m64n(\d+)k16\.f32\.bf16\.bf16$`)

// warpgroupWide is wgmma.
func (in *instr) warpgroupWide(words []string, ops []operand) error {
	op := strings.Join(words, ".")
	switch {
	case op == "wgmma.fence.sync.aligned" && len(ops) == 0:
		in.run = func(w *warp, _ *instr, _ uint32) { w.products.fenced = true }
		return nil
	case op == "wgmma.commit_group.sync.aligned" && len(ops) == 0:
		in.run = func(w *warp, _ *instr, _ uint32) {
			w.products.groups = append(w.products.groups, w.products.open)
			w.products.open = nil
		}
		return nil
	case op == "wgmma.wait_group.sync.aligned" && exactly(ops, "r"):
		in.a, in.run = ops[0].reg, func(w *warp, in *instr, _ uint32) { w.products.wait(w, int(w.r[in.a][0])) }
		return nil
	}
	m := shapes.FindStringSubmatch(op)
	if m == nil {
		return errUnknown
	}
	n, _ := strconv.Atoi(m[1])
	registers := exactly(ops, "llrrrrr") && len(ops[1].list) == 4
	if !registers && !exactly(ops, "lrrrrrrr") || n%8 != 0 || len(ops[0].list) != n/2 {
		return errOperands
	}
	in.size, in.to, in.a, in.b, in.c = n, ops[0].list, ops[1].reg, ops[2].reg, ops[3].reg
	if registers {
		in.from = ops[1].list
	}
	in.from = append(in.from, ops[4].reg, ops[5].reg, ops[6].reg)
	if !registers {
		in.from = append(in.from, ops[7].reg)
	}
	in.run = begin
	return nil
}

// begin queues a product. Until it is waited for, its sums hold NaN.
func begin(w *warp, in *instr, m uint32) {
	if m != allLanes {
		w.fault("lanes %08x alone", m)
	}
	if !w.products.fenced {
		w.fault("without wgmma.fence since the last wait")
	}
	constant := func(reg int32) uint64 { return w.r[reg][0] }
	last := in.from[len(in.from)-1]
	p := &product{in: in, add: constant(in.c) != 0, b: w.matrix(in.b, constant(last) != 0)}
	scales := in.from[len(in.from)-4:]
	if in.a < 0 {
		for i := range p.held {
			p.held[i] = w.r[in.from[i]]
		}
		scales = in.from[4:]
	} else {
		p.a = w.matrix(in.a, constant(in.from[2]) != 0)
	}
	if constant(scales[0]) != 1 || constant(scales[1]) != 1 {
		w.fault("scales of operands other than 1")
	}
	p.sum = w.products.sumOf(in.to)
	if p.sum == nil {
		sum := make([]row, len(in.to))
		for i, reg := range in.to {
			sum[i] = w.r[reg]
			for l := range w.r[reg] {
				w.r[reg][l] = 1<<32 - 1
			}
		}
		p.sum = &sum
	}
	w.products.open = append(w.products.open, p)
}

// sumOf is the sum of a product on its way that writes these registers.
func (p *products) sumOf(to []int32) *[]row {
	for _, g := range append(p.groups[:len(p.groups):len(p.groups)], p.open) {
		for _, q := range g {
			if q.in.to[0] == to[0] {
				return q.sum
			}
		}
	}
	return nil
}

func (w *warp) matrix(reg int32, across bool) matrix {
	d := w.r[reg][0]
	for _, v := range w.r[reg] {
		if v != d {
			w.fault("lanes with other descriptors: %x and %x", d, v)
		}
	}
	if d>>62 != 1 || d>>46&0xffff != 0 || d>>30&3 != 0 || d>>14&3 != 0 {
		w.fault("the descriptor %#x: not of 128 bytes of swizzle, or with bits that have no meaning", d)
	}
	field := func(at int) uint64 { return d >> at & 0x3fff << 4 }
	return matrix{begin: field(0), next: field(16), rows: field(32), across: across}
}

// element (i of m or n, k)
func (w *warp) element(o matrix, i, k int) float32 {
	row, col := i, k
	at := o.begin
	if o.across {
		row, col = k, i%64
		at += uint64(i/64) * o.next
	}
	at += uint64(row/8)*o.rows + uint64(row%8*128+col*2)
	lo, _ := halves(value(w.bytes(shared, at^at>>7&7<<4, 2, 0), 2, false))
	return lo
}

// wait waits for all groups but the last few. A product is one of the whole warpgroup: it can be computed
// when its four warps have begun it, and then is, for all of them, so that one warp that has waited knows it
// of the others.
func (p *products) wait(w *warp, left int) {
	n := p.waited + len(p.groups) - left
	four := w.block.warps[w.index&^3:]
	four = four[:min(4, len(four))]
	for _, v := range four {
		if v.products.waited+len(v.products.groups) < n {
			w.yield, w.again = true, true
			return
		}
	}
	for _, v := range four {
		q := &v.products
		for i := 0; q.waited+i < n; i++ {
			for _, x := range q.groups[i] {
				x.compute(v)
			}
		}
	}
	p.fenced = false
	for ; p.waited < n; p.waited++ {
		done := p.groups[0]
		p.groups = p.groups[1:]
		for _, q := range done {
			if p.sumOf(q.in.to) == nil {
				for i, reg := range q.in.to {
					w.r[reg] = (*q.sum)[i]
				}
			}
		}
	}
}

// compute adds up this warp's 16 rows. Lane l holds of d rows l/4 and l/4+8, columns l%4·2 and the next one
// of each 8; of a in registers what mma has (multiply).
func (p *product) compute(w *warp) {
	if p.done {
		return
	}
	p.done = true
	defer func(in *instr) { w.now = in }(w.now)
	w.now = p.in
	var a [16][16]float32
	for k := range 16 {
		for i := range 16 {
			if p.in.a >= 0 {
				a[i][k] = w.element(p.a, w.index%4*16+i, k)
			}
		}
	}
	for i := range p.held {
		for l := range lanes {
			if p.in.a < 0 {
				if w.r[p.in.from[i]][l] != p.held[i][l] {
					w.fault("registers of lane %d were changed before the product was waited for", l)
				}
				r, c := l/4+i%2*8, l%4*2+i/2*8
				a[r][c], a[r][c+1] = halves(p.held[i][l])
			}
		}
	}
	for j := range p.in.size {
		var b [16]float32
		for k := range b {
			b[k] = w.element(p.b, j, k)
		}
		for r := range a {
			p.dot(r, j, &a[r], &b)
		}
	}
}

// dot adds a row times a column to the sum in the register of the lane that holds it.
func (p *product) dot(r, j int, a, b *[16]float32) {
	at := &(*p.sum)[j/8*4+r/8*2+j%2][r%8*4+j%8/2]
	sum := float32(0)
	if p.add {
		sum = f32(*at)
	}
	for k := range a {
		sum += a[k] * b[k]
	}
	*at = bits32(sum)
}
