package cpu

// tileArgs is the argument block of the tile kernels, which compute runs of tiles of a matrix product whose
// rows of A and C lie anywhere (the generator reads the layout of this struct from this file):
//
//	C[r][j] = relu(bias[j] + res[r][j] + Σ_t Σ_k A[r,t][k] · B[t][k][j])
//
// for the rows r of a tile and the columns j < cols of a panel, t < taps, k < depth. Row r of tap t starts at
// a + aOff[t][r] and its elements are aStep bytes apart; where aOff says -1 it is a row of zeros. Row r of C
// starts at c + cOff[r], of the residual at c + cOff[r] + res. Rows of B are
// bStep bytes apart, and bTap more between taps; kernels may read them up to the width of a panel.
//
// Addresses are uintptr on purpose: kernels advance them past the ends of their objects, which the garbage
// collector must not see as pointers. The caller keeps the memory alive.
type tileArgs struct {
	a     uintptr // base of A
	zero  uintptr // a row of zeros, less a
	aStep int     // bytes from one k to the next in A
	aOff  uintptr // offsets of the rows of A, [tile][tap][row] int64; the kernel advances it
	aTile int     // bytes of aOff from one tile to the next
	b     uintptr // panel of B
	bStep int     // bytes from one k to the next in B
	bTap  int     // bytes more from one tap to the next
	depth int     // k of one tap
	taps  int
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
