package interp

import (
	"encoding/binary"
	"strings"
)

// space is where an address points to.
type space uint8

const (
	generic space = iota
	global
	shared
	local
	parameters
)

// Generic addresses of what is not global memory begin here; the rest are those of the host.
const (
	sharedBase = 1 << 56
	localBase  = 2 << 56
	paramBase  = 3 << 56
	moduleBase = 4 << 56 // the module's variables: global memory
)

var (
	spaces = map[string]space{"global": global, "shared": shared, "local": local, "param": parameters}
	bases  = map[string]uint64{"global": 0, "shared": sharedBase, "local": localBase, "param": paramBase}
)

// loadStore is ld and st: ld.global.nc.v4.f32 {a,b,c,d}, [p+16].
func (in *instr) loadStore(words []string, ops []operand) error {
	t := words[len(words)-1]
	in.size, in.signed = widths[t], t[0] == 's'
	vector := 1
	for _, w := range words[1 : len(words)-1] {
		switch s, ok := spaces[strings.TrimSuffix(w, "::cta")]; {
		case ok:
			in.space = s
		case w == "v2":
			vector = 2
		case w == "v4":
			vector = 4
		case w != "nc":
			return errUnknown
		}
	}
	if in.size == 0 {
		return errUnknown
	}
	at, value := 1, 0
	in.run = load
	if words[0] == "st" {
		at, value, in.run = 0, 1, store
	}
	if len(ops) != 2 || !ops[at].memory || ops[at].list != nil || ops[value].memory {
		return errOperands
	}
	in.to = ops[value].list
	if in.to == nil {
		in.to = []int32{ops[value].reg}
	}
	if len(in.to) != vector {
		return errOperands
	}
	in.a, in.offset = ops[at].reg, ops[at].offset
	return nil
}

func load(w *warp, in *instr, m uint32) {
	w.count(in, m, in.size*len(in.to))
	for l := range each(m) {
		p := w.bytes(in.space, w.r[in.a][l]+uint64(in.offset), in.size*len(in.to), l)
		for i, reg := range in.to {
			w.r[reg][l] = value(p[i*in.size:], in.size, in.signed)
		}
	}
}

func store(w *warp, in *instr, m uint32) {
	w.count(in, m, in.size*len(in.to))
	for l := range each(m) {
		p := w.bytes(in.space, w.r[in.a][l]+uint64(in.offset), in.size*len(in.to), l)
		for i, reg := range in.to {
			v := w.r[reg][l]
			switch in.size {
			case 1:
				p[i] = byte(v)
			case 2:
				binary.LittleEndian.PutUint16(p[2*i:], uint16(v))
			case 4:
				binary.LittleEndian.PutUint32(p[4*i:], uint32(v))
			case 8:
				binary.LittleEndian.PutUint64(p[8*i:], v)
			}
		}
	}
}

func value(p []byte, size int, sign bool) (v uint64) {
	switch size {
	case 1:
		v = uint64(p[0])
	case 2:
		v = uint64(binary.LittleEndian.Uint16(p))
	case 4:
		return uint64(binary.LittleEndian.Uint32(p))
	case 8:
		return binary.LittleEndian.Uint64(p)
	}
	if sign {
		v = uint64(uint32(signed(v, 8*size)))
	}
	return v
}

// bytes are n bytes of memory that a lane may touch.
func (w *warp) bytes(s space, at uint64, n, lane int) []byte {
	if at%uint64(n) != 0 {
		w.fault("lane %d: the address %#x of %d bytes is no multiple of them", lane, at, n)
	}
	if s == generic {
		switch {
		case at >= moduleBase:
		case at >= paramBase:
			s, at = parameters, at-paramBase
		case at >= localBase:
			s, at = local, at-localBase
		case at >= sharedBase:
			s, at = shared, at-sharedBase
		}
	}
	var of []byte
	switch s {
	case shared:
		of = w.block.shared
	case local:
		of = w.local[lane*w.kernel.local : (lane+1)*w.kernel.local]
	case parameters:
		of = w.args
	default:
		return w.globalBytes(at, n, lane)
	}
	if at > uint64(len(of)) || uint64(n) > uint64(len(of))-at {
		w.fault("lane %d: %d bytes at %d of the %s's %d", lane, n, at, [...]string{shared: "block's shared memory",
			local: "thread's local memory", parameters: "parameters"}[s], len(of))
	}
	return of[at : at+uint64(n) : at+uint64(n)]
}

// globalBytes are n bytes of an operand of the launch.
func (w *warp) globalBytes(at uint64, n, lane int) []byte {
	if at >= moduleBase {
		if i := at - moduleBase; i+uint64(n) <= uint64(len(w.kernel.module.data)) {
			return w.kernel.module.data[i : i+uint64(n)]
		}
	}
	for i := range w.memory {
		r := &w.memory[i]
		if at >= r.At && at-r.At < uint64(len(r.Bytes)) && uint64(len(r.Bytes))-(at-r.At) >= uint64(n) {
			return r.Bytes[at-r.At : at-r.At+uint64(n) : at-r.At+uint64(n)]
		}
	}
	w.fault("lane %d: %d bytes at %#x of global memory, outside this launch's operands", lane, n, at)
	return nil
}
