package picture

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/image/bmp"
)

var decodeBMP = bmp.Decode

func isBMP(data []byte) bool { return bytes.HasPrefix(data, []byte("BM")) && len(data) >= 26 }

// walkBMP reads the file and information headers (Windows bitmap format) and checks that the rows are there.
func walkBMP(data []byte) (h header, err error) {
	offset, size := int64(binary.LittleEndian.Uint32(data[10:])), binary.LittleEndian.Uint32(data[14:])
	if size < 40 || size > 1<<16 {
		return h, fault(ErrUnsupported, "a bitmap header of %d bytes", size)
	}
	if len(data) < 54 {
		return h, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
	}
	w, high := int64(int32(binary.LittleEndian.Uint32(data[18:]))),
		int64(int32(binary.LittleEndian.Uint32(data[22:])))
	if high < 0 { // rows from the top
		high = -high
	}
	bits := int64(binary.LittleEndian.Uint16(data[28:]))
	if w < 0 || high > 1<<31-1 || bits == 0 || bits > 32 {
		return h, fault(ErrBroken, "the header says %d × %d pixels of %d bits", w, high, bits)
	}
	h.w, h.h = int(w), int(high)
	h.bytes = 4 * w * high
	if compression := binary.LittleEndian.Uint32(data[30:]); compression == 0 || compression == 3 {
		if row := (w*bits + 31) / 32 * 4; offset+row*high > int64(len(data)) {
			return h, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
		}
	}
	return h, nil
}
