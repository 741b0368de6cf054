package interp

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
)

// Launch is one call of a kernel.
type Launch struct {
	Kernel      *Kernel
	Grid, Block [3]uint32
	Shared      int      // dynamic shared memory in bytes
	Args        []byte   // the block of arguments, as Kernel.Params describes it
	Memory      []Memory // what pointers may point at
	Seed        uint64   // of the order in which warps run and copies arrive
	Sample      int      // how many blocks run, spread over the grid; 0: all
	Counts      *Counts  // where the accesses are counted, or nil
}

// Memory is a part of global memory.
type Memory struct {
	At    uint64 // its address
	Bytes []byte
}

// Fault is what a kernel does that it must not: an address outside, a barrier that not all reach.
type Fault struct {
	Kernel string
	Block  [3]uint32
	Warp   int
	Line   int    // of the PTX
	Op     string // the instruction
	Reason string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s, block %v, warp %d, line %d of its PTX, %s: %s", f.Kernel, f.Block, f.Warp,
		f.Line, f.Op, f.Reason)
}

const (
	lanes    = 32
	allLanes = 1<<lanes - 1
)

// Blocks is how many there are, and how many of them run.
func (l *Launch) Blocks() (all, run int) {
	all = int(l.Grid[0]) * int(l.Grid[1]) * int(l.Grid[2])
	if l.Sample > 0 && l.Sample < all {
		return all, l.Sample
	}
	return all, all
}

// Run runs the blocks. The error is the *Fault of the block that comes first among those that have one, or
// says what the launch lacks.
func (l *Launch) Run() error {
	k := l.Kernel
	threads := int(l.Block[0] * l.Block[1] * l.Block[2])
	switch {
	case threads < 1 || threads > 1024 || k.Threads > 0 && threads > k.Threads:
		return fmt.Errorf("%s: %d threads a block; its PTX has %d", k.Name, threads, k.Threads)
	case len(l.Args) < k.paramBytes:
		return fmt.Errorf("%s: %d bytes of arguments; its PTX has %d", k.Name, len(l.Args), k.paramBytes)
	case k.dynamic+l.Shared > 227<<10:
		return fmt.Errorf("%s: %d bytes of shared memory; a block has 227 KiB", k.Name, k.dynamic+l.Shared)
	}
	all, blocks := l.Blocks()
	faults := make([]*Fault, blocks)
	var next, failed atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) {
		workers.Go(func() {
			b := newBlock(l, threads)
			for i := int(next.Add(1)) - 1; i < blocks && failed.Load() == 0; i = int(next.Add(1)) - 1 {
				if faults[i] = b.run(i * all / blocks); faults[i] != nil {
					failed.Store(1)
				}
			}
			l.Counts.add(&b.counts)
		})
	}
	workers.Wait()
	for _, f := range faults {
		if f != nil {
			return f
		}
	}
	return nil
}

// block is the state of one block; it is used again for the next one.
type block struct {
	*Launch
	kernel *Kernel
	id     [3]uint32
	rng    *rand.Rand
	shared []byte
	warps  []*warp
	bars   [16]int // warps that have come to each barrier
	boxes  []box   // that are on their way
	counts Counts
}

func newBlock(l *Launch, threads int) *block {
	b := &block{Launch: l, kernel: l.Kernel}
	b.counts.on = l.Counts != nil
	b.shared = make([]byte, l.Kernel.static)
	if l.Shared > 0 {
		b.shared = make([]byte, l.Kernel.dynamic+l.Shared)
	}
	for i := range (threads + lanes - 1) / lanes {
		w := &warp{block: b, Launch: l, kernel: l.Kernel, index: i, local: make([]byte, lanes*l.Kernel.local)}
		w.args, w.memory, w.r = l.Args[:l.Kernel.paramBytes], l.Memory, make([]row, l.Kernel.registers)
		b.warps = append(b.warps, w)
	}
	return b
}

// garbage is what memory and registers hold that nothing was written to: NaN.
const garbage = 0xff

func (b *block) begin(i int) {
	x, y := int(b.Grid[0]), int(b.Grid[1])
	b.id = [3]uint32{uint32(i % x), uint32(i / x % y), uint32(i / x / y)}
	b.rng = rand.New(rand.NewPCG(b.Seed, uint64(i)))
	fill(b.shared)
	b.bars, b.boxes = [16]int{}, b.boxes[:0]
	for _, w := range b.warps {
		w.begin()
	}
}

func fill(p []byte) {
	for i := range p {
		p[i] = garbage
	}
}

// most is how many instructions a warp runs in a turn.
const most = 100

// run runs block i to its end.
func (b *block) run(i int) (f *Fault) {
	defer func() {
		if r := recover(); r != nil {
			var ok bool
			if f, ok = r.(*Fault); !ok {
				panic(r)
			}
		}
	}()
	b.begin(i)
	for idle := 0; ; {
		alive, went := 0, false
		for _, w := range b.warps {
			if w.live != 0 {
				alive++
				went = w.run(b.turn()) || went
			}
			if len(b.boxes) > 0 && b.rng.IntN(4) == 0 {
				b.arrive()
				went = true
			}
		}
		idle++
		switch {
		case alive == 0:
			b.end()
			return nil
		case went:
			idle = 0
		case len(b.boxes) > 0:
			b.arrive()
		case idle > 2: // a round in vain, of which each warp may have spent its turn before another one arrived
			b.stuck()
		}
	}
}

// turn is how many instructions a warp runs before the next one's turn.
func (b *block) turn() int {
	if b.Seed == 0 {
		return most
	}
	return waiting + 1 + b.rng.IntN(most)
}

// stuck reports that all warps wait, each for what.
func (b *block) stuck() {
	var where string
	for _, w := range b.warps {
		for _, p := range w.paths {
			in := &w.kernel.code[max(0, p.pc-1)]
			where += fmt.Sprintf("; warp %d, lanes %08x, line %d: %s", w.index, p.mask, in.line, in.op)
		}
	}
	b.warps[0].fault("no warp can go on%s", where)
}

// end holds what a block must have waited for.
func (b *block) end() {
	if len(b.boxes) > 0 {
		b.warps[0].fault("the block ends while %d boxes are on their way", len(b.boxes))
	}
}
