package evidence

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
)

// chunk is one PNG chunk.
func chunk(kind, body string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, kind+body...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(kind+body))))
}

// pngOf is the frame of a PNG file around some chunks.
func pngOf(chunks ...string) []byte {
	head := chunk("IHDR", "\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00")
	return []byte("\x89PNG\r\n\x1a\n" + head + strings.Join(chunks, "") + chunk("IEND", ""))
}

func deflated(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func TestPNGTexts(t *testing.T) {
	e := Read(pngOf(
		chunk("tEXt", "parameters\x00a lake\nSteps: 30, Seed: 7"),
		chunk("zTXt", "workflow\x00\x00"+deflated(`{"nodes":[]}`)),
		chunk("iTXt", "Comment\x00\x00\x00\x00\x00gr\u00fc\u00dfe <script>alert(1)</script>\u202e\x07"),
		chunk("tEXt", "Author\x00J\xfcrgen"),
		chunk("tEXt", "Description\x00nice, Steps: 20, Sampler: Euler, Seed: 3"),
		chunk("zTXt", "bomb\x00\x00"+deflated(strings.Repeat("a", 10<<20)))), "png")
	require.Equal(t, []Field{{"parameters", "a lake\nSteps: 30, Seed: 7"}, {"workflow", `{"nodes":[]}`},
		{"Description", "nice, Steps: 20, Sampler: Euler, Seed: 3"}}, e.Generator)
	require.Equal(t, Field{"Comment", "gr\u00fc\u00dfe <script>alert(1)</script>"}, e.Texts[0])
	require.Equal(t, Field{"Author", "J\u00fcrgen"}, e.Texts[1])
	require.Len(t, e.Texts[2].Value, maxText)
	require.False(t, e.Silent())
	require.True(t, Read(pngOf(), "png").Silent())
	require.Contains(t, Read(pngOf(), "png").Absent, "GPS coordinates")
}

// segment is one JPEG segment.
func segment(marker byte, body string) string {
	return string([]byte{0xFF, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}) + body
}

// exif is a TIFF block with a camera's name and a place.
func exif() string {
	var b []byte
	put := func(v ...any) {
		for _, x := range v {
			switch n := x.(type) {
			case uint16:
				b = binary.BigEndian.AppendUint16(b, n)
			case uint32:
				b = binary.BigEndian.AppendUint32(b, n)
			case string:
				b = append(b, n...)
			}
		}
	}
	put("MM\x00*", uint32(8), uint16(2))
	put(uint16(0x010F), uint16(2), uint32(12), uint32(38))                  // Make
	put(uint16(0x8825), uint16(4), uint32(1), uint32(50), uint32(0))        // GPS directory
	put("Grain Works\x00")                                                  // at 38
	put(uint16(2), uint16(1), uint16(2), uint32(2), "N\x00\x00\x00")        // at 50: north
	put(uint16(2), uint16(5), uint32(3), uint32(80), uint32(0))             // latitude
	put(uint32(57), uint32(1), uint32(42), uint32(1), uint32(0), uint32(1)) // at 80
	return string(b)
}

const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
	`<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ` +
	`xmp:CreatorTool="Example Editor 5" Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/` +
	`compositeWithTrainedAlgorithmicMedia"/></rdf:RDF></x:xmpmeta>`

func TestJPEG(t *testing.T) {
	jumbf := store(t)
	half := len(jumbf) / 2
	file := "\xFF\xD8" + segment(0xE1, "Exif\x00\x00"+exif()) +
		segment(0xE1, "http://ns.adobe.com/xap/1.0/\x00"+xmp) +
		segment(0xEB, "JP\x00\x01\x00\x00\x00\x01"+jumbf[:half]) +
		segment(0xEB, "JP\x00\x01\x00\x00\x00\x02"+jumbf[:8]+jumbf[half:]) +
		segment(0xFE, "a comment") + segment(0xDA, "\x01\x01\x00\x00\x3F\x00") + "\xFF\xD9"
	e := Read([]byte(file), "jpeg")
	require.Equal(t, []Field{{"Maker", "Grain Works"}}, e.Camera)
	require.Len(t, e.GPS, 1)
	require.Contains(t, e.GPS[0].Value, "57.7")
	require.Equal(t, &Source{"compositeWithTrainedAlgorithmicMedia", "a photograph with parts made by AI"},
		e.Source)
	require.Equal(t, []Field{{"CreatorTool", "Example Editor 5"}}, e.Editing)
	require.Equal(t, []Field{{"JPEG comment", "a comment"}}, e.Texts)
	require.NotNil(t, e.C2PA)
	require.Equal(t, "Example Maker 2.1", e.C2PA.Generator)
	require.Equal(t, []string{"created with A Model", "edited"}, e.C2PA.Actions)
	require.Equal(t, "made by AI", e.C2PA.Source.Words)
	require.False(t, e.C2PA.Verified)
	require.Equal(t, 2, e.C2PA.Manifests)
}

func boxOf(kind, body string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))) + kind + body
}

