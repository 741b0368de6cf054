// Package picture is the one door through which foreign pictures come in: JPEG, PNG, WebP, GIF and BMP, told
// apart by content, never by name. A strict walk over the headers checks every limit before a decoder may
// allocate; the first frame is decoded, turned upright by its EXIF orientation, laid over white where it is
// transparent, and kept as 8-bit RGB. Errors say what is wrong with the file in one line.
package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/image/bmp"
)

// Picture is an upright 8-bit RGB picture.
type Picture struct {
	W, H        int
	Pix         []uint8 // R, G, B of each pixel, row-major
	Format      string  // "jpeg", "png", "webp", "gif", "bmp"
	Orientation int     // the EXIF orientation that was undone, 1 to 8
}

// Limits bound what a file may ask for. They are checked on the headers, before allocation.
type Limits struct {
	FileBytes int64 // of the file
	Pixels    int   // of the picture
	Side      int   // of width and height
	Bytes     int64 // of the decoder's buffers
	Scans     int   // of a progressive JPEG
}

// DefaultLimits are 128 MiB of file, 40 megapixels, 16,384 a side, 256 MiB decoded, 100 scans.
var DefaultLimits = Limits{FileBytes: 128 << 20, Pixels: 40_000_000, Side: 16384, Bytes: 256 << 20,
	Scans: 100}

// What can be wrong with a file; an *Error wraps one of these or the system's reason.
var (
	ErrNotAPicture = errors.New("not a JPEG, PNG, WebP, GIF or BMP picture")
	ErrEmpty       = errors.New("the file is empty")
	ErrTruncated   = errors.New("the file is cut short")
	ErrBroken      = errors.New("the file is damaged")
	ErrTooLarge    = errors.New("the picture is too large")
	ErrUnsupported = errors.New("a kind of picture that is not supported")
	ErrFolder      = errors.New("a folder, not a file")
)

// Error is why a file could not be read as a picture.
type Error struct {
	File   string // as the caller named it; empty for bytes
	Reason string // one line, without the file's name
	Err    error
}

func (e *Error) Error() string {
	if e.File == "" {
		return e.Reason
	}
	if strings.ContainsFunc(e.File, unicode.IsControl) {
		return strconv.Quote(e.File) + ": " + e.Reason // on one line
	}
	return e.File + ": " + e.Reason
}

// Unwrap is the kind of the error.
func (e *Error) Unwrap() error { return e.Err }

// fault is a kind of error with its details.
func fault(kind error, format string, args ...any) error {
	return &Error{Reason: kind.Error() + ": " + fmt.Sprintf(format, args...), Err: kind}
}

// Open reads a file within DefaultLimits. Errors are *Error.
func Open(path string) (*Picture, error) { return OpenLimits(path, DefaultLimits) }

// OpenLimits reads a file within limits of the caller's own.
func OpenLimits(path string, l Limits) (*Picture, error) {
	data, err := read(path, l)
	if err != nil {
		return nil, InFile(path, err)
	}
	p, err := DecodeLimits(data, l)
	return p, InFile(path, err)
}

// DecodeFile reads a picture from the bytes of the file that errors are to name, within DefaultLimits. Errors
// are *Error.
func DecodeFile(name string, data []byte) (*Picture, error) {
	p, err := Decode(data)
	return p, InFile(name, err)
}

// ReadFile is the bytes of a file that may be a picture: a regular one, no larger than DefaultLimits allow.
// Errors are *Error.
func ReadFile(path string) ([]byte, error) {
	data, err := read(path, DefaultLimits)
	return data, InFile(path, err)
}

// InFile is an error as an *Error that says which file it is about; nil stays nil.
func InFile(path string, err error) error {
	var e *Error
	var sys *os.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return &Error{path, e.Reason, e.Err}
	case errors.As(err, &sys):
		return &Error{path, sys.Err.Error(), err}
	}
	return &Error{path, err.Error(), err}
}

func read(path string, l Limits) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for somebody to write
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &Error{Reason: ErrFolder.Error(), Err: ErrFolder}
	case !info.Mode().IsRegular():
		return nil, &Error{Reason: "not a regular file", Err: ErrUnsupported}
	case info.Size() > l.FileBytes:
		return nil, fault(ErrTooLarge, "the file has %d bytes, the limit is %d", info.Size(), l.FileBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil // it has become shorter
	}
	return data[:n], err
}

// Decode reads a picture from the bytes of its file within DefaultLimits. Errors are *Error.
func Decode(data []byte) (*Picture, error) { return DecodeLimits(data, DefaultLimits) }

