package picture

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// Facts are what a file says of a picture beside its pixels.
type Facts struct {
	Format      string
	W, H        int    // upright; 0 if the bytes that were looked at don't say
	Channels    int    // 1, 3 or 4; 0 if they don't say
	Quality     int    // of a JPEG, by its quantisation table: 1 to 100; 0 for other formats
	Standard    bool   // the table is exactly the one of that quality
	Subsampling string // of a JPEG's chroma: "4:2:0"
	Progressive bool
	Metadata    []string // kinds, sorted: "exif", "xmp", "icc", "c2pa", "text parameters" …
}

// FactsOf reads the headers at the beginning of a file; 64 KiB are enough for nearly all. What lies behind
// data is not missed: what it would have said is left out. Errors are *Error.
func FactsOf(data []byte) (*Facts, error) {
	if len(data) == 0 {
		return nil, &Error{Reason: ErrEmpty.Error(), Err: ErrEmpty}
	}
	f := sniff(data)
	if f == nil {
		return nil, &Error{Reason: ErrNotAPicture.Error(), Err: ErrNotAPicture}
	}
	facts := &Facts{Format: f.name}
	h, err := f.walk(data)
	if err != nil && h.w == 0 {
		return facts, err
	}
	facts.W, facts.H = h.w, h.h
	if h.orientation >= 5 {
		facts.W, facts.H = h.h, h.w
	}
	switch f.name {
	case "jpeg":
		facts.jpeg(data)
	case "png":
		facts.png(data)
	case "webp":
		facts.webp(data)
	}
	slices.Sort(facts.Metadata)
	facts.Metadata = slices.Compact(facts.Metadata)
	return facts, nil
}

// jpeg reads the segments up to the first scan.
func (f *Facts) jpeg(data []byte) {
	for at := 2; ; {
		marker, next := nextMarker(data, at)
		if marker == 0 || marker == jpegEOI || marker == jpegSOS || next+2 > len(data) {
			return
		}
		n := int(binary.BigEndian.Uint16(data[next:]))
		if n < 2 || next+n > len(data) {
			return
		}
		body := data[next+2 : next+n]
		switch {
		case isSOF(marker):
			f.Progressive = marker == 0xC2
			f.sampling(body)
		case marker == 0xDB:
			f.quantisation(body)
		case marker == 0xFE:
			f.Metadata = append(f.Metadata, "comment")
		case marker >= 0xE0 && marker <= 0xEF:
			if kind := appKind(body); kind != "" {
				f.Metadata = append(f.Metadata, kind)
			}
		}
		at = next + n
	}
}

// appKind is the kind of an application segment, by the word that it begins with.
func appKind(body []byte) string {
	for _, k := range []struct{ word, kind string }{{"JFIF\x00", "jfif"}, {"Exif\x00", "exif"},
		{"http://ns.adobe.com/xap/", "xmp"}, {"http://ns.adobe.com/xmp/", "xmp"}, {"ICC_PROFILE\x00", "icc"},
		{"Adobe", "adobe"}, {"Photoshop 3.0\x00", "photoshop"}, {"MPF\x00", "mpf"}, {"Ducky", "ducky"}} {
		if bytes.HasPrefix(body, []byte(k.word)) {
			return k.kind
		}
	}
	if bytes.Contains(body[:min(len(body), 64)], []byte("jumb")) {
		return "c2pa"
	}
	return "other"
}

// sampling reads the components of a frame header.
func (f *Facts) sampling(b []byte) {
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return
	}
	f.Channels = int(b[5])
	if f.Channels != 3 {
		return
	}
	luma, chroma := b[7], b[10]
	if chroma>>4 == 0 || chroma&15 == 0 {
		return
	}
	switch [2]byte{luma >> 4 / (chroma >> 4), luma & 15 / (chroma & 15)} {
	case [2]byte{1, 1}:
		f.Subsampling = "4:4:4"
	case [2]byte{2, 1}:
		f.Subsampling = "4:2:2"
	case [2]byte{2, 2}:
		f.Subsampling = "4:2:0"
	case [2]byte{1, 2}:
		f.Subsampling = "4:4:0"
	case [2]byte{4, 1}:
		f.Subsampling = "4:1:1"
	default:
		f.Subsampling = "other"
	}
}

