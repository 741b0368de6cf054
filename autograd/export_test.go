package autograd

// Spoil makes a pool fill what comes back to it with NaN, so that a use after release shows in the results.
func Spoil(p *Pool) *Pool {
	p.spoil = true
	return p
}
