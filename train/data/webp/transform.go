package webp

// The transforms of RFC 6386, section 14. The inverse ones are exact as a decoder has them; the forward ones
// are their transposes, since the rows of both are orthogonal and of one length: B·Bᵀ = 4·I.

// forward is (B·r·Bᵀ)/2, rounded: the coefficients of a 4×4 residual, whose DC is half its sum.
func forward(c *[16]int32) {
	const a, b = 1.30656296487637652786, 0.54119610014619698440 // √2·cos(π/8), √2·sin(π/8)
	rows := [4][4]float64{{1, 1, 1, 1}, {a, b, -b, -a}, {1, -1, -1, 1}, {b, -a, a, -b}}
	bothSides(c, &rows)
}

// forwardWalsh is the same for the sixteen means of a macroblock.
func forwardWalsh(c *[16]int32) {
	bothSides(c, &[4][4]float64{{1, 1, 1, 1}, {1, 1, -1, -1}, {1, -1, -1, 1}, {1, -1, 1, -1}})
}

func bothSides(c *[16]int32, rows *[4][4]float64) {
	var half [4][4]float64 // r·Bᵀ
	for y := range 4 {
		for k := range 4 {
			for x := range 4 {
				half[y][k] += float64(c[4*y+x]) * rows[k][x]
			}
		}
	}
	for j := range 4 {
		for k := range 4 {
			var s float64
			for y := range 4 {
				s += rows[j][y] * half[y][k]
			}
			c[4*j+k] = round(s / 2)
		}
	}
}

func round(v float64) int32 {
	if v < 0 {
		return -int32(0.5 - v)
	}
	return int32(v + 0.5)
}

// quantise divides by the steps, rounding to the nearest level; a token holds at most 2048+66.
func quantise(c *[16]int32, dc, ac int32) {
	step := dc
	for i, v := range c {
		level := (max(v, -v) + step/2) / step
		if level = min(level, 2047); v < 0 {
			level = -level
		}
		c[i], step = level, ac
	}
}

func dequantise(c *[16]int32, dc, ac int32) {
	c[0] *= dc
	for i := 1; i < 16; i++ {
		c[i] *= ac
	}
}

// inverse is the decoder's transform, down the columns first.
func inverse(c *[16]int32) {
	const cos, sin = 20091, 35468 // √2·cos(π/8) − 1 and √2·sin(π/8), times 2¹⁶
	pass := func(a, b, d, e int32) (p, q, r, s int32) {
		s0, s1 := a+d, a-d
		t0 := b*sin>>16 - (e + e*cos>>16)
		t1 := b + b*cos>>16 + e*sin>>16
		return s0 + t1, s1 + t0, s1 - t0, s0 - t1
	}
	for i := range 4 {
		c[i], c[4+i], c[8+i], c[12+i] = pass(c[i], c[4+i], c[8+i], c[12+i])
	}
	for i := 0; i < 16; i += 4 {
		p, q, r, s := pass(c[i], c[i+1], c[i+2], c[i+3])
		c[i], c[i+1], c[i+2], c[i+3] = (p+4)>>3, (q+4)>>3, (r+4)>>3, (s+4)>>3
	}
}

// inverseWalsh is the decoder's.
func inverseWalsh(c *[16]int32) {
	pass := func(a, b, d, e int32) (p, q, r, s int32) {
		a1, b1, c1, d1 := a+e, b+d, b-d, a-e
		return a1 + b1, c1 + d1, a1 - b1, d1 - c1
	}
	for i := range 4 {
		c[i], c[4+i], c[8+i], c[12+i] = pass(c[i], c[4+i], c[8+i], c[12+i])
	}
	for i := 0; i < 16; i += 4 {
		p, q, r, s := pass(c[i], c[i+1], c[i+2], c[i+3])
		c[i], c[i+1], c[i+2], c[i+3] = (p+3)>>3, (q+3)>>3, (r+3)>>3, (s+3)>>3
	}
}
