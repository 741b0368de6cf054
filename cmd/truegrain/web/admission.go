package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"truegrain/cmd/truegrain/web/engine"
)

// uploadPaths are those that take pictures.
var uploadPaths = []string{"/v1/analyze", "/analyze"}

// admitted turns uploads away that can't be taken: their client sends too many, or the queue is full. It does
// so before anything else looks at them. Under ten times the load there are nine of these for each picture
// that is scored, on the same cores, so they pass neither the router nor the API's description, and what they
// are told was written beforehand. An upload takes its place in the queue only when it was read: a place that
// is taken earlier would be a slow client's to hold.
func (s *Server) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !slices.Contains(uploadPaths, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		err := s.admit(r)
		if err == nil {
			next.ServeHTTP(w, r)
			return
		}
		s.drain(r)
		if wantsPage(r) {
			s.fail(w, r, err)
			return
		}
		s.turnAway(w, err)
	})
}

// admit says why an upload can't be taken: *paceError or engine.ErrBusy.
func (s *Server) admit(r *http.Request) error {
	if d := s.limiter.wait(r); d > 0 {
		return &paceError{d}
	}
	if s.engine.Full() {
		return engine.ErrBusy
	}
	return nil
}

// hurried gives every body a short time to come. Uploads that are taken get a longer one; of all others
// net/http reads what it was sent before it answers, and would wait for a slow client for ever.
func hurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// a test's recorder has none
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		next.ServeHTTP(w, r)
	})
}

// drain reads a refused body without keeping it, as far as that is cheap: whoever still sends when the
// connection is closed may lose the answer. A client that asked before it sends is spared sending. Of what
// has not been read from the system yet no copy is made where that is possible.
func (s *Server) drain(r *http.Request) {
	if r.ContentLength == 0 || r.Header.Get("Expect") != "" {
		return
	}
	buf := drains.Get().(*[drainPiece]byte)
	defer drains.Put(buf)
	body := io.LimitedReader{R: r.Body, N: s.engine.Limits.Picture.FileBytes + 1}
	n, err := body.Read(buf[:]) // all that net/http has read already is in it, since its buffer is smaller
	left := min(r.ContentLength-int64(n), body.N)
	c := connOf(r)
	if err == nil && left > 0 && c != nil {
		c.losing.Store(left)
		defer c.losing.Store(0)
	}
	for err == nil {
		to := buf[:]
		if c != nil && left >= httpBuffer {
			to = nowhere[:]
		}
		n, err = body.Read(to)
		left -= int64(n)
	}
}

// bodyTime is how long a body is waited for that nobody wants; drainPiece, how much of it is read at once:
// most of what has come, in few calls, and little of the cache; httpBuffer, from how much on net/http reads
// without its own buffer, out of which it would copy.
const (
	bodyTime   = 2 * time.Second
	drainPiece = 64 << 10
	httpBuffer = 4 << 10
)

var drains = sync.Pool{New: func() any { return new([drainPiece]byte) }}

// refusal is an answer of the API that was made beforehand.
type refusal struct {
	body  []byte
	count prometheus.Counter
}

func (s *Server) refusal(err error) refusal {
	t := classify(err)
	body, e := json.Marshal(t.model())
	if e != nil {
		panic(e) // strings and a number
	}
	return refusal{append(body, '\n'), s.metrics.rejected.WithLabelValues(t.reason)}
}

// Values of headers, shared by all answers: nobody changes them.
var (
	problemType = []string{"application/problem+json"}
	afterOne    = []string{"1"}
)

// turnAway tells a program why its upload was not taken.
func (s *Server) turnAway(w http.ResponseWriter, err error) {
	h, answer, after := w.Header(), s.busy, afterOne
	if pace := (*paceError)(nil); errors.As(err, &pace) {
		answer, after = s.pace, []string{strconv.Itoa(seconds(pace.wait))}
	}
	answer.count.Inc()
	h["Content-Type"], h["Retry-After"] = problemType, after
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write(answer.body) // the client may have left
}
