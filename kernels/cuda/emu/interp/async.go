package interp

import (
	"encoding/binary"
	"strings"
)

// asynchronous are copies, the barriers in memory that some of them arrive at, and fences.
func (in *instr) asynchronous(words []string, ops []operand) error {
	op := strings.Join(words, ".")
	switch {
	case (op == "cp.async.cg.shared.global" || op == "cp.async.ca.shared.global") && exactly(ops, "mmrr"):
		in.to, in.a, in.b, in.c, in.run = []int32{ops[0].reg}, ops[1].reg, ops[2].reg, ops[3].reg, copyAsync
		if ops[0].offset|ops[1].offset != 0 {
			return errOperands
		}
	case op == "cp.async.commit_group" && len(ops) == 0:
		in.run = func(w *warp, _ *instr, m uint32) {
			for l := range each(m) {
				w.copies[l].commit()
			}
		}
	case op == "cp.async.wait_group" && exactly(ops, "r"):
		in.a, in.run = ops[0].reg, func(w *warp, in *instr, m uint32) {
			for l := range each(m) {
				w.copies[l].finish(w, int(w.r[in.a][l]))
			}
		}
	case op == "prefetch.global.L2" && exactly(ops, "m"):
		in.a, in.offset, in.run = ops[0].reg, ops[0].offset, func(w *warp, in *instr, m uint32) {
			for l := range each(m) {
				w.globalBytes(w.r[in.a][l]+uint64(in.offset), 1, l) // of an operand
			}
		}
	case words[0] == "fence" && len(ops) == 0:
		in.run = func(*warp, *instr, uint32) {}
	case words[0] == "mbarrier":
		return in.barrierInMemory(op, ops)
	default:
		return in.tensor(words, ops)
	}
	return nil
}

// copies are those that cp.async has begun in one lane: of the open group, and of the groups behind it.
type copies struct {
	open   []copying
	groups [][]copying
}

type copying struct{ to, from []byte }

// copyAsync begins to copy; what lies behind the bytes that there are becomes zeros.
func copyAsync(w *warp, in *instr, m uint32) {
	size := int(w.r[in.b][0])
	w.count(&instr{op: in.op, space: shared, a: in.to[0]}, m, size)
	w.count(&instr{op: in.op, space: global, a: in.a}, m, size)
	for l := range each(m) {
		c := copying{to: w.bytes(shared, w.r[in.to[0]][l], size, l)}
		n := int(w.r[in.c][l])
		switch at := w.r[in.a][l]; {
		case n > size || at%uint64(size) != 0:
			w.fault("lane %d: %d of %d bytes, from %#x", l, n, size, at)
		case n > 0:
			c.from = w.globalBytes(at, n, l)
		}
		fill(c.to)
		w.copies[l].open = append(w.copies[l].open, c)
	}
}

func (c *copies) commit() {
	c.groups = append(c.groups, c.open)
	c.open = nil
}

// finish waits until so many groups are left; with 0 at a lane's end also for what no group has.
func (c *copies) finish(w *warp, left int) {
	if w.live == 0 || w.now.kind == exits {
		c.commit()
	}
	for len(c.groups) > left {
		for _, x := range c.groups[0] {
			clear(x.to[copy(x.to, x.from):])
		}
		c.groups = c.groups[1:]
	}
}

// An mbarrier's 8 bytes: the arrivals of a phase, those that this phase lacks, the bytes that it waits for,
// and its number modulo 2. The layout is this package's own: programs may not look into it.
type mbarrier struct {
	count, left uint16
	bytes       int32 // 31 bits, with sign
	phase       uint32
}

func (w *warp) mbarrier(at uint64, lane int) ([]byte, mbarrier) {
	p := w.bytes(shared, at, 8, lane)
	v := binary.LittleEndian.Uint64(p)
	return p, mbarrier{uint16(v), uint16(v >> 16), int32(v>>32) << 1 >> 1, uint32(v >> 63)}
}

// put writes it back, over to the next phase if this one lacks nothing.
func (w *warp) put(p []byte, b mbarrier) {
	if b.left == 0 && b.bytes == 0 {
		b.left, b.phase = b.count, b.phase^1
	}
	binary.LittleEndian.PutUint64(p, uint64(b.count)|uint64(b.left)<<16|uint64(uint32(b.bytes)&(1<<31-1))<<32|
		uint64(b.phase)<<63)
}

func (in *instr) barrierInMemory(op string, ops []operand) error {
	for _, o := range ops {
		if o.memory {
			in.to, in.offset = []int32{o.reg}, o.offset
		}
	}
	switch {
	case op == "mbarrier.init.shared::cta.b64" && exactly(ops, "mr"):
		in.a, in.run = ops[1].reg, initBarrier
	case op == "mbarrier.arrive.shared::cta.b64" && exactly(ops, "rm"):
		in.a, in.run = -1, arriveAtBarrier
	case op == "mbarrier.arrive.expect_tx.shared::cta.b64" && exactly(ops, "rmr"):
		in.a, in.run = ops[2].reg, arriveAtBarrier
	case op == "mbarrier.try_wait.parity.shared::cta.b64" && exactly(ops, "rmr"):
		in.d, in.a, in.run = ops[0].reg, ops[2].reg, tryWait
	default:
		return errUnknown
	}
	return nil
}

func initBarrier(w *warp, in *instr, m uint32) {
	for l := range each(m) {
		n := w.r[in.a][l]
		if n < 1 || n > 1<<16-1 {
			w.fault("an mbarrier of %d arrivals", n)
		}
		p := w.bytes(shared, w.r[in.to[0]][l]+uint64(in.offset), 8, l)
		binary.LittleEndian.PutUint64(p, n|n<<16)
	}
}

func arriveAtBarrier(w *warp, in *instr, m uint32) {
	for l := range each(m) {
		p, b := w.mbarrier(w.r[in.to[0]][l]+uint64(in.offset), l)
		if b.left == 0 {
			w.fault("lane %d: more arrivals than the %d of its count", l, b.count)
		}
		if in.a >= 0 {
			b.bytes += int32(w.r[in.a][l])
		}
		b.left--
		w.put(p, b)
	}
}

// tryWait asks whether the phase of a parity is over, that is, whether the present one has the other parity.
func tryWait(w *warp, in *instr, m uint32) {
	for l := range each(m) {
		_, b := w.mbarrier(w.r[in.to[0]][l]+uint64(in.offset), l)
		over := uint64(b.phase) != w.r[in.a][l]&1
		w.r[in.d][l] = 0
		if over {
			w.r[in.d][l] = 1
			continue
		}
		w.yield = true
	}
}
