// Package webp writes lossy WebP, which no well-kept library in Go does without a copy of libwebp in
// WebAssembly whose choice of code depends on what the system has installed. It is what augmentation and
// robustness tests need: the block transform, quantisation and loop filter of VP8's key frames (RFC 6386),
// the same bytes everywhere. It chooses among the four predictions of whole macroblocks; those of 4×4 pixels,
// which make files smaller, are left out.
package webp

import (
	"encoding/binary"
	"fmt"
	"math"
)

// maxSide is what a frame header can say.
const maxSide = 1<<14 - 1

// Encode writes an 8-bit RGB picture, rows of 3·w bytes, at a quality of 0 to 100, which is mapped to a
// quantiser as libwebp does it.
func Encode(w, h int, rgb []uint8, quality int) ([]byte, error) {
	if w < 1 || h < 1 || w > maxSide || h > maxSide || len(rgb) != 3*w*h {
		return nil, fmt.Errorf("webp: %d × %d pixels in %d bytes: want 1 to %d a side and 3 bytes a pixel", w,
			h, len(rgb), maxSide)
	}
	if quality < 0 || quality > 100 {
		return nil, fmt.Errorf("webp: quality %d: want 0 to 100", quality)
	}
	q := quantiser(quality)
	e := newEncoder(w, h, rgb, q, filterLevel(q))
	e.frame()
	return e.file(), nil
}

// frame writes all macroblocks.
func (e *encoder) frame() {
	for y := range e.mbh {
		e.leftNZ = [9]int{}
		for x := range e.mbw {
			e.macroblock(x, y)
		}
	}
}

// quantiser is the index for a quality: the file's size grows about linearly with the quality (libwebp's
// QualityToCompression).
func quantiser(quality int) int {
	c := float64(quality) / 100
	if c < 0.75 {
		c *= 2. / 3
	} else {
		c = 2*c - 1
	}
	return int(127*(1-math.Cbrt(c)) + 0.5)
}

// file joins both partitions behind the headers of frame and container.
func (e *encoder) file() []byte {
	first, second := e.modes.flush(), e.tokens.flush()
	tag := uint32(len(first))<<5 | 1<<4 // a key frame of version 0 that is shown
	vp8 := []byte{byte(tag), byte(tag >> 8), byte(tag >> 16), 0x9D, 0x01, 0x2A}
	vp8 = binary.LittleEndian.AppendUint16(vp8, uint16(e.w))
	vp8 = binary.LittleEndian.AppendUint16(vp8, uint16(e.h))
	vp8 = append(append(vp8, first...), second...)
	if len(vp8)%2 == 1 {
		vp8 = append(vp8, 0)
	}
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(12+len(vp8)))
	out = append(out, "WEBPVP8 "...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(vp8)))
	return append(out, vp8...)
}

// header writes what the first partition begins with: no segments, one filter level, one token partition, one
// quantiser, the probabilities as they are.
func (e *encoder) header(filter int) {
	m := e.modes
	m.bits(0, 1) // colour space
	m.bits(0, 1) // clamping
	m.bits(0, 1) // segments
	m.bits(0, 1) // the normal filter
	m.bits(filter, 6)
	m.bits(0, 3) // sharpness
	m.bits(0, 1) // level changes
	m.bits(0, 2) // one partition
	m.bits(e.q, 7)
	m.bits(0, 5) // no changes of the other quantisers
	m.bits(0, 1) // refresh
	for _, p := range changeProbs {
		m.bit(p, false)
	}
	m.bits(0, 1) // no macroblock is skipped
}

// filterLevel is libwebp's choice at its usual strength of 60, without its correction for busy segments.
func filterLevel(q int) int {
	level := min(63, int(stepAC[q])>>2) * 300 / 256
	if level < 2 {
		return 0
	}
	return min(level, 63)
}
