package picture

import (
	"bytes"
	"encoding/binary"
	"image/png"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

var decodePNG = png.Decode

func isPNG(data []byte) bool { return bytes.HasPrefix(data, []byte(pngMagic)) }

// maxDeflate is the most that deflate can expand a byte into (RFC 1951: 258 bytes by 2 bits).
const maxDeflate = 1032

// walkPNG visits every chunk up to IEND (ISO/IEC 15948).
func walkPNG(data []byte) (h header, err error) {
	compressed, raw, first := int64(0), int64(0), true
	for at := len(pngMagic); ; {
		if at+12 > len(data) {
			return h, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
		}
		n := int64(binary.BigEndian.Uint32(data[at:]))
		kind := string(data[at+4 : at+8])
		if int64(at)+12+n > int64(len(data)) {
			return h, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
		}
		body := data[at+8 : at+8+int(n)]
		if first != (kind == "IHDR") {
			return h, fault(ErrBroken, "the first chunk must be IHDR, and only that")
		}
		first = false
		switch kind {
		case "IHDR":
			if raw, err = h.pngHeader(body); err != nil {
				return h, err
			}
		case "IDAT":
			compressed += n
		case "eXIf":
			h.orientation = exifOrientation(body)
		case "IEND":
			if compressed*maxDeflate < raw {
				return h, fault(ErrTruncated, "%d bytes of data can't hold %d × %d pixels", compressed, h.w,
					h.h)
			}
			return h, nil
		}
		at += 12 + int(n)
	}
}

// pngHeader reads IHDR and returns the size of the picture before compression.
func (h *header) pngHeader(b []byte) (raw int64, err error) {
	if len(b) != 13 {
		return 0, fault(ErrBroken, "IHDR has %d bytes, want 13", len(b))
	}
	w, high := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if w > 1<<31-1 || high > 1<<31-1 {
		return 0, fault(ErrBroken, "the header says %d × %d pixels", w, high)
	}
	h.w, h.h = int(w), int(high)
	depth, color := int64(b[8]), b[9]
	samples := map[byte]int64{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
	if samples == 0 {
		return 0, fault(ErrBroken, "colour type %d", color)
	}
	perPixel := int64(4) // what the decoder keeps: one byte for grey and palettes, else RGBA
	if color == 0 || color == 3 {
		perPixel = 1
	}
	if depth == 16 {
		perPixel *= 2
	}
	pixels := int64(h.w) * int64(h.h)
	h.bytes = perPixel * pixels
	if b[12] == 1 {
		h.bytes += perPixel * pixels / 2 // the largest pass of an interlaced picture, beside the whole
	}
	if h.w > 0 && pixels/int64(h.w) != int64(h.h) {
		return 0, fault(ErrTooLarge, "%d × %d pixels", h.w, h.h)
	}
	return pixels * samples * depth / 8, nil
}