// quantisation estimates the quality from the luminance table.
func (f *Facts) quantisation(b []byte) {
	for len(b) >= 65 {
		wide, id := b[0]>>4, b[0]&15
		size := 1 + 64*(1+int(wide))
		if wide > 1 || len(b) < size {
			return
		}
		if id == 0 {
			var table [64]int
			for i := range table {
				if wide == 1 {
					table[i] = int(binary.BigEndian.Uint16(b[1+2*i:]))
				} else {
					table[i] = int(b[1+i])
				}
			}
			f.Quality, f.Standard = quality(table)
		}
		b = b[size:]
	}
}

// luminance is the quantisation table of ITU-T T.81, annex K.1, in zigzag order.
var luminance = [64]int{16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26,
	24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55,
	56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99}

// quality is the setting, 1 to 100, at which the scaling that the Independent JPEG Group made common (5000/q
// below 50, 200−2q above) comes nearest to a table, and whether it is met exactly.
func quality(table [64]int) (q int, exact bool) {
	nearest := -1
	for try := 100; try >= 1; try-- {
		scale := 200 - 2*try
		if try < 50 {
			scale = 5000 / try
		}
		off := 0
		for i, v := range luminance {
			d := table[i] - min(max((v*scale+50)/100, 1), 255)
			off += max(d, -d)
		}
		if nearest < 0 || off < nearest {
			q, nearest = try, off
		}
	}
	return q, nearest == 0
}

// png reads the chunks that data holds.
func (f *Facts) png(data []byte) {
	for at := len(pngMagic); at+12 <= len(data); {
		n := int64(binary.BigEndian.Uint32(data[at:]))
		kind := string(data[at+4 : at+8])
		end := min(int64(at)+8+n, int64(len(data)))
		body := data[at+8 : end]
		switch kind {
		case "IHDR":
			if len(body) == 13 {
				f.Channels = map[byte]int{0: 1, 2: 3, 3: 3, 4: 4, 6: 4}[body[9]]
			}
		case "tEXt", "zTXt", "iTXt":
			word, _, _ := bytes.Cut(body[:min(len(body), 80)], []byte{0})
			f.Metadata = append(f.Metadata, textKind(string(word)))
		default:
			if k := map[string]string{"eXIf": "exif", "iCCP": "icc", "caBX": "c2pa", "pHYs": "resolution",
				"gAMA": "gamma", "sRGB": "srgb", "tIME": "time"}[kind]; k != "" {
				f.Metadata = append(f.Metadata, k)
			}
		}
		if int64(at)+12+n > int64(len(data)) {
			return
		}
		at += 12 + int(n)
	}
}

// textKind is the kind of a PNG's text by its keyword. What people and programs make up is kept to a few
// letters.
func textKind(word string) string {
	if word == "XML:com.adobe.xmp" {
		return "xmp"
	}
	word = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, word)
	return "text " + word[:min(len(word), 24)]
}

// webp reads the chunks that data holds.
func (f *Facts) webp(data []byte) {
	f.Channels = 3
	for at := 12; at+8 <= len(data); {
		n := int64(binary.LittleEndian.Uint32(data[at+4:]))
		switch string(data[at : at+4]) {
		case "EXIF":
			f.Metadata = append(f.Metadata, "exif")
		case "XMP ":
			f.Metadata = append(f.Metadata, "xmp")
		case "ICCP":
			f.Metadata = append(f.Metadata, "icc")
		case "C2PA":
			f.Metadata = append(f.Metadata, "c2pa")
		case "ALPH":
			f.Channels = 4
		}
		if int64(at)+8+n > int64(len(data)) {
			return
		}
		at += 8 + int(n+n&1)
	}
}
