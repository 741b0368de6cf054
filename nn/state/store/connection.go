package store

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// client follows redirections as the standard one, and waits for an answer no longer than this.
var client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment,
	ResponseHeaderTimeout: 30 * time.Second, ForceAttemptHTTP2: true}}

// finalError is one that another connection would meet again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(format string, args ...any) error { return finalError{fmt.Errorf(format, args...)} }

// connection asks for what is missing and takes what comes; done says that the file is complete.
func (d *download) connection(ctx context.Context) (done bool, err error) {
	ctx, hangUp := context.WithCancelCause(ctx)
	defer hangUp(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		return false, final("%w", err)
	}
	req.Header.Set("Accept-Encoding", "identity") // lengths and ranges are those of the file
	if d.have > 0 && d.notes.Tag != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.have))
		req.Header.Set("If-Range", d.notes.Tag)
	}
	res, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if err := d.answer(res); err != nil {
		return false, err
	}
	if d.notes.Total > d.MaxBytes {
		return false, final("it has %d bytes, more than the %d that are allowed", d.notes.Total, d.MaxBytes)
	}
	silence := time.AfterFunc(d.Stall, func() { hangUp(fmt.Errorf("no byte has come for %v", d.Stall)) })
	defer silence.Stop()
	if done, err = d.receive(res.Body, silence); err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return done, err
}

// answer looks at a server's head lines: the rest of the file, all of it, or neither.
func (d *download) answer(res *http.Response) error {
	switch code := res.StatusCode; {
	case code == http.StatusOK:
		if res.Header.Get("Content-Encoding") != "" {
			return final("the server sends it encoded (%s), which was not asked for",
				res.Header.Get("Content-Encoding"))
		}
		return d.anew(notes{URL: d.URL, Tag: tagOf(res.Header), Total: res.ContentLength})
	case code == http.StatusPartialContent:
		from, total, ok := parseRange(res.Header.Get("Content-Range"))
		if !ok || from != d.have || d.notes.Total >= 0 && total != d.notes.Total {
			err := fmt.Errorf("the server sent %q, asked for the bytes from %d on",
				res.Header.Get("Content-Range"), d.have)
			if e := d.anew(notes{URL: d.URL, Total: -1}); e != nil {
				return e
			}
			return err // the next connection fetches all of it
		}
		d.notes.Total = total
		return nil
	case code == http.StatusRequestedRangeNotSatisfiable:
		if d.have == d.notes.Total {
			return nil // everything had come
		}
		if err := d.anew(notes{URL: d.URL, Total: -1}); err != nil {
			return err
		}
		return fmt.Errorf("the server answered %s", res.Status)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return fmt.Errorf("the server answered %s", res.Status)
	default:
		return final("the server answered %s", res.Status)
	}
}

// tagOf tells versions of a file apart: a strong ETag or the time of the last change; "" if there is neither,
// and a broken download then begins anew.
func tagOf(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return h.Get("Last-Modified")
}

// parseRange reads "bytes FROM-TO/TOTAL".
func parseRange(v string) (from, total int64, ok bool) {
	v, found := strings.CutPrefix(v, "bytes ")
	span, all, found2 := strings.Cut(v, "/")
	first, last, found3 := strings.Cut(span, "-")
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	total, err3 := strconv.ParseInt(all, 10, 64)
	return from, total, found && found2 && found3 && err1 == nil && err2 == nil && err3 == nil && from >= 0 &&
		from <= to && to == total-1
}

// receive writes a body to the file until it ends; every byte puts silence off.
func (d *download) receive(body io.Reader, silence *time.Timer) (done bool, err error) {
	buf := make([]byte, 256<<10)
	for {
		if d.have == d.notes.Total {
			return true, nil
		}
		n, err := body.Read(buf)
		silence.Reset(d.Stall)
		if d.have+int64(n) > d.MaxBytes || d.notes.Total >= 0 && d.have+int64(n) > d.notes.Total {
			return false, final("more than %d bytes came", d.have)
		}
		if _, e := d.file.Write(buf[:n]); e != nil {
			return false, final("%w; what has come is kept", e)
		}
		d.have += int64(n)
		d.Progress(d.have, d.notes.Total)
		switch {
		case err == io.EOF && d.notes.Total < 0:
			return true, nil // a length that nobody knew: the SHA-256 decides
		case err == io.EOF && d.have < d.notes.Total:
			return false, fmt.Errorf("the connection ended after %d of %d bytes", d.have, d.notes.Total)
		case err != nil && err != io.EOF:
			return false, err
		}
	}
}
