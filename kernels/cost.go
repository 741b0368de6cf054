package kernels

// Cost is what one call of an op takes: floating-point operations (a multiply-add counts two), and the bytes
// that it must read and write at least, every operand once.
type Cost struct{ FLOPs, Bytes int64 }

// Plus adds two costs.
func (c Cost) Plus(o Cost) Cost { return Cost{c.FLOPs + o.FLOPs, c.Bytes + o.Bytes} }

// Op is the argument struct of a forward op: what a Node records, a frozen model replays and a profile
// prices.
type Op interface {
	Stem() string // the op's name in every folder: "conv2d"
	Cost() Cost
	Run(Backend) // hands the struct to the backend's method of the same name
}

func bytesOf(bufs ...Buf) (n int64) {
	for _, b := range bufs {
		n += int64(b.Bytes())
	}
	return n
}

func product(dims ...int) int64 {
	n := int64(1)
	for _, d := range dims {
		n *= int64(d)
	}
	return n
}
