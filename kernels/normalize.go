package kernels

// Normalize makes values of the bytes of pictures:
//
//	y[i,c] = (x[i,c]/255 − Mean[c])/Std[c]
//
// in float32, each step rounded, and at last to the type of Y.
//
// Shapes: X uint8, Y (N,3), N pixels of red, green and blue.
type Normalize struct {
	N         int
	Mean, Std [3]float32
	X, Y      Buf
}

// Cost counts three operations per element.
func (o Normalize) Cost() Cost { return Cost{3 * product(o.N, 3), bytesOf(o.X, o.Y)} }

// Stem is the op's name.
func (Normalize) Stem() string { return "normalize" }

// Run calls the backend.
func (o Normalize) Run(b Backend) { b.Normalize(o) }

// Table is what the 256 values of a byte become in each channel.
func (o Normalize) Table() (table [3][256]float32) {
	for c := range table {
		for v := range table[c] {
			table[c][v] = (float32(v)/255 - o.Mean[c]) / o.Std[c]
		}
	}
	return table
}
