//go:build cuda || emu

package cuda

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"truegrain/kernels"
)

// leakLimit is how many buffers may be out at once: a model and its tape have some thousands.
const leakLimit = 1 << 20

// Stats are the pool's figures, in bytes.
type Stats struct {
	Live, HighWater int // given out now, and at most so far
	Reserved        int // taken from the driver, given out or not
	Buffers         int // given out now
}

// pool keeps what is freed and gives it out again by size class: taking memory from the driver waits for the
// device, and an engine asks for the same sizes at every step. All of a device's work runs on one stream, so
// that memory may be given out again before the work that used it has run.
type pool struct {
	mu     sync.Mutex
	drv    driver
	stream stream
	free   map[int][]addr // by class
	blocks []poolBlock    // all that the driver gave, by address
	stats  Stats
}

type poolBlock struct {
	at    addr
	class int
	live  int // bytes asked for, 0 if free
}

func newPool(drv driver, s stream) *pool {
	return &pool{drv: drv, stream: s, free: map[int][]addr{}}
}

// sizeClass is n rounded up: to 512 bytes, and above 4 KiB to a quarter of its power of two.
func sizeClass(n int) int {
	if n <= 4096 {
		return max(512, (n+511)&^511)
	}
	step := 1 << (bits.Len(uint(n-1)) - 3)
	return (n + step - 1) &^ (step - 1)
}

// find is the index of the block that an address lies in, or -1.
func (p *pool) find(a addr) int {
	i, ok := slices.BinarySearchFunc(p.blocks, a, func(b poolBlock, a addr) int {
		if b.at < a {
			return -1
		}
		return int(min(b.at-a, 1))
	})
	if ok {
		return i
	}
	if i--; i >= 0 && a < p.blocks[i].at+addr(p.blocks[i].class) {
		return i
	}
	return -1
}

// owns says that a buffer lies in memory that this pool has given out.
func (p *pool) owns(b kernels.Buf) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(b.Addr())
	return i >= 0 && p.blocks[i].live > 0
}

// get gives n bytes that hold anything. The error wraps kernels.ErrOutOfMemory.
func (p *pool) get(n int) (addr, error) {
	if n < 0 || n > 1<<46 {
		return 0, fmt.Errorf("%d bytes: %w", n, kernels.ErrOutOfMemory)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stats.Buffers >= leakLimit {
		return 0, fmt.Errorf("%d buffers are out, and none was given back: %w", leakLimit, kernels.ErrOutOfMemory)
	}
	class := sizeClass(n)
	if list := p.free[class]; len(list) > 0 {
		a := list[len(list)-1]
		p.free[class] = list[:len(list)-1]
		p.take(p.find(a), n)
		return a, nil
	}
	a, err := p.drv.Alloc(class)
	if err != nil {
		if err = p.trim(); err == nil {
			a, err = p.drv.Alloc(class)
		}
	}
	if err != nil {
		free, total, _ := p.drv.Memory()
		return 0, fmt.Errorf("%d bytes asked for, %d of %d free, %d in use here: %w", n, free, total, p.stats.Live,
			err)
	}
	i, _ := slices.BinarySearchFunc(p.blocks, a, func(b poolBlock, a addr) int {
		if b.at < a {
			return -1
		}
		return 1
	})
	p.blocks = slices.Insert(p.blocks, i, poolBlock{at: a, class: class})
	p.stats.Reserved += class
	p.take(i, n)
	return a, nil
}

func (p *pool) take(i, n int) {
	p.blocks[i].live = max(1, n)
	p.stats.Buffers++
	p.stats.Live += p.blocks[i].live
	p.stats.HighWater = max(p.stats.HighWater, p.stats.Live)
}

// put takes a buffer back. What is no buffer of this pool is refused.
func (p *pool) put(a addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(a)
	if i < 0 || p.blocks[i].at != a || p.blocks[i].live == 0 {
		return false
	}
	b := &p.blocks[i]
	p.stats.Buffers--
	p.stats.Live -= b.live
	b.live = 0
	p.free[b.class] = append(p.free[b.class], a)
	p.drv.Forget(a, b.class, p.stream)
	return true
}

// classOf is the size class of a buffer that this pool has given out.
func (p *pool) classOf(a addr) (class int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(a)
	if i < 0 || p.blocks[i].at != a || p.blocks[i].live == 0 {
		return 0, false
	}
	return p.blocks[i].class, true
}

// trim gives the free blocks back to the driver.
func (p *pool) trim() error {
	if err := p.drv.Wait(p.stream); err != nil {
		return err
	}
	var kept []poolBlock
	for _, b := range p.blocks {
		if b.live > 0 {
			kept = append(kept, b)
			continue
		}
		if err := p.drv.Free(b.at); err != nil {
			return err
		}
		p.stats.Reserved -= b.class
	}
	p.blocks = kept
	clear(p.free)
	return nil
}
