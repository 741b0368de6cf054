package kernels

// Packed are the weights of a Conv2D, ConvTranspose2D or Linear in the order in which the kernels of one
// backend read them. Backend.Pack makes them once, where the weights stay as they are and the op runs often;
// the op then carries them in its Packed field, and its Weight is not read, so that it may be given back.
type Packed interface {
	Method() string // how the op is computed with them, for people: "direct", "Winograd 4x4", "bfloat16"
	Bytes() int64   // the memory they take
	Free()          // gives it back; nothing may use them any more
}

// weightBytes is what an op reads of its weights.
func weightBytes(w Buf, p Packed) int64 {
	if p != nil {
		return p.Bytes()
	}
	return bytesOf(w)
}

// Packing says what a frozen model may trade for speed.
type Packing int

const (
	// Exact keeps the algorithm of an op that is not packed: the same sums of products, long ones perhaps in other
	// parts.
	Exact Packing = iota
	// Fast allows float32 algorithms of fewer operations and more rounding: Winograd's convolution, which
	// also spreads an infinity or a NaN over the pixels of a tile.
	Fast
	// BFloat16 allows Fast, and operands rounded to bfloat16 with sums in float32.
	BFloat16
)

// String is the packing's name.
func (p Packing) String() string { return [...]string{"exact", "fast", "bfloat16"}[p] }

// Prepare is the family of what is done once, before a model is served.
type Prepare interface {
	// Pack packs the weights of op, a Conv2D, ConvTranspose2D or Linear whose sizes are final. It is nil for
	// an op that this backend computes from weights as they are. The error wraps ErrOutOfMemory.
	Pack(op Op, how Packing) (Packed, error)
}
