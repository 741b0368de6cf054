package evidence

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
)

// JPEG markers (ITU-T T.81, table B.1).
const (
	jpegSOS   = 0xDA
	jpegCOM   = 0xFE
	jpegAPP11 = 0xEB
)

// jpeg walks the segments before the first scan: comments, and the pieces of JUMBF in APP11 (ISO 19566-5,
// D.2).
func (f *found) jpeg(data []byte) {
	for at := 2; at+4 <= len(data) && data[at] == 0xFF; {
		marker, n := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xFF { // a fill byte
			at++
			continue
		}
		if marker == jpegSOS || n < 2 || at+2+n > len(data) {
			return
		}
		body := data[at+4 : at+2+n]
		switch marker {
		case jpegCOM:
			f.text("JPEG comment", string(body))
		case jpegAPP11:
			f.piece(body)
		}
		at += 2 + n
	}
}

// maxJUMBF bounds content credentials: with thumbnails they take some hundred KiB.
const maxJUMBF = 4 << 20

// piece adds one APP11 segment: "JP", box instance (2), sequence number (4), then the box's header, which is
// repeated in every piece, and payload.
func (f *found) piece(b []byte) {
	const head = 8
	if len(b) < head+8 || b[0] != 'J' || b[1] != 'P' || len(f.jumbf)+len(b) > maxJUMBF {
		return
	}
	box := b[head:]
	if sequence := binary.BigEndian.Uint32(b[4:]); sequence > 1 && len(f.jumbf) > 0 {
		skip := 8
		if binary.BigEndian.Uint32(box) == 1 {
			skip = 16 // a box of 64-bit length
		}
		box = box[min(skip, len(box)):]
	}
	f.jumbf = append(f.jumbf, box...)
}

// png walks the chunks (ISO 15948): texts, and JUMBF in caBX.
func (f *found) png(data []byte) {
	for at := 8; at+12 <= len(data); {
		n := int64(binary.BigEndian.Uint32(data[at:]))
		if n > int64(len(data)-at-12) {
			return
		}
		body := data[at+8 : at+8+int(n)]
		switch string(data[at+4 : at+8]) {
		case "tEXt":
			if key, value, ok := bytes.Cut(body, []byte{0}); ok {
				f.text(latin1(string(key)), latin1(string(value)))
			}
		case "zTXt":
			if key, value, ok := bytes.Cut(body, []byte{0}); ok && len(value) > 1 && value[0] == 0 {
				f.text(latin1(string(key)), latin1(inflate(value[1:])))
			}
		case "iTXt":
			f.international(body)
		case "caBX":
			if n <= maxJUMBF {
				f.jumbf = body
			}
		}
		at += 12 + int(n)
	}
}

// international is an iTXt chunk: key, 0, whether compressed, method, language, 0, key in that language, 0,
// text.
func (f *found) international(b []byte) {
	key, rest, ok := bytes.Cut(b, []byte{0})
	if !ok || len(rest) < 2 || string(key) == "XML:com.adobe.xmp" {
		return
	}
	compressed := rest[0] == 1
	if _, rest, ok = bytes.Cut(rest[2:], []byte{0}); ok {
		_, rest, ok = bytes.Cut(rest, []byte{0})
	}
	if !ok {
		return
	}
	value := string(rest)
	if compressed {
		value = inflate(rest)
	}
	f.text(latin1(string(key)), value)
}

// inflate unpacks a text, as much of it as is kept.
func inflate(b []byte) string {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(z, maxText)) // what could be unpacked of a damaged text counts
	return string(text)
}

// webp walks the chunks of a RIFF file for JUMBF.
func (f *found) webp(data []byte) {
	for at := 12; at+8 <= len(data); {
		n := int64(binary.LittleEndian.Uint32(data[at+4:]))
		if n > int64(len(data)-at-8) {
			return
		}
		if string(data[at:at+4]) == "C2PA" && n <= maxJUMBF {
			f.jumbf = data[at+8 : at+8+int(n)]
		}
		at += 8 + int(n+n&1)
	}
}
