package kernels

import "fmt"

// Window is the geometry of a sliding window over the rows and columns of a picture: kernel size, stride,
// zero padding on both sides, and dilation. Stride and dilation are at least 1.
type Window struct {
	KH, KW           int
	StrideH, StrideW int
	PadH, PadW       int
	DilH, DilW       int
}

// Out is the size of the output of a convolution or pooling (dilation d, kernel k, padding p, stride s):
//
//	⌊(n + 2p − d(k−1) − 1)/s⌋ + 1
//
// and 0 where the window does not fit.
func (w Window) Out(h, wd int) (oh, ow int) {
	return outSize(h, w.KH, w.StrideH, w.PadH, w.DilH, false),
		outSize(wd, w.KW, w.StrideW, w.PadW, w.DilW, false)
}

// OutCeil is Out with the division rounded up (PyTorch's ceil_mode): a last window may hang over the padded
// end, but never starts beyond the picture and its leading padding.
func (w Window) OutCeil(h, wd int) (oh, ow int) {
	return outSize(h, w.KH, w.StrideH, w.PadH, w.DilH, true),
		outSize(wd, w.KW, w.StrideW, w.PadW, w.DilW, true)
}

// OutTransposed is the size of the output of a transposed convolution:
//
//	(n−1)s − 2p + d(k−1) + outPad + 1
func (w Window) OutTransposed(h, wd, outPadH, outPadW int) (oh, ow int) {
	f := func(n, k, s, p, d, op int) int {
		if n == 0 {
			return 0
		}
		return max(0, (n-1)*s-2*p+d*(k-1)+op+1)
	}
	return f(h, w.KH, w.StrideH, w.PadH, w.DilH, outPadH), f(wd, w.KW, w.StrideW, w.PadW, w.DilW, outPadW)
}

func outSize(n, k, s, p, d int, ceil bool) int {
	free := n + 2*p - d*(k-1) - 1
	if n == 0 || free < 0 {
		return 0
	}
	o := free/s + 1
	if ceil && free%s != 0 && o*s < n+p {
		o++
	}
	return o
}

// Check says what is wrong with the geometry, or nil.
func (w Window) Check() error {
	if w.KH < 1 || w.KW < 1 || w.StrideH < 1 || w.StrideW < 1 || w.DilH < 1 || w.DilW < 1 ||
		w.PadH < 0 || w.PadW < 0 {
		return fmt.Errorf("kernel, stride and dilation must be at least 1 and padding at least 0, got %+v", w)
	}
	return nil
}
