package evaluate

// SizeFloor is the balanced accuracy of a classifier that sees nothing but a picture's width and height: what
// an accuracy must be compared with. Pictures of both classes are dealt into two halves in turn; each half is
// answered by what most pictures of exactly the same size are in the other half, and where that has none or
// as many of both, half of each is called right. Less than one half is said as one half, what guessing gives:
// it comes about where each picture has a counterpart of its own size in the other class.
func SizeFloor(s []Prediction) float64 {
	type size struct{ half, w, h int }
	count := map[size][2]int{}
	halves := make([]int, len(s))
	var n [2]int
	for i, p := range s {
		halves[i] = n[p.Label] % 2
		n[p.Label]++
		k := size{halves[i], p.W, p.H}
		c := count[k]
		c[p.Label]++
		count[k] = c
	}
	if n[0] == 0 || n[1] == 0 {
		return 0.5
	}
	var right [2]float64
	for i, p := range s {
		c := count[size{1 - halves[i], p.W, p.H}]
		switch own, other := c[p.Label], c[1-p.Label]; {
		case own > other:
			right[p.Label]++
		case own == other:
			right[p.Label] += 0.5
		}
	}
	return max(0.5, (right[0]/float64(n[0])+right[1]/float64(n[1]))/2)
}
