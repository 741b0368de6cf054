package webp

// boolEncoder is the arithmetic coder of RFC 6386, section 7.3.
type boolEncoder struct {
	out    []byte
	span   uint32 // 128 to 255
	bottom uint32
	left   int // shifts until a byte is whole
}

func newBoolEncoder() *boolEncoder { return &boolEncoder{span: 255, left: 24} }

// carry adds one to what is written.
func (e *boolEncoder) carry() {
	i := len(e.out) - 1
	for ; i >= 0 && e.out[i] == 255; i-- {
		e.out[i] = 0
	}
	e.out[i]++
}

// bit writes one bit that is 0 with probability prob/256.
func (e *boolEncoder) bit(prob uint8, one bool) {
	split := 1 + (e.span-1)*uint32(prob)>>8
	if one {
		if e.bottom+split < e.bottom {
			e.carry()
		}
		e.bottom += split
		e.span -= split
	} else {
		e.span = split
	}
	for e.span < 128 {
		e.span <<= 1
		if e.bottom&(1<<31) != 0 {
			e.carry()
		}
		e.bottom <<= 1
		if e.left--; e.left == 0 {
			e.out = append(e.out, byte(e.bottom>>24))
			e.bottom &= 1<<24 - 1
			e.left = 8
		}
	}
}

// bits writes the n lowest bits of v, the highest first, each as likely as not.
func (e *boolEncoder) bits(v, n int) {
	for n--; n >= 0; n-- {
		e.bit(128, v>>n&1 == 1)
	}
}

// flush ends the partition.
func (e *boolEncoder) flush() []byte {
	v := e.bottom
	if v&(1<<(32-e.left)) != 0 {
		e.carry()
	}
	v <<= e.left & 7
	for range e.left >> 3 {
		v <<= 8
	}
	for range 4 {
		e.out = append(e.out, byte(v>>24))
		v <<= 8
	}
	return e.out
}
