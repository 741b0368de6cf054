package evidence

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

var formats = map[string]imagemeta.ImageFormat{"jpeg": imagemeta.JPEG, "png": imagemeta.PNG,
	"webp": imagemeta.WebP}

// camera is the EXIF tags that are shown, in their order, and their names for people.
var camera = []struct{ tag, name string }{
	{"Make", "Maker"}, {"Model", "Camera"}, {"LensModel", "Lens"}, {"FocalLength", "Focal length, mm"},
	{"FNumber", "Aperture, f/"}, {"ExposureTime", "Exposure, s"}, {"ISO", "ISO"}, {"ISOSpeedRatings", "ISO"},
	{"PhotographicSensitivity", "ISO"}, {"DateTimeOriginal", "Taken"}, {"DateTimeDigitized", "Digitised"},
	{"CreateDate", "Digitised"}, {"OffsetTimeOriginal", "Time zone"}, {"DateTime", "Changed"},
	{"ModifyDate", "Changed"}, {"Software", "Software"}, {"HostComputer", "Computer"}, {"Artist", "Artist"},
	{"Copyright", "Copyright"},
}

// editing is the XMP tags that are shown.
var editing = []string{"CreatorTool", "CreateDate", "ModifyDate", "MetadataDate", "History", "DocumentID",
	"OriginalDocumentID", "DerivedFrom", "Credit", "AISystemUsed", "AIPromptInformation"}

// captions are texts that EXIF, XMP and IPTC carry; some generators write their parameters there.
var captions = []string{"ImageDescription", "UserComment", "XPComment", "XPTitle", "Description",
	"description", "title", "Title", "Caption-Abstract", "Headline", "Credit", "Source", "By-line",
	"SpecialInstructions"}

// Limits of the metadata reader.
const (
	maxTags    = 2000
	maxTagSize = 64 << 10
	metaTime   = time.Second
)

// meta reads EXIF, XMP and IPTC.
func (f *found) meta(data []byte, format string) {
	kind, ok := formats[format]
	if !ok {
		return
	}
	exif := map[string]string{}
	// An error means a damaged block; what was read before it counts.
	//nolint:errcheck
	imagemeta.Decode(imagemeta.Options{R: bytes.NewReader(data), ImageFormat: kind, LimitNumTags: maxTags,
		LimitTagSize: maxTagSize, Timeout: metaTime, Sources: imagemeta.EXIF | imagemeta.XMP | imagemeta.IPTC,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return !strings.HasPrefix(t.Namespace, "IFD1") },
		HandleTag: func(t imagemeta.TagInfo) error {
			f.tag(t, exif)
			return nil
		}})
	for _, c := range camera {
		have := func(f Field) bool { return f.Name == c.name }
		if v := exif[c.tag]; v != "" && !slices.ContainsFunc(f.Camera, have) {
			f.Camera = append(f.Camera, Field{c.name, v})
		}
	}
	for _, tag := range []string{"GPSLatitude", "GPSLongitude", "GPSAltitude", "GPSDateStamp"} {
		if v := exif[tag]; v != "" {
			f.GPS = append(f.GPS, Field{strings.TrimPrefix(tag, "GPS"), v})
		}
	}
}

// tag files one tag.
func (f *found) tag(t imagemeta.TagInfo, exif map[string]string) {
	v := value(t.Value)
	if v == "" {
		return
	}
	switch {
	case strings.EqualFold(t.Tag, "DigitalSourceType"):
		f.Source = sourceOf(v)
	case slices.Contains(captions, t.Tag):
		f.text(sourceName(t.Source)+" "+t.Tag, v)
	case t.Source == imagemeta.EXIF:
		exif[t.Tag] = v
	case t.Source == imagemeta.XMP && slices.Contains(editing, t.Tag) && len(f.Editing) < maxTexts:
		f.Editing = append(f.Editing, Field{t.Tag, v})
	}
}

func sourceName(s imagemeta.Source) string {
	return map[imagemeta.Source]string{imagemeta.EXIF: "EXIF", imagemeta.XMP: "XMP",
		imagemeta.IPTC: "IPTC"}[s]
}

// value is a tag's value as text.
func value(v any) string {
	switch x := v.(type) {
	case string:
		return clean(userComment(x))
	case []byte:
		return clean(userComment(string(x)))
	case []string:
		return clean(strings.Join(x, ", "))
	case time.Time:
		return x.Format("2006-01-02 15:04:05")
	}
	return clean(fmt.Sprint(v))
}

// userComment drops the eight bytes that name the encoding of an EXIF comment (CIPA DC-008, 4.6.5).
func userComment(s string) string {
	for _, p := range []string{"ASCII\x00\x00\x00", "UNICODE\x00"} {
		s = strings.TrimPrefix(s, p)
	}
	return s
}
