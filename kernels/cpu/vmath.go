package cpu

// vmath is the kernels of exponential functions and their kin. They are not for lengths without bound: one call
// takes up to some 100 µs for rowPiece elements.
type vmath struct {
	exp      func(y, x *float32, n int)
	rowMax   func(x *float32, n int) float32
	rowExp   func(y, x *float32, n int, peak float32) float64
	rowScale func(y *float32, n int, s float32)
	softmax  func(y, x *float32, d, rows int) (peak float32, sum float64)
}

// rowPiece is the number of elements that are given to one call of assembly, which can't be interrupted.
const rowPiece = 1 << 15

var vmathGo = vmath{
	exp:      expGo,
	rowMax:   rowMaxGo,
	rowExp:   rowExpGo,
	rowScale: rowScaleGo,
	softmax:  softmaxGo,
}
