package cpu

// overPieces is over for rows of n elements: it calls f for every row, whole, or in parts where rows are long, with
// elements lo..hi-1 of row r.
func overPieces[T any](b *Backend, rows, n int, arg T, f func(b *Backend, arg *T, r, lo, hi int)) {
	p := rowPieces[T]{arg, n, max(1, (n+elementGrain-1)/elementGrain), f}
	grain := 1
	if p.parts == 1 {
		grain = rowGrain(n)
	}
	over(b, rows*p.parts, grain, p, runPieces[T])
}

// rowPieces is one call of overPieces.
type rowPieces[T any] struct {
	arg      T
	n, parts int
	f        func(b *Backend, arg *T, r, lo, hi int)
}

func runPieces[T any](b *Backend, p *rowPieces[T], lo, hi int) {
	for i := lo; i < hi; i++ {
		k := i % p.parts
		p.f(b, &p.arg, i/p.parts, k*p.n/p.parts, (k+1)*p.n/p.parts)
	}
}
