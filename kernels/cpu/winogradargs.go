package cpu

// winogradArgs is the argument block of the transforms of Winograd's convolution (the generator reads the
// layout of this struct from this file). A call transforms a run of tiles that lie side by side in a picture,
// or of filters; each is a column of n² planes, n = m+2, on the other side. Addresses are uintptr, as in
// tileArgs.
type winogradArgs struct {
	pixels  uintptr // of the first tile: input: what offsets are relative to; output: its first pixel
	offsets uintptr // input: bytes from pixels to each pixel of the tile, [n][n] int64, or to nine weights
	planes  uintptr // of the first tile: its channels in the first plane
	scratch uintptr // room for n² vectors, aligned
	plane   int     // bytes from plane to plane
	step    int     // bytes from tile to tile in the picture
	advance int     // and in a plane
	row     int     // output: bytes from row to row of the picture, which is also the residual's
	col     int     // output: bytes from pixel to pixel
	rows    int     // output: rows of the tile that exist, 1..m
	cols    int     // output: columns of it that exist, 1..m
	res     uintptr // output: the residual less the picture, if flagRes
	bias    uintptr // output: a value for each channel, if flagBias
	flags   int
	count   int // channels, a multiple of 16, at least 16
	tiles   int // in this run, at least 1; the kernel counts it down
}
