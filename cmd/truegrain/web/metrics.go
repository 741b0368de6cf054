package web

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"truegrain/cmd/truegrain/web/engine"
)

// Metrics are what /metrics shows. It is the engine's Meter.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	stages   *prometheus.HistogramVec
	batches  prometheus.Histogram
	rejected *prometheus.CounterVec
}

// NewMetrics makes them in a registry of their own.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "truegrain_requests_total",
			Help: "Requests answered, by route and status."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "truegrain_request_seconds",
			Help:    "Time from a request to the end of its answer, by route.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}, []string{"route"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "truegrain_stage_seconds",
			Help:    "Time of one stage: upload, queue, decode, score, maps, stages, attention, versions.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}, []string{"stage"}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "truegrain_batch_pictures",
			Help: "Pictures scored together.", Buckets: []float64{1, 2, 4, 8, 16, 32}}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "truegrain_rejected_total",
			Help: "Requests refused, by reason."}, []string{"reason"})}
	m.registry.MustRegister(m.requests, m.seconds, m.stages, m.batches, m.rejected,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds what is read from the engine when somebody asks.
func (m *Metrics) watch(e *engine.Engine) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("truegrain_queue_pictures", "Pictures that wait.", func() float64 { return float64(e.Waiting()) })
	gauge("truegrain_flight_pictures", "Pictures accepted and not answered.",
		func() float64 { return float64(e.Flight()) })
	gauge("truegrain_upload_bytes", "Bytes of uploads that are being read.",
		func() float64 { return float64(e.Uploads.Used()) })
	gauge("truegrain_results", "Results kept.", func() float64 { n, _ := e.Store.Size(); return float64(n) })
	gauge("truegrain_results_bytes", "Bytes of the results kept.",
		func() float64 { _, b := e.Store.Size(); return float64(b) })
}

// Stage hears how long a stage took.
func (m *Metrics) Stage(name string, took time.Duration) {
	m.stages.WithLabelValues(name).Observe(took.Seconds())
}

// Batch hears how many pictures were scored together.
func (m *Metrics) Batch(pictures int) { m.batches.Observe(float64(pictures)) }

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// status remembers the code of an answer. The answers of a server that ends say that they are the last ones
// of their connections.
type status struct {
	http.ResponseWriter
	code    int
	leaving *atomic.Bool
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 && code >= http.StatusOK {
		s.code = code
		if s.leaving.Load() {
			s.Header().Set("Connection", "close")
		}
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(b)
}

// Flush sends what was written so far, as far as what is beneath can.
func (s *status) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// observed counts and times requests by the pattern that answered, never by path: paths are endless.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, st := time.Now(), &status{ResponseWriter: w, leaving: &s.leaving}
		_, route := s.mux.Handler(r)
		if route == "" {
			route = "none"
		}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.Log.Error("a handler panicked", "route", route, "panic", p)
				if st.code == 0 {
					s.fail(st, r, errInternal)
				}
			}
			s.metrics.requests.WithLabelValues(route, strconv.Itoa(max(st.code, http.StatusOK))).Inc()
			s.metrics.seconds.WithLabelValues(route).Observe(time.Since(start).Seconds())
		}()
		next.ServeHTTP(st, r)
	})
}
