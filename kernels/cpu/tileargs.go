package cpu

// tileArgs is the argument block of the tile kernels, which compute runs of tiles of a matrix product whose
// rows of A and C lie anywhere (the generator reads the layout of these structs from this file):
//
//	C[r][j] = relu(bias[j] + res[r][j] + Σ_segments Σ_k A[r][k] · B[k][j])
//
// for the rows r of a tile and the columns j < cols of a panel, k < depth of the segment. In a segment, row r
// of A starts at a + aOff[r] + segment.a and row 0 of B at b + segment.b; elements of A are aStep bytes
// apart, rows of B bStep bytes. Row r of C starts at c + cOff[r], of the residual at c + cOff[r] + res.
// Kernels may read a row of B up to the next whole vector.
//
// Addresses are uintptr on purpose: kernels advance them past the ends of their objects, which the garbage
// collector must not see as pointers. The caller keeps the memory alive.
type tileArgs struct {
	a        uintptr // base of A
	aStep    int     // bytes from one k to the next in A
	aOff     uintptr // offsets of the rows of A, [tile][row] int64; the kernel advances it
	b        uintptr // panel of B
	bStep    int     // bytes from one k to the next in B
	segments uintptr // what is summed, an array of segment
	count    int     // its length
	//lint:ignore U1000 only the assembly uses it
	todo     int     // segments of the tile that are left
	next     uintptr // memory that will be read soon, fetched to L2 meanwhile; the kernel advances it
	nextStep int     // by that many bytes at every k; 0 if there is none
	// bytes from a row of A to one that is read soon, fetched to L2 meanwhile; 0 if there is none
	ahead int
	sums  uintptr // room for [row][column of the panel] float32, if a segment has a sum
	c     uintptr // base of C
	cOff  uintptr // offsets of the rows of C, [tile][row] int64; the kernel advances it
	res   uintptr // the residual less c, if flagRes
	bias  uintptr // cols values, if flagBias
	cols  int     // columns that exist, 1..width of the panel
	flags int
	tiles int // tiles in this run, at least 1; the kernel counts it down
}

// The epilogue: what is added to the product, and whether negative values become zero.
const (
	flagBias = 1 << iota
	flagRes
	flagReLU
)

// segment is consecutive k of a product.
type segment struct {
	a, b  int // bytes to its first element, from the start of a row of A and from the panel
	depth int // its number of k
	sum   int // what is done with the sum behind it
}

// What follows a segment: long sums are taken in parts, each of which is added to those before, so that the
// rounding error grows with the length of a part and with their number, not with the product of the two.
const (
	sumOn    = iota // nothing: the next segment adds to the same part
	sumFirst        // a part ends, the first one
	sumNext         // another part ends
	sumLast         // the last part ends: all others are added to it
)
