package webp

// The kinds of blocks that have probabilities of their own.
const (
	kindY  = 0 // luma without its means
	kindY2 = 1 // the means
	kindUV = 2
)

// zigzag is the order of the coefficients, bandOf the band of each place in it (RFC 6386, section 13).
var (
	zigzag = [16]int{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}
	bandOf = [16]int{0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7}
)

// category is a range of large levels: the first one, and the probabilities of the bits that say which.
type category struct {
	first int32
	bits  []uint8
}

var categories = []category{{5, []uint8{159}}, {7, []uint8{165, 145}}, {11, []uint8{173, 148, 140}},
	{19, []uint8{176, 155, 140, 135}}, {35, []uint8{180, 157, 141, 134, 130}},
	{67, []uint8{254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129}}}

// block writes the levels of a block from a place on, in the context of how many of its two neighbours have
// levels, and says whether it has any: 0 or 1.
func (e *encoder) block(kind, from int, c *[16]int32, context int) int {
	last := -1
	for i := from; i < 16; i++ {
		if c[zigzag[i]] != 0 {
			last = i
		}
	}
	t, zero := e.tokens, false
	for i := from; i <= last; i++ {
		p := nodesOf(kind, bandOf[i], context)
		if !zero { // behind a zero the end can't be
			t.bit(p[0], true)
		}
		v := c[zigzag[i]]
		level := max(v, -v)
		zero = level == 0
		t.bit(p[1], !zero)
		if context = int(min(level, 2)); zero {
			continue
		}
		e.level(p, level)
		t.bit(128, v < 0)
	}
	if last < 15 {
		t.bit(nodesOf(kind, bandOf[max(last+1, from)], context)[0], false)
	}
	if last < 0 {
		return 0
	}
	return 1
}

// level writes a level of at least 1.
func (e *encoder) level(p []uint8, level int32) {
	t := e.tokens
	t.bit(p[2], level > 1)
	if level == 1 {
		return
	}
	t.bit(p[3], level > 4)
	if level <= 4 {
		t.bit(p[4], level > 2)
		if level > 2 {
			t.bit(p[5], level == 4)
		}
		return
	}
	k := 0
	for k+1 < len(categories) && level >= categories[k+1].first {
		k++
	}
	t.bit(p[6], k > 1)
	if k <= 1 {
		t.bit(p[7], k == 1)
	} else {
		t.bit(p[8], k > 3)
		t.bit(p[9+(k-2)/2], k%2 == 1)
	}
	extra := level - categories[k].first
	for i, prob := range categories[k].bits {
		t.bit(prob, extra>>(len(categories[k].bits)-1-i)&1 == 1)
	}
}
