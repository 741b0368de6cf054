//go:build cuda || emu

package cuda

import (
	"encoding/binary"

	"truegrain/kernels"
)

// windowArgs is struct Window of window.cuh.
func windowArgs(w kernels.Window, b, h, wd, c, oh, ow int) []byte {
	var args []byte
	for _, v := range [16]int{b, h, wd, c, oh, ow, w.KH, w.KW, w.StrideH, w.StrideW, w.PadH, w.PadW, w.DilH, w.DilW} {
		args = binary.LittleEndian.AppendUint32(args, uint32(v))
	}
	return args
}

// cells is the launch of a loop over the elements of pictures (b,h,w,c).
func cells(b, h, w, c int) (g, block3 dim) {
	return grid(ceil(w*c, 256), min(h, mostAcross), min(b, mostAcross)), block(256)
}
