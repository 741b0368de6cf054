package interp

import (
	"slices"
	"sync"
)

// Counts is what launches asked of the device. A warp's access to global memory takes as many sectors of 32
// bytes as it touches, and one to shared memory as many passes as the bank that it asks most of has words to
// give: 32 banks of 4 bytes, accesses of 8 and 16 bytes going by half and by quarter warps.
type Counts struct {
	mu           sync.Mutex
	on           bool
	Instructions int // of warps

	Sectors, LeastSectors int // of global memory, and those that the bytes would fill
	Passes, LeastPasses   int // of shared memory
	Local                 int // accesses to threads' own memory
}

// add takes over what a block counted. c may be nil.
func (c *Counts) add(b *Counts) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Instructions, c.Local = c.Instructions+b.Instructions, c.Local+b.Local
	c.Sectors, c.LeastSectors = c.Sectors+b.Sectors, c.LeastSectors+b.LeastSectors
	c.Passes, c.LeastPasses = c.Passes+b.Passes, c.LeastPasses+b.LeastPasses
}

// count counts an access of size bytes a lane.
func (w *warp) count(in *instr, m uint32, size int) {
	c := &w.block.counts
	if !c.on || m == 0 {
		return
	}
	var at []uint64
	for l := range each(m) {
		at = append(at, w.r[in.a][l]+uint64(in.offset))
	}
	s := in.space
	if s == generic && at[0] >= sharedBase && at[0] < localBase {
		s = shared
	}
	switch s {
	case local:
		c.Local++
	case shared:
		passes, least := sharedPasses(m, at, size)
		c.Passes, c.LeastPasses = c.Passes+passes, c.LeastPasses+least
	case global, generic:
		slices.Sort(at)
		at = slices.Compact(at)
		c.LeastSectors += (len(at)*size + 31) / 32
		sectors := map[uint64]bool{}
		for _, a := range at {
			sectors[a/32] = true
		}
		c.Sectors += len(sectors)
	}
}

// sharedPasses is how many passes an access takes, and how many it would take if no bank had two words to
// give.
func sharedPasses(m uint32, at []uint64, size int) (passes, least int) {
	part := lanes * 4 / max(size, 4) // lanes that go together
	for from := 0; from < lanes; from += part {
		banks := map[uint64]map[uint64]bool{}
		for i := 0; i < len(at); i++ {
			l := laneAt(m, i)
			if l < from || l >= from+part {
				continue
			}
			for b := uint64(0); b < uint64(size); b += 4 {
				word := (at[i] + b) / 4
				if banks[word%32] == nil {
					banks[word%32] = map[uint64]bool{}
				}
				banks[word%32][word] = true
			}
		}
		most := 0
		for _, words := range banks {
			most = max(most, len(words))
		}
		passes += most
		least += min(1, most)
	}
	return passes, least
}

// laneAt is the lane of the i-th bit of m that is set.
func laneAt(m uint32, i int) int {
	for l := range each(m) {
		if i == 0 {
			return l
		}
		i--
	}
	return lanes
}
