package cpu

// poolArgs is the argument block of the kernels of max pooling (the generator reads the layout from this
// file): a run of positions with equal windows. Steps count bytes. All addresses are inside their objects.
//
// Forward, out is the output, in the first element of the first position's window, index the output's places.
// Back, out is dx, in and index are dy and the places of the first window that the position lies in.
type poolArgs struct {
	out, in             *float32
	index               *int32
	positions, channels int // at least one
	rows, cols          int // of the window; back, the windows
	outStep, inStep     int // from position to position
	rowStep, colStep    int // within in
	// place of the window's first element (back: of the position), and the next one's
	first, place int
	// from the end of a row of the window to the next row, and from column to column
	rowPlace, colPlace int
	add, past          int     // not 0: add to out; stores go past the caches. For gradients and sums only
	scale              float32 // of sums
}

// reach is what one output of a resampling takes: n inputs, the first of which lies from bytes away.
type reach struct{ from, n int }

// depthwiseArgs is the argument block of the kernels of convolutions in groups of few channels: a run of
// positions whose windows have the same elements. Steps count bytes. All addresses of elements are inside
// their objects.
//
// Forward, out is the output and in the first element of the first position's window; res, which lies as out
// does, and bias may be nil. Weights are in panels, from the window's first element on, for each of which
// there are as many rows as inputs in a group. For the gradient of the weights,
// out is dy, and what its run adds to the weights is added to them.
type depthwiseArgs struct {
	out, in, weights, res, bias *float32
	positions, channels         int // at least one; the kernel counts positions down
	group                       int // channels of one; the assembly has a kernel for each
	rows, cols                  int // elements of the window; no rows give sums of none
	outStep, inStep             int // from position to position
	// within in: from a row's end to the next row of the window, from column to column
	rowStep, colStep     int
	rowWeight, colWeight int // within a panel of the weights
	panel                int // and from panel to panel
	rectify, past        int // not 0: negative results become 0; stores go past the caches
}