// super is a superbox with a label.
func super(label string, content ...string) string {
	description := strings.Repeat("u", 16) + "\x03" + label + "\x00"
	return boxOf("jumb", boxOf("jumd", description)+strings.Join(content, ""))
}

// text is a CBOR text string, list an array, pairs a map of texts.
func text(s string) string { return string([]byte{0x78, byte(len(s))}) + s }

func list(v ...string) string { return string([]byte{0x80 | byte(len(v))}) + strings.Join(v, "") }

func pairs(v ...string) string { return string([]byte{0xA0 | byte(len(v)/2)}) + strings.Join(v, "") }

// store is a manifest store with two manifests.
func store(t *testing.T) string {
	t.Helper()
	claim := pairs(text("claim_generator_info"), list(pairs(text("name"), text("Example Maker"),
		text("version"), text("2.1"))))
	actions := pairs(text("actions"), list(
		pairs(text("action"), text("c2pa.created"), text("softwareAgent"), text("A Model"),
			text("digitalSourceType"),
			text("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia")),
		pairs(text("action"), text("c2pa.edited"))))
	return super("c2pa", super("urn:uuid:1"), super("urn:uuid:2",
		super("c2pa.assertions", super("c2pa.actions", boxOf("cbor", actions))),
		super("c2pa.claim", boxOf("cbor", claim)),
		super("c2pa.signature", boxOf("cbor", "\xd2\x84\x40\xa0\xf6\x40"))))
}

func TestWebPAndPNGCarryCredentials(t *testing.T) {
	jumbf := store(t)
	size := string(binary.LittleEndian.AppendUint32(nil, uint32(len(jumbf))))
	require.Equal(t, 2, Read([]byte("RIFF\x00\x00\x00\x00WEBPC2PA"+size+jumbf), "webp").C2PA.Manifests)
	require.Equal(t, 2, Read(pngOf(chunk("caBX", jumbf)), "png").C2PA.Manifests)
}

// Damage and depth end the reading; nothing panics and nothing grows.
func TestHostile(t *testing.T) {
	deep := ""
	for range 200 {
		deep = super("c2pa", deep)
	}
	require.NotNil(t, readC2PA([]byte(deep)))
	for _, b := range []string{"", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff", strings.Repeat("\x81", 100),
		"\xa1\xa0\x01",
		"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", "\x1f", "\x7f", strings.Repeat("\xc0", 100)} {
		_, err := readCBOR([]byte(b))
		require.Error(t, err, "%x", b)
	}
	jumbf := store(t)
	for cut := range len(jumbf) {
		readC2PA([]byte(jumbf[:cut]))
	}
}

// Whatever the corpus holds, it is read, twice alike.
func TestCorpus(t *testing.T) {
	n := 0
	require.NoError(t, filepath.WalkDir(kerneltest.Shared(t, "data", "decode"),
		func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, format := range []string{"jpeg", "png", "webp"} {
				require.Equal(t, Read(data, format), Read(data, format), path)
			}
			n++
			return nil
		}))
	require.Greater(t, n, 1000)
}

// No file makes the reader panic, take long, or give more than is kept.
func FuzzRead(f *testing.F) {
	f.Add(pngOf(chunk("tEXt", "parameters\x00a lake"), chunk("zTXt", "x\x00\x00"+deflated("y"))), "png")
	f.Add([]byte("\xFF\xD8"+segment(0xFE, "comment")+segment(0xE1,
		"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00")), "jpeg")
	f.Add([]byte("RIFF\x1c\x00\x00\x00WEBPEXIF\x08\x00\x00\x00II*\x00\x08\x00\x00\x00"), "webp")
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		e := Read(data, format)
		for _, all := range [][]Field{e.Texts, e.Generator, e.Editing, e.Camera, e.GPS} {
			for _, x := range all {
				require.LessOrEqual(t, len(x.Value), maxText+4)
			}
		}
	})
}
