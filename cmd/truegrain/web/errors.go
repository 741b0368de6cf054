package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/kernels"
	"truegrain/tensor/picture"
)

// methodError is a path that does not take a method.
type methodError struct{ method, allow string }

func (e *methodError) Error() string {
	return fmt.Sprintf("this address is not for %s; it takes %s", e.method, e.allow)
}

// mediaError is a body of a kind that is not taken.
type mediaError struct{ kind string }

func (e *mediaError) Error() string {
	return fmt.Sprintf("the body is %q; send multipart/form-data with a file, or one of %s as it is", e.kind,
		strings.Join(bodyTypes, ", "))
}

// paceError is a client that sends too much.
type paceError struct{ wait time.Duration }

func (e *paceError) Error() string { return "too many uploads or wrong tokens from your address" }

// formError is a form without what it should hold.
type formError struct{ reason string }

func (e *formError) Error() string { return e.reason }

// queryError is a parameter of a query that asks for what there is none of.
type queryError struct{ parameter, reason string }

func (e *queryError) Error() string { return e.parameter + ": " + e.reason }

var errInternal = errors.New("internal error")

// trouble is an error as an answer.
type trouble struct {
	status int
	title  string
	detail string
	reason string // for the metrics
	retry  time.Duration
}

// statusGone is what is counted for a client that left before its answer; nobody gets it.
const statusGone = 499

// classify turns an error into an answer. Only this function knows about status codes.
func classify(err error) trouble {
	var perr *picture.Error
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return trouble{http.StatusRequestEntityTooLarge, "Too large",
			"the upload is larger than this server takes", "body", 0}
	case errors.Is(err, picture.ErrTooLarge):
		return trouble{http.StatusRequestEntityTooLarge, "Too large", err.Error(), "pixels", 0}
	case errors.Is(err, picture.ErrNotAPicture):
		return trouble{http.StatusUnprocessableEntity, "Not a picture", err.Error(), "kind", 0}
	case errors.As(err, &perr):
		return trouble{http.StatusUnprocessableEntity, "The picture can't be read", perr.Reason, "damaged", 0}
	case errors.Is(err, engine.ErrTooSlow):
		return trouble{http.StatusUnprocessableEntity, "The picture can't be read", err.Error(), "slow", 0}
	case errors.As(err, new(*formError)):
		return trouble{http.StatusUnprocessableEntity, "Not a picture", err.Error(), "form", 0}
	case errors.Is(err, engine.ErrBusy):
		return trouble{http.StatusTooManyRequests, "Busy", err.Error(), "queue", time.Second}
	}
	return classifyRequest(err)
}

// classifyRequest is classify for what has nothing to do with the picture.
func classifyRequest(err error) trouble {
	var pace *paceError
	switch {
	case errors.As(err, &pace):
		return trouble{http.StatusTooManyRequests, "Busy", err.Error(), "rate", pace.wait}
	case errors.Is(err, engine.ErrGone):
		return trouble{http.StatusNotFound, "Gone", err.Error(), "gone", 0}
	case errors.As(err, new(*engine.UnknownError)):
		return trouble{http.StatusNotFound, "Not found", err.Error(), "unknown", 0}
	case errors.As(err, new(*queryError)):
		return trouble{http.StatusUnprocessableEntity, "Wrong query", err.Error(), "query", 0}
	case errors.As(err, new(*methodError)):
		return trouble{http.StatusMethodNotAllowed, "Wrong method", err.Error(), "method", 0}
	case errors.As(err, new(*mediaError)):
		return trouble{http.StatusUnsupportedMediaType, "Wrong kind of body", err.Error(), "type", 0}
	case errors.Is(err, errToken):
		return trouble{http.StatusUnauthorized, "No token", err.Error(), "token", 0}
	case errors.Is(err, errHost), errors.Is(err, errSite):
		return trouble{http.StatusForbidden, "Refused", err.Error(), "site", 0}
	case errors.Is(err, kernels.ErrDeviceLost):
		return trouble{http.StatusServiceUnavailable, "The device has failed",
			"what this server computes on was lost; it has to be started again", "device", 0}
	case errors.Is(err, engine.ErrTimeout), errors.Is(err, engine.ErrClosed):
		return trouble{http.StatusServiceUnavailable, "Out of time", err.Error(), "time", time.Second}
	case errors.Is(err, errSlowUpload):
		return trouble{http.StatusRequestTimeout, "Too slow", err.Error(), "upload", 0}
	case errors.Is(err, context.Canceled):
		return trouble{statusGone, "Cancelled", "the client left", "left", 0}
	}
	return trouble{http.StatusInternalServerError, "Internal error", errInternal.Error(), "internal", 0}
}

// judge classifies, counts, and logs what the caller is not told.
func (s *Server) judge(err error) trouble {
	t := classify(err)
	s.metrics.rejected.WithLabelValues(t.reason).Inc()
	if t.status == http.StatusInternalServerError {
		s.Log.Error("internal error", "error", err)
	}
	return t
}

// headers sets what goes with the answer.
func (t trouble) headers(h http.Header) {
	if t.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds(t.retry)))
	}
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// problem is an error of the API (RFC 9457).
func (s *Server) problem(err error) error {
	t := s.judge(err)
	h := http.Header{}
	t.headers(h)
	return huma.ErrorWithHeaders(t.model(), h)
}

func (t trouble) model() *huma.ErrorModel {
	return &huma.ErrorModel{Title: t.title, Status: t.status, Detail: t.detail}
}

// wantsPage says whether a browser is to show the answer.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/v1/")
}

// fail answers with an error, as a page or as a problem.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	t := s.judge(err)
	t.headers(w.Header())
	if wantsPage(r) {
		s.renderStatus(w, r, t.status, "error.html", t.page(s))
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(t.status)
	_ = json.NewEncoder(w).Encode(t.model()) // the client may have left
}
