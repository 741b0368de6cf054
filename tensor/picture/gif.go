package picture

import (
	"bytes"
	"encoding/binary"
	"image/gif"
)

var decodeGIF = gif.Decode

func isGIF(data []byte) bool {
	return bytes.HasPrefix(data, []byte("GIF87a")) || bytes.HasPrefix(data, []byte("GIF89a"))
}

// walkGIF reads the screen and the first image descriptor (GIF89a specification). The picture is the screen,
// with the first frame on it.
func walkGIF(data []byte) (h header, err error) {
	short := &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
	if len(data) < 13 {
		return h, short
	}
	h.w, h.h = int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:]))
	at := 13
	if data[10]&0x80 != 0 {
		at += 3 << (data[10]&7 + 1)
	}
	for at < len(data) {
		switch data[at] {
		case 0x21: // an extension: a label and blocks
			at += 2
			for at < len(data) && data[at] != 0 {
				at += int(data[at]) + 1
			}
			at++
		case 0x2C:
			if at+10 > len(data) {
				return h, short
			}
			x, y := int(binary.LittleEndian.Uint16(data[at+1:])), int(binary.LittleEndian.Uint16(data[at+3:]))
			w, high := int(binary.LittleEndian.Uint16(data[at+5:])),
				int(binary.LittleEndian.Uint16(data[at+7:]))
			if x+w > h.w || y+high > h.h {
				return h, fault(ErrBroken, "the first frame (%d × %d at %d, %d) leaves the screen (%d × %d)",
					w, high, x, y, h.w, h.h)
			}
			h.bytes = int64(w) * int64(high)
			return h, nil
		case 0x3B:
			return h, fault(ErrBroken, "no frame")
		default:
			return h, fault(ErrBroken, "unknown block 0x%02x", data[at])
		}
	}
	return h, short
}
