package interp

import (
	"fmt"
	"math"
	"strings"
)

// row is a register: a value for each lane.
type row [lanes]uint64

// warp is 32 threads. Each of its paths is lanes at one place of the program.
type warp struct {
	*Launch
	block   *block
	kernel  *Kernel
	args    []byte
	memory  []Memory
	index   int
	r       []row
	local   []byte
	live    uint32 // lanes that have not ended
	paths   []path
	barrier int  // where it waits, or -1
	yield   bool // the others' turn
	again   bool // the instruction could not be done yet
	now     *instr

	copies   [lanes]copies // of cp.async
	products products      // of wgmma
}

type path struct {
	pc      int
	mask    uint32
	blocked bool // at an instruction that waits for the other lanes
	asked   bool // at an mbarrier, in vain: the others' turn
}

// dynamicMemory is the register that holds where dynamic shared memory begins.
const dynamicMemory = "%dynamic"

func isSpecial(name string) bool {
	base, axis, _ := strings.Cut(name, ".")
	switch base {
	case "%tid", "%ntid", "%ctaid", "%nctaid":
		return len(axis) == 1 && axis >= "x" && axis <= "z"
	}
	return name == "%laneid"
}

func (k *Kernel) specialRegister(name string) int32 {
	if _, ok := k.special[name]; !ok {
		k.special[name] = k.register()
	}
	return k.special[name]
}

// begin is a warp before its first instruction.
func (w *warp) begin() {
	for i := range w.r {
		for l := range w.r[i] {
			w.r[i][l] = math.MaxUint64
		}
	}
	fill(w.local)
	for v, reg := range w.kernel.constants {
		for l := range w.r[reg] {
			w.r[reg][l] = v
		}
	}
	for name, reg := range w.kernel.special {
		for l := range w.r[reg] {
			w.r[reg][l] = w.specialValue(name, w.index*lanes+l)
		}
	}
	w.live = allLanes
	if left := int(w.Block[0]*w.Block[1]*w.Block[2]) - w.index*lanes; left < lanes {
		w.live = 1<<left - 1
	}
	w.paths = append(w.paths[:0], path{mask: w.live})
	w.barrier, w.yield, w.copies, w.products = -1, false, [lanes]copies{}, products{}
}

func (w *warp) specialValue(name string, thread int) uint64 {
	base, axis, _ := strings.Cut(name, ".")
	i := 0
	if axis != "" {
		i = int(axis[0] - 'x')
	}
	switch base {
	case "%ntid":
		return uint64(w.Block[i])
	case "%nctaid":
		return uint64(w.Grid[i])
	case "%ctaid":
		return uint64(w.block.id[i])
	case "%laneid":
		return uint64(thread % lanes)
	case dynamicMemory:
		return uint64(w.kernel.dynamic)
	}
	x, y := int(w.Block[0]), int(w.Block[1])
	return uint64([3]int{thread % x, thread / x % y, thread / x / y}[i])
}

// fault ends the block.
func (w *warp) fault(format string, a ...any) {
	f := &Fault{Kernel: w.kernel.Name, Block: w.block.id, Warp: w.index, Reason: fmt.Sprintf(format, a...)}
	if w.now != nil {
		f.Line, f.Op = w.now.line, w.now.op
	}
	panic(f)
}

// waiting is how many instructions a turn has that waits at an mbarrier in vain: it asks, branches, and asks
// again.
const waiting = 4

// run runs up to n instructions. It says whether that led to anything.
func (w *warp) run(n int) bool {
	if w.barrier >= 0 {
		return false
	}
	w.yield = false
	left := n
	for n > 0 && w.live != 0 && w.barrier < 0 && !w.yield {
		i := w.behind()
		if i < 0 {
			p := w.paths[0]
			w.now = &w.kernel.code[p.pc]
			w.fault("only lanes %08x of %08x come here", p.mask, w.live)
		}
		n = w.follow(i, n)
	}
	return !w.yield || left-n > waiting
}

// behind is the path that is furthest behind among those that can go on, or -1. Who waits at an mbarrier does
// not keep the others of its warp from running.
func (w *warp) behind() int {
	at := -1
	for i, p := range w.paths {
		better := at < 0 || !p.asked && w.paths[at].asked || p.asked == w.paths[at].asked && p.pc < w.paths[at].pc
		if !p.blocked && better {
			at = i
		}
	}
	if at >= 0 && w.paths[at].asked {
		for i := range w.paths {
			w.paths[i].asked = false
		}
	}
	return at
}

// follow runs path i until it is no longer the one to run, and gives what is left of n.
func (w *warp) follow(i, n int) int {
	code := w.kernel.code
	for n > 0 && !w.yield {
		p := &w.paths[i]
		in := &code[p.pc]
		w.now = in
		n--
		m := p.mask
		if in.guard >= 0 {
			m &= w.holds(in.guard, in.not)
		}
		switch in.kind {
		case exits:
			w.exit(i, m)
			return n
		case branches:
			w.jump(i, m, in.target)
		case collective:
			if p.mask != w.live {
				p.blocked = true
				return n
			}
			fallthrough
		default:
			p.pc++
			if m != 0 {
				w.block.counts.Instructions++
				in.run(w, in, m)
				w.paths[i].asked = w.yield
				if w.again {
					w.paths[i].pc--
					w.again = false
				}
			}
		}
		if w.barrier >= 0 || len(w.paths) > 1 {
			w.meet()
			return n
		}
	}
	return n
}

// holds is the lanes whose predicate is true, or with not false.
func (w *warp) holds(predicate int32, not bool) (m uint32) {
	for l, v := range w.r[predicate] {
		if v != 0 != not {
			m |= 1 << l
		}
	}
	return m
}

// jump lets the lanes of m go to a target and the others go on.
func (w *warp) jump(i int, m uint32, target int) {
	w.block.counts.Instructions++
	p := &w.paths[i]
	switch m {
	case p.mask:
		p.pc = target
	case 0:
		p.pc++
	default:
		p.mask &^= m
		p.pc++
		w.paths = append(w.paths, path{pc: target, mask: m})
	}
}

// exit ends the lanes of m; those that are left may be all that others wait for.
func (w *warp) exit(i int, m uint32) {
	w.live &^= m
	p := &w.paths[i]
	p.mask &^= m
	p.pc++
	if p.mask == 0 {
		w.paths = append(w.paths[:i], w.paths[i+1:]...)
	}
	for j := range w.paths {
		w.paths[j].blocked = false
	}
	for l := range each(m) {
		w.copies[l].finish(w, 0)
	}
	if w.live == 0 {
		if len(w.products.open)+len(w.products.groups) > 0 {
			w.fault("ends before its products were waited for")
		}
		w.block.release()
	}
}

// meet joins paths that have come to one place.
func (w *warp) meet() {
	for i := 0; i < len(w.paths); i++ {
		for j := i + 1; j < len(w.paths); j++ {
			if w.paths[i].pc == w.paths[j].pc {
				w.paths[i].mask |= w.paths[j].mask
				w.paths[i].blocked = false
				w.paths = append(w.paths[:j], w.paths[j+1:]...)
				j--
			}
		}
	}
}
