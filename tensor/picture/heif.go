//go:build heif && nodynamic

package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"github.com/gen2brain/avif"
	"github.com/gen2brain/heic"
)

// heifFormats are AVIF and HEIC, decoded by libavif and libheif in WebAssembly, which can't leave their own
// memory (heifMemory). nodynamic keeps these libraries from loading the system's own instead.
var heifFormats = []format{
	{"avif", isBrand("avif", "avis"), walkHEIF, decodeWithin(avif.DecodeConfig, avif.Decode)},
	{"heic", isBrand("heic", "heix", "heim", "heis", "hevc", "mif1"), walkHEIF,
		decodeWithin(heic.DecodeConfig, heic.Decode)},
}

// isBrand looks at the file type box (ISO/IEC 14496-12): the major brand, or a compatible one behind mif1.
func isBrand(brands ...string) func(data []byte) bool {
	return func(data []byte) bool {
		if len(data) < 16 || string(data[4:8]) != "ftyp" {
			return false
		}
		for _, b := range brands {
			if string(data[8:12]) == b {
				return true
			}
		}
		n := min(int(binary.BigEndian.Uint32(data)), len(data), 256)
		for at := 16; at+4 <= n && string(data[8:12]) == "mif1"; at += 4 {
			if string(data[at:at+4]) == brands[0] {
				return true
			}
		}
		return false
	}
}

// heifBytes is what decoding a pixel takes in all, in the library's memory and in ours: planes, RGBA, a copy.
const heifBytes = 16

// walkHEIF finds the largest size that the properties of the file's items state (ISO/IEC 23008-12: ispe in
// ipco in iprp in meta), so that the limits are checked before a decoder sees the file.
func walkHEIF(data []byte) (h header, err error) {
	meta, err := boxIn(data, "meta")
	if err != nil {
		return h, err
	}
	if len(meta) < 4 {
		return h, fault(ErrBroken, "the meta box is too short")
	}
	iprp, err := boxIn(meta[4:], "iprp")
	if err != nil {
		return h, err
	}
	ipco, err := boxIn(iprp, "ipco")
	if err != nil {
		return h, err
	}
	err = boxes(ipco, func(kind string, body []byte) bool {
		if kind == "ispe" && len(body) >= 12 {
			w, high := binary.BigEndian.Uint32(body[4:]), binary.BigEndian.Uint32(body[8:])
			h.w, h.h = max(h.w, int(w)), max(h.h, int(high))
		}
		return true
	})
	h.bytes = heifBytes * int64(min(h.w, 1<<20)) * int64(min(h.h, 1<<20))
	h.loose = true
	return h, err
}

// boxIn is the body of the first box of a kind.
func boxIn(data []byte, want string) (found []byte, err error) {
	err = boxes(data, func(kind string, body []byte) bool {
		if kind == want {
			found = body
		}
		return found == nil
	})
	if err == nil && found == nil {
		err = fault(ErrBroken, "no %s box", want)
	}
	return found, err
}

// boxes visits boxes until told to stop.
func boxes(data []byte, visit func(kind string, body []byte) bool) error {
	for len(data) >= 8 {
		n, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		if n == 1 && len(data) >= 16 {
			n, head = binary.BigEndian.Uint64(data[8:]), 16
		}
		if n == 0 { // to the end
			n = uint64(len(data))
		}
		if n < head || n > uint64(len(data)) {
			return &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
		}
		if !visit(string(data[4:8]), data[head:n]) {
			return nil
		}
		data = data[n:]
	}
	return nil
}

// decodeWithin asks the decoder for the size first: what it believes counts, too.
func decodeWithin(config func(io.Reader) (image.Config, error),
	decode func(io.Reader) (image.Image, error)) func(io.Reader) (image.Image, error) {
	return func(r io.Reader) (image.Image, error) {
		if err := capped(); err != nil {
			return nil, err
		}
		src, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		c, err := config(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		if l := DefaultLimits; c.Width < 1 || c.Height < 1 || c.Width > l.Side || c.Height > l.Side ||
			int64(c.Width)*int64(c.Height)*heifBytes > l.Bytes {
			return nil, fmt.Errorf("its stream has %d × %d pixels", c.Width, c.Height)
		}
		return decode(bytes.NewReader(src))
	}
}
