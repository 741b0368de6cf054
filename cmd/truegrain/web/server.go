// Package web is the app that a browser talks to and the API that programs talk to: handlers, templates and
// assets, all inside the binary, over one engine.
package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"truegrain/cmd/truegrain/web/engine"
)

// Config is what a server is set to.
type Config struct {
	Token      string        // that clients must show; empty: none
	Rate       float64       // uploads a second of one client; 0: any number
	Burst      int           // uploads that may come at once
	UploadTime time.Duration // for sending one upload
	Hosts      []string      // names that this server answers to; empty: any
	Version    string
	Log        *slog.Logger
}

// Server is the app.
type Server struct {
	Config
	engine  *engine.Engine
	metrics *Metrics
	pages   pages
	limiter *limiter
	mux     *http.ServeMux
	spec    []byte
	leaving atomic.Bool

	busy, pace refusal
}

// New puts the app together.
func New(c Config, e *engine.Engine, m *Metrics) (*Server, error) {
	s := &Server{Config: c, engine: e, metrics: m, limiter: newLimiter(c.Rate, c.Burst),
		mux: http.NewServeMux()}
	m.watch(e)
	s.busy, s.pace = s.refusal(engine.ErrBusy), s.refusal(&paceError{})
	if err := s.loadPages(); err != nil {
		return nil, err
	}
	if err := s.api(); err != nil {
		return nil, err
	}
	s.routes()
	return s, nil
}

// routes are those outside the API.
func (s *Server) routes() {
	s.mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusOK, "ok")
	})
	s.mux.HandleFunc("GET /readyz", s.ready)
	s.mux.Handle("GET /metrics", s.metrics.handler())
	s.mux.HandleFunc("GET /openapi.json", s.openAPI)
	s.pageRoutes()
}

// ready says whether a load balancer may send requests here.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.leaving.Load():
		plain(w, http.StatusServiceUnavailable, "shutting down")
	case s.engine.Full():
		plain(w, http.StatusServiceUnavailable, "the queue is full")
	default:
		plain(w, http.StatusOK, "ok")
	}
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// Handler is the app with all that surrounds it, from the outside in.
func (s *Server) Handler() http.Handler {
	h := compressed(http.HandlerFunc(s.serve))
	h = s.admitted(h)
	h = s.authorise(h)
	h = s.sameSite(h)
	h = s.onlyHosts(h)
	h = secured(h)
	h = hurried(h)
	return s.observed(h)
}

// serve answers what the mux knows, and says in our own form what it does not.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	h, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	probe := &status{ResponseWriter: discard{http.Header{}}, leaving: &s.leaving}
	h.ServeHTTP(probe, r)
	switch probe.code {
	case http.StatusMethodNotAllowed:
		allow := probe.Header().Get("Allow")
		w.Header().Set("Allow", allow)
		s.fail(w, r, &methodError{r.Method, allow})
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		s.mux.ServeHTTP(w, r)
	default:
		s.fail(w, r, &engine.UnknownError{What: "such page"})
	}
}

// discard is a response that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// Times of a connection. Headers are small: whoever needs longer for them is not a browser.
const (
	headerTime = 5 * time.Second
	idleTime   = 60 * time.Second
	answerTime = time.Minute // for taking an answer, beside upload and work
	maxHeader  = 64 << 10
	handOver   = 30 * time.Second // for answering what was accepted, at the end
)

// server is the app with the times of its connections.
func (s *Server) server() *http.Server {
	return &http.Server{Handler: s.Handler(), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		WriteTimeout:   s.UploadTime + s.engine.Limits.Deadline + answerTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
		ConnContext: withConn}
}

// Serve answers on a listener, which should be one of Listen, until ctx is done. Then it takes no new
// connection, answers every request of those it has accepted, and closes. certFile and keyFile are empty for
// plain HTTP.
func (s *Server) Serve(ctx context.Context, l net.Listener, certFile, keyFile string) error {
	open := connections{log: s.Log, all: map[net.Conn]mark{}}
	srv := s.server()
	srv.ConnState = open.note
	served := make(chan error, 1)
	go func() {
		if certFile != "" {
			served <- srv.ServeTLS(l, certFile, keyFile)
			return
		}
		served <- srv.Serve(sparing(l))
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	s.leaving.Store(true)
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOver)
	defer cancel()
	return open.end(bye, srv, l, served)
}
