package interp

import (
	"math"
	"strings"
)

// warpWide is what the lanes of a warp do together.
func (in *instr) warpWide(words []string, ops []operand) error {
	op := strings.Join(words, ".")
	switch {
	case op == "bar.sync" && has(ops, "rr") && len(ops) > 0:
		in.a, in.b, in.run = ops[0].reg, -1, barSync
		if len(ops) > 1 {
			in.b = ops[1].reg
		}
	case op == "bar.warp.sync" && exactly(ops, "r"):
		in.a, in.run = ops[0].reg, func(w *warp, in *instr, _ uint32) { w.together(in.a) }
	case words[0] == "shfl" && len(words) == 4 && exactly(ops, "rrrrr"):
		in.d, in.a, in.b, in.c, in.from = ops[0].reg, ops[1].reg, ops[2].reg, ops[3].reg, []int32{ops[4].reg}
		in.run = map[string]func(*warp, *instr, uint32){"bfly": shuffle(func(l, b int) int { return l ^ b }),
			"up": shuffle(func(l, b int) int { return l - b }), "down": shuffle(func(l, b int) int { return l + b }),
			"idx": shuffle(func(_, b int) int { return b })}[words[2]]
	case strings.HasPrefix(op, "ldmatrix.sync.aligned.m8n8.x4.") && len(ops) == 2 && len(ops[0].list) == 4 &&
		ops[1].memory:
		in.to, in.a, in.offset, in.size, in.space = ops[0].list, ops[1].reg, ops[1].offset, 16, shared
		in.run = loadMatrices(words[5] == "trans")
	case op == "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" && exactly(ops, "llll") &&
		len(ops[0].list) == 4 && len(ops[1].list) == 4 && len(ops[2].list) == 2 && len(ops[3].list) == 4:
		in.to, in.from, in.run = ops[0].list, append(append(ops[1].list, ops[2].list...), ops[3].list...), multiply
	case words[0] == "setmaxnreg" && exactly(ops, "r"):
		in.run = func(*warp, *instr, uint32) {}
	default:
		return errUnknown
	}
	if in.run == nil {
		return errUnknown
	}
	return nil
}

// together holds that a mask of members has all lanes that are left, which are all here.
func (w *warp) together(mask int32) {
	if m := uint32(w.r[mask][0]); m&w.live != w.live {
		w.fault("a mask of %08x; lanes %08x are here", m, w.live)
	}
}

// barSync waits for all warps of the block, or for so many threads.
func barSync(w *warp, in *instr, _ uint32) {
	id := int(w.r[in.a][0])
	if id >= len(w.block.bars) {
		w.fault("barrier %d; there are %d", id, len(w.block.bars))
	}
	w.barrier = id
	w.block.bars[id]++
	if in.b < 0 {
		w.block.release()
		return
	}
	n := int(w.r[in.b][0])
	if n%lanes != 0 || n == 0 {
		w.fault("a barrier of %d threads, which are no whole warps", n)
	}
	if w.block.bars[id] == n/lanes {
		w.block.open(id)
	}
}

// open lets those go on that wait at a barrier.
func (b *block) open(id int) {
	b.bars[id] = 0
	for _, w := range b.warps {
		if w.barrier == id {
			w.barrier = -1
		}
	}
}

// release opens the barriers at which all warps have come that are left: of those that name no number.
func (b *block) release() {
	for id, come := range b.bars {
		left := 0
		for _, w := range b.warps {
			if w.live != 0 {
				left++
			}
			if w.barrier == id && w.now.b >= 0 {
				come = -1 // this one counts threads
			}
		}
		if come > 0 && come == left {
			b.open(id)
		}
	}
}

// shuffle gives each lane the value of another one of its segment; beyond its end, its own.
func shuffle(from func(lane, b int) int) func(*warp, *instr, uint32) {
	return func(w *warp, in *instr, m uint32) {
		w.together(in.from[0])
		v, d := w.r[in.a], &w.r[in.d]
		for l := range each(m) {
			c := int(w.r[in.c][l])
			segment, clamp := c>>8&31, c&31
			least := l & segment
			most := least | clamp&^segment
			j := from(l, int(w.r[in.b][l]&31))
			if in.op == "shfl.sync.idx.b32" {
				j = least | j&^segment
			}
			if in.op == "shfl.sync.up.b32" && j < most || in.op != "shfl.sync.up.b32" && j > most {
				j = l
			}
			if m>>j&1 == 0 {
				w.fault("lane %d wants the value of lane %d, which is not here", l, j)
			}
			d[l] = v[j]
		}
	}
}

// loadMatrices reads four matrices of 8x8 elements of 16 bits. Lane l gives the address of row l%8 of matrix
// l/8, and gets of each matrix two neighbours of row l/4, from column l%4·2 on; transposed, of column l/4.
func loadMatrices(transposed bool) func(*warp, *instr, uint32) {
	return func(w *warp, in *instr, m uint32) {
		if m != allLanes {
			w.fault("lanes %08x alone", m)
		}
		w.count(in, m, 16)
		var rows [lanes][]byte
		for l := range lanes {
			rows[l] = w.bytes(shared, w.r[in.a][l]+uint64(in.offset), 16, l)
		}
		for i, reg := range in.to {
			at := func(row, col int) uint64 { return value(rows[8*i+row][2*col:], 2, false) }
			for l := range lanes {
				r, c := l/4, l%4*2
				if transposed {
					w.r[reg][l] = at(c, r) | at(c+1, r)<<16
				} else {
					w.r[reg][l] = at(r, c) | at(r, c+1)<<16
				}
			}
		}
	}
}

// multiply is d (16x8) = a (16x16)·b (16x8) + c. With g = lane/4 and t = lane%4 a lane holds, of a, columns
// 2t, 2t+1 of rows g and g+8 and the same 8 columns further; of b, rows 2t, 2t+1 of column g and the same 8
// rows further; of c and d, columns 2t, 2t+1 of rows g and g+8.
func multiply(w *warp, in *instr, m uint32) {
	if m != allLanes {
		w.fault("lanes %08x alone", m)
	}
	var a [16][16]float32
	var b [8][16]float32
	for l := range lanes {
		g, t := l/4, l%4*2
		for i := range 4 {
			lo, hi := halves(w.r[in.from[i]][l])
			a[g+i%2*8][t+i/2*8], a[g+i%2*8][t+i/2*8+1] = lo, hi
		}
		for i := range 2 {
			b[g][t+i*8], b[g][t+i*8+1] = halves(w.r[in.from[4+i]][l])
		}
	}
	var d [4]row
	for l := range lanes {
		g, t := l/4, l%4*2
		for i := range 4 {
			sum := f32(w.r[in.from[6+i]][l])
			x, y := &a[g+i/2*8], &b[t+i%2]
			for k := range x {
				sum += x[k] * y[k]
			}
			d[i][l] = bits32(sum)
		}
	}
	for i, reg := range in.to {
		w.r[reg] = d[i]
	}
}

// halves are the two bfloat16 of a register, the lower one first.
func halves(v uint64) (lo, hi float32) {
	return math.Float32frombits(uint32(v) << 16), math.Float32frombits(uint32(v) &^ 0xffff)
}