// DecodeLimits reads a picture within limits of the caller's own.
func DecodeLimits(data []byte, l Limits) (*Picture, error) {
	return DecodeContext(context.Background(), data, l)
}

// DecodeContext is DecodeLimits that gives up when ctx is done, with its cause as the error: decoders notice
// when they next read from the file.
func DecodeContext(ctx context.Context, data []byte, l Limits) (*Picture, error) {
	f, h, err := headers(data, l)
	if err != nil {
		return nil, err
	}
	img, err := f.decodeSafely(ctx, data, h)
	if err != nil {
		return nil, err
	}
	if h.loose {
		h.w, h.h = img.Bounds().Dx(), img.Bounds().Dy()
		if err := h.check(l); err != nil {
			return nil, err
		}
	}
	p := toRGB(img, h)
	p.Format = f.name
	return p.upright(h.orientation), nil
}

// Info is what the headers of a file say.
type Info struct {
	Format string
	W, H   int // upright
}

// Inspect checks a file as far as its headers go, without decoding it. Errors are *Error.
func Inspect(data []byte, l Limits) (Info, error) {
	f, h, err := headers(data, l)
	if err != nil {
		return Info{}, err
	}
	if h.orientation >= 5 { // lies on its side
		h.w, h.h = h.h, h.w
	}
	return Info{f.name, h.w, h.h}, nil
}

// headers finds out what a file is and checks what its headers ask for.
func headers(data []byte, l Limits) (*format, header, error) {
	if len(data) == 0 {
		return nil, header{}, &Error{Reason: ErrEmpty.Error(), Err: ErrEmpty}
	}
	f := sniff(data)
	if f == nil {
		return nil, header{}, &Error{Reason: ErrNotAPicture.Error(), Err: ErrNotAPicture}
	}
	h, err := f.walk(data)
	if err == nil {
		err = h.check(l)
	}
	return f, h, err
}

// header is what a walk over a file's headers found out.
type header struct {
	w, h        int
	bytes       int64  // of the decoder's buffers
	scans       int    // of a JPEG
	orientation int    // EXIF, 0 if there is none
	at          [2]int // of the first frame on the picture
	loose       bool   // the decoder turns and cuts the picture itself: the size is its own
	data        []byte // to decode instead of the file: the first frame of an animation
}

// maxWork bounds the pixels of all scans of a picture together: what a progressive JPEG of the largest size
// needs with the usual dozen of scans.
const maxWork = 500_000_000

func (h header) check(l Limits) error {
	switch {
	case h.w < 1 || h.h < 1:
		return fault(ErrBroken, "the header says %d × %d pixels", h.w, h.h)
	case h.w > l.Side || h.h > l.Side:
		return fault(ErrTooLarge, "%d × %d pixels, the limit is %d a side", h.w, h.h, l.Side)
	case h.w*h.h > l.Pixels:
		return fault(ErrTooLarge, "%d × %d pixels, the limit is %d in all", h.w, h.h, l.Pixels)
	case h.bytes > l.Bytes:
		return fault(ErrTooLarge, "decoding takes %d bytes, the limit is %d", h.bytes, l.Bytes)
	case h.scans > l.Scans:
		return fault(ErrTooLarge, "%d scans, the limit is %d", h.scans, l.Scans)
	case h.scans*h.w*h.h > maxWork:
		return fault(ErrTooLarge, "%d scans over %d × %d pixels", h.scans, h.w, h.h)
	}
	return nil
}

// format is one kind of file.
type format struct {
	name   string
	magic  func(data []byte) bool
	walk   func(data []byte) (header, error)
	decode func(r io.Reader) (image.Image, error)
}

func sniff(data []byte) *format {
	for i := range formats {
		if formats[i].magic(data) {
			return &formats[i]
		}
	}
	return nil
}

// decodeSafely calls the decoder; a panic inside it is the file's fault, not the program's.
func (f *format) decodeSafely(ctx context.Context, data []byte, h header) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fault(ErrBroken, "the %s decoder gave up: %v", f.name, p)
		}
	}()
	if h.data != nil {
		data = h.data
	}
	img, err = f.decode(&stoppable{ctx, bytes.NewReader(data)})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return nil, &Error{Reason: ErrTruncated.Error(), Err: ErrTruncated}
	case errors.Is(err, bmp.ErrUnsupported) || errors.As(err, new(jpeg.UnsupportedError)):
		return nil, fault(ErrUnsupported, "%v", err)
	case err != nil:
		return nil, fault(ErrBroken, "%v", err)
	}
	return img, nil
}

// stoppable is a file that can't be read any more once its context is done.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s *stoppable) Read(b []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.r.Read(b)
}
