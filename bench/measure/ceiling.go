package measure

import (
	"math"
	"slices"
	"sync"
	"time"

	"truegrain/kernels"
)

// Ceiling is what a number of cores of this machine can reach together: the roof of a roofline.
type Ceiling struct {
	Cores int     `json:"cores"`
	FLOPs float64 `json:"flops"` // multiply-adds on registers, operations a second
	// Copy is the bandwidth of a copy, bytes read plus bytes written a second, by the bytes that it touches.
	Copy []CopyRate `json:"copy"`
}

// CopyRate is the bandwidth of a copy that touches so many bytes, half of them read and half written.
type CopyRate struct {
	Bytes int64   `json:"bytes"`
	Rate  float64 `json:"rate"`
}

// DRAM is the bandwidth of the largest copy.
func (c Ceiling) DRAM() float64 {
	if len(c.Copy) == 0 {
		return 0
	}
	return c.Copy[len(c.Copy)-1].Rate
}

// copySizes are from the first-level cache to far beyond the last.
var copySizes = []int64{32 << 10, 512 << 10, 4 << 20, 16 << 20, 64 << 20, 256 << 20}

// Prober measures ceilings on a backend's level.
type Prober struct {
	peak     func(n int) int64
	dst, src []byte
}

// NewProber takes the multiply-add loop from a backend that has one (the processor's, at its level); for
// others it is a loop in Go. largest bounds the bytes that copies touch; 0 is 256 MiB.
func NewProber(be kernels.Backend, largest int64) *Prober {
	p := &Prober{peak: peakGo}
	if b, ok := be.(interface{ Peak(n int) int64 }); ok && b.Peak(1) > 0 {
		p.peak = b.Peak
	}
	if largest == 0 {
		largest = copySizes[len(copySizes)-1]
	}
	p.dst, p.src = make([]byte, largest/2), make([]byte, largest/2)
	for i := range p.src { // a page that was never written is a page of zeros that all share
		p.src[i] = byte(i)
		p.dst[i] = byte(i)
	}
	return p
}

// Ceilings measures with each number of cores, the best of several short tries each.
func (p *Prober) Ceilings(cores ...int) (out []Ceiling) {
	const tries = 5
	for _, n := range cores {
		c := Ceiling{Cores: n}
		for range tries {
			c.FLOPs = max(c.FLOPs, p.FLOPs(n, 5*time.Millisecond))
		}
		for _, size := range copySizes {
			if size > int64(2*len(p.dst)) {
				break
			}
			r := CopyRate{Bytes: size}
			for range tries {
				r.Rate = max(r.Rate, p.Copy(n, size, 5*time.Millisecond))
			}
			c.Copy = append(c.Copy, r)
		}
		out = append(out, c)
	}
	return out
}

// FLOPs is the rate of multiply-adds of so many cores, measured for about d.
func (p *Prober) FLOPs(cores int, d time.Duration) float64 {
	const rounds = 20_000
	return together(cores, d, func(int) float64 { return float64(p.peak(rounds)) })
}

// copyPart is what one call of copy moves at most: Go's copy writes past the caches from 1 MiB on, which pays
// only for what does not fit there.
const copyPart = 256 << 10

// Copy is the bandwidth, read and written, of a copy that touches so many bytes with so many cores, the
// better of two ways, through the caches and past them, measured for about d each. Each core has its own
// part.
func (p *Prober) Copy(cores int, bytes int64, d time.Duration) float64 {
	each := max(1, int(min(bytes/2, int64(len(p.dst))))/cores)
	through := func(core int) float64 {
		dst, src := p.dst[core*each:(core+1)*each], p.src[core*each:(core+1)*each]
		for at := 0; at < each; at += copyPart {
			end := min(each, at+copyPart)
			copy(dst[at:end], src[at:end])
		}
		return float64(2 * each)
	}
	best := together(cores, d, through)
	if each > copyPart {
		best = max(best, together(cores, d, func(core int) float64 {
			copy(p.dst[core*each:(core+1)*each], p.src[core*each:(core+1)*each])
			return float64(2 * each)
		}))
	}
	return best
}

// together calls f on so many goroutines again and again for about d, and adds up what each did a second.
func together(cores int, d time.Duration, f func(core int) float64) float64 {
	rates := make([]float64, cores)
	var all sync.WaitGroup
	for core := range cores {
		all.Go(func() {
			f(core)
			start := time.Now()
			var done float64
			for done == 0 || time.Since(start) < d {
				done += f(core)
			}
			rates[core] = done / time.Since(start).Seconds()
		})
	}
	all.Wait()
	var sum float64
	for _, r := range rates {
		sum += r
	}
	return sum
}

// CopyAt is the copy bandwidth for so many bytes, between the measured sizes by their logarithms.
func (c Ceiling) CopyAt(bytes int64) float64 {
	if len(c.Copy) == 0 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(c.Copy, bytes, func(r CopyRate, b int64) int { return int(r.Bytes - b) })
	switch i {
	case 0:
		return c.Copy[0].Rate
	case len(c.Copy):
		return c.Copy[i-1].Rate
	}
	lo, hi := c.Copy[i-1], c.Copy[i]
	t := math.Log(float64(bytes)/float64(lo.Bytes)) / math.Log(float64(hi.Bytes)/float64(lo.Bytes))
	return lo.Rate + t*(hi.Rate-lo.Rate)
}

// peakGo is n rounds of eight independent multiply-adds in Go.
func peakGo(n int) int64 {
	var a [8]float32
	x, y := float32(sink), float32(1)
	for range n {
		a[0] += x * y
		a[1] += x * y
		a[2] += x * y
		a[3] += x * y
		a[4] += x * y
		a[5] += x * y
		a[6] += x * y
		a[7] += x * y
	}
	if a[0]+a[1]+a[2]+a[3]+a[4]+a[5]+a[6]+a[7] > 1e30 {
		panic("unreachable: the sums are of zeros")
	}
	return int64(n) * 16
}

// sink is 0, which the compiler does not know.
var sink float64
