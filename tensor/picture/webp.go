package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// decodeWebP gives RGB. A lossy WebP has the range of video, Y from 16 to 235, where the decoder's type of
// image means that of JPEG, from 0 to 255.
func decodeWebP(r io.Reader) (image.Image, error) {
	img, err := webp.Decode(r)
	switch m := img.(type) {
	case *image.YCbCr:
		return videoRange(m, nil, 0), err
	case *image.NYCbCrA:
		return videoRange(&m.YCbCr, m.A, m.AStride), err
	}
	return img, err
}

// videoRange converts BT.601 as libwebp does, with its rounding.
func videoRange(m *image.YCbCr, alpha []uint8, stride int) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	clip := func(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
	for y := range m.Rect.Dy() {
		row := out.Pix[y*out.Stride:]
		for x := range m.Rect.Dx() {
			l := int(m.Y[y*m.YStride+x]) * 19077 >> 8
			c := y/2*m.CStride + x/2
			u, v := int(m.Cb[c]), int(m.Cr[c])
			row[4*x] = clip(l + v*26149>>8 - 14234)
			row[4*x+1] = clip(l - u*6419>>8 - v*13320>>8 + 8708)
			row[4*x+2] = clip(l + u*33050>>8 - 17685)
			row[4*x+3] = 255
			if alpha != nil {
				row[4*x+3] = alpha[y*stride+x]
			}
		}
	}
	return out
}

func isWebP(data []byte) bool {
	return len(data) >= 16 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

// riffChunk is one chunk of a RIFF file.
type riffChunk struct {
	kind string
	body []byte
}

// riffChunks lists the chunks of data, which must all be there.
func riffChunks(data []byte) (out []riffChunk, err error) {
	for at := 0; at < len(data); {
		if at+8 > len(data) {
			break // padding behind the last chunk
		}
		n := int64(binary.LittleEndian.Uint32(data[at+4:]))
		if int64(at)+8+n > int64(len(data)) {
			return nil, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
		}
		out = append(out, riffChunk{string(data[at : at+4]), data[at+8 : at+8+int(n)]})
		at += 8 + int(n+n&1)
	}
	return out, nil
}

// walkWebP reads the chunks of a simple, an extended or an animated WebP (RFC 9649).
func walkWebP(data []byte) (h header, err error) {
	size := int64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size > int64(len(data)) {
		return h, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
	}
	chunks, err := riffChunks(data[12:size])
	if err != nil {
		return h, err
	}
	var frame []riffChunk
	canvas := false
	for _, c := range chunks {
		switch c.kind {
		case "VP8X":
			if len(c.body) < 10 {
				return h, fault(ErrBroken, "the extended header is too short")
			}
			h.w, h.h, canvas = 1+uint24(c.body[4:]), 1+uint24(c.body[7:]), true
		case "EXIF":
			h.orientation = exifOrientation(bytes.TrimPrefix(c.body, []byte("Exif\x00\x00")))
		case "ANMF":
			if frame == nil {
				if frame, err = h.animated(c.body); err != nil {
					return h, err
				}
			}
		case "VP8 ", "VP8L", "ALPH":
			if h.data == nil {
				frame = append(frame, c)
			}
		}
	}
	err = h.place(frame, canvas)
	return h, err
}

// place holds the frame to the canvas, which is as large as the frame unless a header says otherwise.
func (h *header) place(frame []riffChunk, canvas bool) error {
	w, high, err := frameSize(frame)
	if err != nil {
		return err
	}
	if !canvas {
		h.w, h.h = w, high
	}
	if h.at[0]+w > h.w || h.at[1]+high > h.h {
		return fault(ErrBroken, "the first frame (%d × %d) leaves the canvas (%d × %d)", w, high, h.w, h.h)
	}
	if canvas && h.data == nil && (w != h.w || high != h.h) {
		return fault(ErrBroken, "the frame has %d × %d pixels, the canvas %d × %d", w, high, h.w, h.h)
	}
	// the frame as ARGB, or as YCbCr with alpha, and the rows in work
	h.bytes = 6 * int64(w+16) * int64(high+16)
	return nil
}

// animated takes the first frame out of an animation and makes a still picture of it.
func (h *header) animated(body []byte) ([]riffChunk, error) {
	if len(body) < 16 {
		return nil, fault(ErrBroken, "the first frame has no header")
	}
	h.at = [2]int{2 * uint24(body), 2 * uint24(body[3:])}
	frame, err := riffChunks(body[16:])
	if err != nil {
		return nil, err
	}
	w, high, err := frameSize(frame)
	if err != nil {
		return nil, err
	}
	still := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00")
	still = append24(append24(still, w-1), high-1)
	for _, c := range frame {
		if c.kind != "VP8 " && c.kind != "VP8L" && c.kind != "ALPH" {
			continue
		}
		still = binary.LittleEndian.AppendUint32(append(still, c.kind...), uint32(len(c.body)))
		still = append(still, c.body...)
		if len(c.body)%2 == 1 {
			still = append(still, 0)
		}
	}
	binary.LittleEndian.PutUint32(still[4:], uint32(len(still)-8))
	h.data = still
	return frame, nil
}

// frameSize is the size that the bit stream of a frame states itself.
func frameSize(frame []riffChunk) (w, h int, err error) {
	for _, c := range frame {
		b := c.body
		switch {
		case c.kind == "VP8 " && len(b) >= 10 && string(b[3:6]) == "\x9d\x01\x2a":
			return int(binary.LittleEndian.Uint16(b[6:]) & 0x3FFF),
				int(binary.LittleEndian.Uint16(b[8:]) & 0x3FFF), nil
		case c.kind == "VP8L" && len(b) >= 5 && b[0] == 0x2F:
			bits := binary.LittleEndian.Uint32(b[1:])
			return 1 + int(bits&0x3FFF), 1 + int(bits>>14&0x3FFF), nil
		}
	}
	return 0, 0, fault(ErrBroken, "no frame")
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func append24(b []byte, v int) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }
