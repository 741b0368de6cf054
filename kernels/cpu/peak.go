package cpu

// peakRounds keeps one call of the assembly under 100 µs.
const peakRounds = 20_000

// Peak does n rounds of multiply-adds on registers alone, on the goroutine that calls it, and says how many
// operations they were: the ceiling of every product at this level. It is 0 at a level without such a loop.
func (b *Backend) Peak(n int) (flops int64) {
	l := b.level
	if l.peak == nil {
		return 0
	}
	for left := n; left > 0; left -= peakRounds {
		l.peak(min(left, peakRounds))
	}
	return int64(n) * int64(l.peakFLOPs)
}
