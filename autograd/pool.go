package autograd

import (
	"math"
	"math/bits"
	"sync"

	"truegrain/kernels"
)

// Pool keeps the memory of values between uses, in size classes an eighth of an octave apart. It may serve
// several tapes, one after the other or at once. What has lain idle for idleResets resets goes back to the
// backend.
type Pool struct {
	mu    sync.Mutex
	be    kernels.Memory
	free  map[class][]idle
	epoch int
	live  int64
	peak  int64
	held  int64
	dry   uintptr // a dry pool's next address; 0 in any other
	spoil bool    // fill what comes back with NaN, so that a use after release shows
}

type class struct {
	dtype kernels.DType
	n     int
}

type idle struct {
	buf   kernels.Buf
	epoch int
}

const idleResets = 8

// nowhere is an address that no memory has, for what is never touched: not 0, which would stand for host
// memory.
const nowhere uintptr = 1 << (bits.UintSize - 4)

// NewPool makes an empty pool over a backend's memory.
func NewPool(be kernels.Memory) *Pool { return &Pool{be: be, free: map[class][]idle{}} }

// NewDryPool makes a pool without memory, for a rehearsal: a tape over it (WithPool) checks shapes, records
// nodes and counts bytes, but computes nothing and its values can't be read. No two values ever have the same
// address. Peak then says what a run would take, and Nodes what it would do.
func NewDryPool() *Pool { return &Pool{dry: nowhere} }

// Live is the number of bytes in use, Peak the most there ever were, Held those in use and idle together.
func (p *Pool) Live() int64 { return p.read(&p.live) }

// Peak is the most bytes that were in use at once.
func (p *Pool) Peak() int64 { return p.read(&p.peak) }

// Held is the number of bytes in use and idle together.
func (p *Pool) Held() int64 { return p.read(&p.held) }

func (p *Pool) read(v *int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *v
}

// get gives n elements with undefined contents.
func (p *Pool) get(d kernels.DType, n int) (kernels.Buf, error) {
	c := class{d, roundUp(n)}
	p.mu.Lock()
	defer p.mu.Unlock()
	bytes := int64(c.n * d.Size())
	var buf kernels.Buf
	if p.dry != 0 {
		buf = kernels.OfDevice(d, c.n, p.dry)
		p.dry += uintptr(bytes) + 64
	} else if list := p.free[c]; len(list) > 0 {
		buf = list[len(list)-1].buf
		p.free[c] = list[:len(list)-1]
	} else {
		var err error
		if buf, err = p.be.Alloc(d, c.n); err != nil {
			return kernels.Buf{}, err
		}
		p.held += bytes
	}
	p.live += bytes
	p.peak = max(p.peak, p.live)
	return buf, nil
}

// put takes back a buffer that get gave.
func (p *Pool) put(b kernels.Buf) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live -= int64(b.Bytes())
	if p.spoil && b.DType() != kernels.I32 && b.DType() != kernels.U8 {
		p.be.Fill(b, math.NaN())
	}
	if p.dry == 0 {
		c := class{b.DType(), b.Len()}
		p.free[c] = append(p.free[c], idle{b, p.epoch})
	}
}

// age counts one reset and gives back what has not been used for a while.
func (p *Pool) age() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	for c, list := range p.free {
		kept := list[:0]
		for _, i := range list {
			if p.epoch-i.epoch <= idleResets {
				kept = append(kept, i)
				continue
			}
			p.held -= int64(i.buf.Bytes())
			p.be.Free(i.buf)
		}
		clear(list[len(kept):])
		p.free[c] = kept
	}
}

// Trim gives back all that lies idle.
func (p *Pool) Trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, list := range p.free {
		for _, i := range list {
			p.held -= int64(i.buf.Bytes())
			p.be.Free(i.buf)
		}
		delete(p.free, c)
	}
}

// roundUp is the smallest size class that holds n: k·2^e with 8 ≤ k < 16, at least 16.
func roundUp(n int) int {
	if n <= 16 {
		return 16
	}
	step := 1 << (bits.Len(uint(n-1)) - 4)
	return (n + step - 1) / step * step
}

// memory is a buffer of the pool with the number of scopes and nodes that need it.
type memory struct {
	whole kernels.Buf
	refs  int
	lost  bool // stands for what the backend could not give; no kernel may touch it
}
