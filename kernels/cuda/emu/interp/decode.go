package interp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// instr is a decoded instruction. Values are 64 bits a lane, of narrower types the lower ones, the rest zero.
type instr struct {
	kind  kind
	op    string
	line  int
	guard int32 // the predicate's register, or -1
	not   bool

	run func(w *warp, in *instr, m uint32) // does it for the lanes of m
	f   func(a, b, c uint64) uint64        // of an arithmetic instruction: one lane's result

	d, a, b, c int32   // registers of the result and of the operands
	to, from   []int32 // of instructions with several
	offset     int64   // of an address
	space      space
	size       int // bytes of an element in memory, or what the instruction counts
	signed     bool
	target     int // of a branch
}

type kind uint8

const (
	plain      kind = iota
	collective      // all lanes that are left do it together
	branches
	exits
)

var (
	errOperands = errors.New("operands of another number or kind")
	errUnknown  = errors.New("an instruction that is not known")
)

// decode finds what an instruction does.
func decode(op string, ops []operand) (instr, error) {
	words := strings.Split(op, ".")
	in := instr{op: op, guard: -1}
	if words[0] == "bra" {
		in.kind = branches
		if len(ops) != 1 || ops[0].label == "" || ops[0].memory {
			return in, errOperands
		}
		return in, nil
	}
	if words[0] != "ret" && len(words) < 2 || slices.Contains(words, "") {
		return in, errUnknown
	}
	for _, o := range ops {
		if o.reg < 0 && o.list == nil {
			return in, fmt.Errorf("%s is no register and no variable", o.label)
		}
	}
	var err error
	switch words[0] {
	case "ret":
		in.kind = exits
	case "ld", "st":
		err = in.loadStore(words, ops)
	case "mov":
		err = in.move(words, ops)
	case "cvta":
		err = in.address(words, ops)
	case "bar", "shfl", "ldmatrix", "mma", "setmaxnreg":
		in.kind = collective
		err = in.warpWide(words, ops)
	case "wgmma":
		in.kind = collective
		err = in.warpgroupWide(words, ops)
	case "cp", "mbarrier", "fence", "prefetch":
		err = in.asynchronous(words, ops)
	default:
		err = in.arithmetic(words, ops)
	}
	return in, err
}

// has checks the operands: d and r registers, m memory, l a list; of optional ones only those that are there.
func has(ops []operand, kinds string) bool {
	if len(ops) > len(kinds) {
		return false
	}
	for i, o := range ops {
		switch kinds[i] {
		case 'm':
			if !o.memory {
				return false
			}
		case 'l':
			if o.list == nil || o.memory {
				return false
			}
		default:
			if o.memory || o.list != nil {
				return false
			}
		}
	}
	return true
}

// exactly is has with nothing optional.
func exactly(ops []operand, kinds string) bool { return len(ops) == len(kinds) && has(ops, kinds) }

// arithmetic is what computes a lane's result from a lane's operands.
func (in *instr) arithmetic(words []string, ops []operand) error {
	var n int
	in.f, n = laneFunction(words)
	if in.f == nil {
		return errUnknown
	}
	if !exactly(ops, "rrrr"[:n+1]) {
		return errOperands
	}
	in.run = eachLane
	in.d, in.a = ops[0].reg, ops[1].reg
	in.b, in.c = in.a, in.a
	if n > 1 {
		in.b = ops[2].reg
	}
	if n > 2 {
		in.c = ops[3].reg
	}
	return nil
}

func eachLane(w *warp, in *instr, m uint32) {
	d, a, b, c, f := &w.r[in.d], &w.r[in.a], &w.r[in.b], &w.r[in.c], in.f
	if m == allLanes {
		for l := range lanes {
			d[l] = f(a[l], b[l], c[l])
		}
		return
	}
	for l := range each(m) {
		d[l] = f(a[l], b[l], c[l])
	}
}

// move copies a register, packs a list into one or takes one apart, the lower half first.
func (in *instr) move(words []string, ops []operand) error {
	if len(ops) != 2 || len(words) != 2 || widths[words[1]] == 0 {
		return errOperands
	}
	bits := 8 * widths[words[1]]
	switch {
	case exactly(ops, "rr"):
		in.d, in.a, in.b, in.c = ops[0].reg, ops[1].reg, ops[1].reg, ops[1].reg
		in.f, in.run = cut(func(a, _, _ uint64) uint64 { return a }, words[1]), eachLane
	case exactly(ops, "lr") && len(ops[0].list) == 2:
		in.to, in.a, in.size, in.run = ops[0].list, ops[1].reg, bits/2, unpack
	case exactly(ops, "rl") && len(ops[1].list) == 2:
		in.d, in.from, in.size, in.run = ops[0].reg, ops[1].list, bits/2, pack
	default:
		return errOperands
	}
	return nil
}

func unpack(w *warp, in *instr, m uint32) {
	for l := range each(m) {
		v := w.r[in.a][l]
		w.r[in.to[0]][l] = v & (1<<in.size - 1)
		w.r[in.to[1]][l] = v >> in.size & (1<<in.size - 1)
	}
}

func pack(w *warp, in *instr, m uint32) {
	for l := range each(m) {
		w.r[in.d][l] = w.r[in.from[0]][l]&(1<<in.size-1) | w.r[in.from[1]][l]<<in.size
	}
}

// address converts between an address of a space and one that says which space it is of.
func (in *instr) address(words []string, ops []operand) error {
	if !exactly(ops, "rr") {
		return errOperands
	}
	to := len(words) == 4 && words[1] == "to"
	base, ok := bases[words[len(words)-2]]
	if !ok {
		return errUnknown
	}
	in.d, in.a, in.b, in.c, in.run = ops[0].reg, ops[1].reg, ops[1].reg, ops[1].reg, eachLane
	in.f = func(a, _, _ uint64) uint64 { return a + base }
	if to {
		in.f = func(a, _, _ uint64) uint64 { return a - base }
	}
	return nil
}
