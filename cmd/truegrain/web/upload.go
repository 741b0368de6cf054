package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"truegrain/cmd/truegrain/web/engine"
)

// bodyTypes are the kinds of bodies that are a picture as they are.
var bodyTypes = []string{"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp",
	"application/octet-stream"}

var errSlowUpload = errors.New("the upload took too long")

// formRoom is what a form may add to its pictures; maxFiles and maxForm bound a form with several.
const (
	formRoom = 64 << 10
	maxFiles = 100
	maxForm  = 256 << 20
)

// upload is a picture as it came.
type upload struct {
	name string
	data []byte
	took time.Duration
	done func() // gives back the room it took while it was read
}

// begin checks the kind of a body and gives its sender a deadline.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) (
	kind string, params map[string]string, err error) {
	kind, params, err = mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" && !slices.Contains(bodyTypes, kind) {
		return "", nil, &mediaError{r.Header.Get("Content-Type")}
	}
	// a test's recorder has none
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.UploadTime))
	return kind, params, nil
}

// uploads hands every picture of a request to f, one after the other; most bounds how many there may be.
func (s *Server) uploads(w http.ResponseWriter, r *http.Request, most int, f func(upload) error) error {
	kind, params, err := s.begin(w, r)
	if err != nil {
		return err
	}
	start, limit := time.Now(), s.engine.Limits.Picture.FileBytes
	if kind != "multipart/form-data" {
		u, err := s.read("", http.MaxBytesReader(w, r.Body, limit), r.ContentLength, start)
		if err != nil {
			return err
		}
		s.noDeadline(w)
		return f(u)
	}
	whole := min(int64(most)*limit, max(maxForm, limit)) + formRoom
	body := &formBody{Reader: http.MaxBytesReader(w, r.Body, whole), room: formRoom}
	form := formParts{multipart.NewReader(body, params["boundary"]), body}
	if most == 1 {
		return s.only(w, form, start, f)
	}
	n := 0
	for ; ; start = time.Now() {
		u, err := s.next(w, form, start)
		if err == io.EOF && n == 0 {
			return errNoPicture
		}
		if err == io.EOF {
			return nil
		}
		if n++; err == nil && n > most {
			u.done()
			err = &formError{"the form holds more pictures than are taken at once"}
		}
		if err == nil {
			err = f(u)
		}
		if err != nil {
			return err
		}
	}
}

var errNoPicture = &formError{"the form holds no picture: send it as a file"}

// only hands the one picture of a form to f, once the body was read to its end: from then on a client that
// leaves is noticed.
func (s *Server) only(w http.ResponseWriter, form formParts, start time.Time, f func(upload) error) error {
	u, err := s.next(w, form, start)
	if err == io.EOF {
		return errNoPicture
	}
	if err != nil {
		return err
	}
	if err := finish(form); err != nil {
		u.done()
		return err
	}
	s.noDeadline(w)
	return f(u)
}

// next reads the next picture of a form; io.EOF says that there is none. Fields of the form, and choices that
// were left empty, are passed over.
func (s *Server) next(w http.ResponseWriter, form formParts, start time.Time) (upload, error) {
	for {
		part, err := form.NextPart()
		switch {
		case err == io.EOF:
			return upload{}, err
		case err != nil:
			return upload{}, uploadError(err)
		case part.FileName() != "":
			form.body.picture = true
			defer func() { form.body.picture = false }()
			body := http.MaxBytesReader(w, io.NopCloser(part), s.engine.Limits.Picture.FileBytes)
			return s.read(part.FileName(), body, 0, start)
		}
	}
}

// finish reads what follows the only picture of a form.
func finish(form formParts) error {
	for {
		part, err := form.NextPart()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return uploadError(err)
		case part.FileName() != "":
			return &formError{"the form holds several pictures: send them one by one"}
		}
	}
}

// formParts is the parts of a form, and the body that they are read from.
type formParts struct {
	*multipart.Reader
	body *formBody
}

// formBody is the body of a form. What is no picture, the headers of its parts and fields that nobody asked
// for, must fit into its room: neither many small parts nor a large header cost more.
type formBody struct {
	io.Reader
	room    int
	picture bool // a picture is being read
}

var errFormRoom = &formError{"the form holds too much beside its pictures"}

func (b *formBody) Read(p []byte) (int, error) {
	if !b.picture && b.room == 0 {
		return 0, errFormRoom
	}
	if !b.picture {
		p = p[:min(len(p), b.room)]
	}
	n, err := b.Reader.Read(p)
	if !b.picture {
		b.room -= n
	}
	return n, err
}

// noDeadline takes the deadline off a body that was read.
func (s *Server) noDeadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
}

// read reads a picture; whole is how many bytes it is to have, 0 or less if that is not known.
func (s *Server) read(name string, body io.Reader, whole int64, start time.Time) (upload, error) {
	data, release, err := s.engine.Uploads.Read(body, whole)
	if err != nil {
		release()
		return upload{}, uploadError(err)
	}
	took := time.Since(start)
	s.metrics.Stage("upload", took)
	return upload{fileName(name), data, took, release}, nil
}

// uploadError is what went wrong while a body was read.
func uploadError(err error) error {
	switch {
	case errors.As(err, new(*http.MaxBytesError)), errors.Is(err, engine.ErrBusy),
		errors.Is(err, errFormRoom):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlowUpload
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled):
		return context.Canceled
	}
	return &formError{"the form is damaged"}
}

// maxName bounds what is kept of a file's name.
const maxName = 200

// fileName is the last part of a name as a stranger gave it, printable.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(name, ""))
	if r := []rune(name); len(r) > maxName {
		name = string(r[:maxName])
	}
	if name == "" || name == "." || name == ".." || name == "/" {
		return "picture"
	}
	return name
}
