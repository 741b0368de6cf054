package interp

import (
	"encoding/binary"
	"strings"
)

// tensorMap says what a copy by tensor map fetches. Its 128 bytes are opaque to programs; these are those
// that the emulator's driver makes (maps_emu.go, emu/simt/simt.h).
type tensorMap struct {
	base        uint64
	rank, bytes int    // bytes of an element
	box         [2]int // elements of a row, and rows (of patches: positions)
	size        [5]int64
	stride      [4]int64 // bytes from one to the next, of the second coordinate on
	lower       [2]int   // of patches, columns and rows
	upper, step [2]int
}

func readMap(p []byte) (m tensorMap) {
	i32 := func(i int) int { return int(int32(binary.LittleEndian.Uint32(p[i:]))) }
	i16 := func(i int) [2]int {
		return [2]int{int(int16(binary.LittleEndian.Uint16(p[i:]))), int(int16(binary.LittleEndian.Uint16(p[i+2:])))}
	}
	m.base, m.rank, m.bytes, m.box = binary.LittleEndian.Uint64(p), i32(8), i32(12), [2]int{i32(20), i32(24)}
	for i := range m.size {
		m.size[i] = int64(binary.LittleEndian.Uint64(p[40+8*i:]))
	}
	for i := range m.stride {
		m.stride[i] = int64(binary.LittleEndian.Uint64(p[80+8*i:]))
	}
	m.lower, m.upper, m.step = i16(112), i16(116), i16(120)
	return m
}

// box is a copy that is on its way.
type box struct {
	w       *warp
	in      *instr
	to      []byte
	at      uint64 // of to, in shared memory
	m       tensorMap
	barrier uint64
	first   [5]int64 // coordinates
	offset  [2]int64 // of patches
}

// tensor is cp.async.bulk.tensor: [to], [map, {coordinates}], [barrier], of patches also {offsets}.
func (in *instr) tensor(words []string, ops []operand) error {
	const rest = "shared::cluster.global.%.mbarrier::complete_tx::bytes"
	head, tail, _ := strings.Cut(strings.Join(words, "."), "d.")
	n := map[string]int{"cp.async.bulk.tensor.2": 2, "cp.async.bulk.tensor.3": 3, "cp.async.bulk.tensor.4": 4}[head]
	kinds := "mmm"
	switch {
	case n == 4 && tail == strings.Replace(rest, "%", "im2col", 1):
		kinds = "mmml"
	case n == 0 || n == 4 || tail != strings.Replace(rest, "%", "tile", 1):
		return errUnknown
	}
	if !exactly(ops, kinds) || len(ops[1].list) != n || ops[0].offset|ops[1].offset|ops[2].offset != 0 {
		return errOperands
	}
	in.a, in.b, in.c, in.from = ops[0].reg, ops[1].reg, ops[2].reg, ops[1].list
	if n == 4 {
		in.to = ops[3].list
	}
	in.run = fetch
	return nil
}

// fetch sends a box on its way.
func fetch(w *warp, in *instr, m uint32) {
	for l := range each(m) {
		at := w.r[in.b][l]
		if at < paramBase || at >= moduleBase || at-paramBase+128 > uint64(len(w.args)) || (at-paramBase)%64 != 0 {
			w.fault("lane %d: a tensor map at %#x, which is no parameter of the kernel", l, at)
		}
		b := box{w: w, in: in, m: readMap(w.args[at-paramBase:]), at: w.r[in.a][l], barrier: w.r[in.c][l]}
		if b.m.rank != len(in.from) {
			w.fault("%d coordinates of a tensor map of %d", len(in.from), b.m.rank)
		}
		for i, reg := range in.from {
			b.first[i] = int64(int32(w.r[reg][l]))
		}
		for i, reg := range in.to {
			b.offset[i] = int64(uint16(w.r[reg][l]))
		}
		n := b.m.bytes * b.m.box[0] * b.m.box[1]
		if b.at%1024 != 0 || b.at+uint64(n) > uint64(len(w.block.shared)) {
			w.fault("a box of %d bytes to %d of %d in shared memory, swizzled by 128 bytes", n, b.at,
				len(w.block.shared))
		}
		b.to = w.block.shared[b.at : b.at+uint64(n)]
		fill(b.to)
		w.block.boxes = append(w.block.boxes, b)
	}
}

// arrive lets one of the boxes come; which one, the seed decides.
func (b *block) arrive() {
	i := 0
	if b.Seed != 0 {
		i = b.rng.IntN(len(b.boxes))
	}
	x := b.boxes[i]
	b.boxes = append(b.boxes[:i], b.boxes[i+1:]...)
	x.w.now = x.in
	if x.m.rank == 4 {
		x.patches()
	} else {
		x.rows()
	}
	p, bar := x.w.mbarrier(x.barrier, 0)
	bar.bytes -= int32(len(x.to))
	x.w.put(p, bar)
}

// rows fetches a box of a matrix, or of one of several; zeros outside of it.
func (x *box) rows() {
	for i := range x.m.box[1] {
		row, z := x.first[1]+int64(i), x.first[2]
		in := row >= 0 && row < x.m.size[1] && (x.m.rank < 3 || z >= 0 && z < x.m.size[2])
		x.row(i, in, row*x.m.stride[0]+z*x.m.stride[1])
	}
}

// patches fetches the same channels of positions one after another: columns by step from the first one to the
// picture's width plus upper, then on to the next row from lower on, then to the next picture. Read is what
// lies an offset further; zeros outside the picture.
func (x *box) patches() {
	m := &x.m
	col, row, n := x.first[1], x.first[2], x.first[3]
	for i := range m.box[1] {
		c, r := col+x.offset[0], row+x.offset[1]
		in := c >= 0 && c < m.size[1] && r >= 0 && r < m.size[2] && n >= 0 && n < m.size[3]
		x.row(i, in, c*m.stride[0]+r*m.stride[1]+n*m.stride[2])
		if col += int64(m.step[0]); col >= m.size[1]+int64(m.upper[0]) {
			col = int64(m.lower[0])
			if row += int64(m.step[1]); row >= m.size[2]+int64(m.upper[1]) {
				row, n = int64(m.lower[1]), n+1
			}
		}
	}
}

// row writes row i of a box, from that many bytes into the tensor on. Pieces of 16 bytes change places in
// each 8 rows of 128 bytes: bits 4 to 6 of the address are xored with bits 7 to 9.
func (x *box) row(i int, in bool, from int64) {
	m := &x.m
	length := m.bytes * m.box[0]
	there := 0
	if c := x.first[0]; in && c >= 0 {
		there = m.bytes * int(max(0, min(int64(m.box[0]), m.size[0]-c)))
	}
	var source []byte
	if there > 0 {
		source = x.w.globalBytes(m.base+uint64(from+x.first[0]*int64(m.bytes)), there, 0)
	}
	for p := 0; p < length; p += 2 {
		at := uint64(i*length + p)
		at = (x.at + at) ^ (x.at+at)>>7&7<<4 - x.at
		if p < there {
			copy(x.to[at:at+2], source[p:])
		} else {
			x.to[at], x.to[at+1] = 0, 0
		}
	}
}
