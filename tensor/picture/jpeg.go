package picture

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
)

// JPEG markers (ITU-T T.81, table B.1).
const (
	jpegSOI  = 0xD8
	jpegEOI  = 0xD9
	jpegSOS  = 0xDA
	jpegAPP1 = 0xE1
)

func isJPEG(data []byte) bool {
	return len(data) >= 3 && data[0] == 0xFF && data[1] == jpegSOI && data[2] == 0xFF
}

// walkJPEG visits every marker up to the end of the picture and counts the scans.
func walkJPEG(data []byte) (h header, err error) {
	seen := false
	for at := 2; ; {
		marker, next := nextMarker(data, at)
		if marker == 0 || marker == jpegEOI {
			break
		}
		if next+2 > len(data) {
			return h, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
		}
		n := int(binary.BigEndian.Uint16(data[next:]))
		if n < 2 || next+n > len(data) {
			return h, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
		}
		body := data[next+2 : next+n]
		switch {
		case isSOF(marker):
			if seen {
				return h, fault(ErrBroken, "two frame headers")
			}
			seen = true
			if err := h.jpegFrame(marker, body); err != nil {
				return h, err
			}
		case marker == jpegSOS:
			h.scans++
		case marker == jpegAPP1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) && h.orientation == 0:
			h.orientation = exifOrientation(body[6:])
		}
		at = next + n
	}
	if !seen {
		return h, fault(ErrBroken, "no frame header")
	}
	return h, nil
}

// nextMarker is the next marker at or behind at, and where its segment begins; 0 if there is none.
// Entropy-coded data, fill bytes and restart markers are passed over.
func nextMarker(data []byte, at int) (marker byte, next int) {
	for {
		i := bytes.IndexByte(data[min(at, len(data)):], 0xFF)
		if i < 0 || at+i+1 >= len(data) {
			return 0, len(data)
		}
		at += i + 1
		m := data[at]
		if m != 0 && m != 0xFF && !(m >= 0xD0 && m <= 0xD7) && m != 0x01 {
			return m, at + 1
		}
	}
}

func isSOF(m byte) bool { return m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC }

// jpegFrame reads a frame header: precision, height, width and the sampling of each component.
func (h *header) jpegFrame(marker byte, b []byte) error {
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return fault(ErrBroken, "the frame header is too short")
	}
	if marker > 0xC2 {
		return fault(ErrUnsupported, "JPEG process %d (lossless, hierarchical or arithmetic)", marker-0xC0)
	}
	h.h, h.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	n := int64(b[5])
	perSample := int64(1)
	if marker == 0xC2 {
		perSample = 5 // progressive: a 32-bit coefficient beside every sample
	}
	// Components are counted at full size: a bound for every subsampling, with room for the padding to whole
	// blocks.
	h.bytes = n * perSample * int64(h.w+32) * int64(h.h+32)
	return nil
}

var formats = append([]format{
	{"jpeg", isJPEG, walkJPEG, jpeg.Decode},
	{"png", isPNG, walkPNG, decodePNG},
	{"webp", isWebP, walkWebP, decodeWebP},
	{"gif", isGIF, walkGIF, decodeGIF},
	{"bmp", isBMP, walkBMP, decodeBMP},
}, heifFormats...)
