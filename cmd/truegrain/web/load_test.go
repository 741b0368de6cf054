package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/kernels/kerneltest"
)

// slow skips what takes minutes.
func slow(t *testing.T) {
	if os.Getenv("TRUEGRAIN_SLOW") == "" {
		t.Skip("takes minutes: TRUEGRAIN_SLOW=1 runs it")
	}
}

// photographs are the test data's pictures.
func photographs(t testing.TB) [][]byte {
	out, err := readPhotographs(kerneltest.Shared(t, "data", "photos"))
	require.NoError(t, err)
	require.NotEmpty(t, out)
	return out
}

func readPhotographs(root string) (out [][]byte, err error) {
	err = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".csv") || strings.HasSuffix(path, ".md") {
			return err
		}
		b, err := os.ReadFile(path)
		out = append(out, b)
		return err
	})
	return out, err
}

// shots are the answers to many uploads.
type shots struct {
	mu    sync.Mutex
	codes map[int]int
	good  []time.Duration
	wrong []string
}

func (s *shots) note(code int, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.codes == nil {
		s.codes = map[int]int{}
	}
	if err != nil {
		s.wrong = append(s.wrong, err.Error())
		return
	}
	s.codes[code]++
	if code == 200 {
		s.good = append(s.good, took)
	}
}

// share is the time that a share of the good answers stay below.
func (s *shots) share(q float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.good)
	if len(s.good) == 0 {
		return 0
	}
	return s.good[min(len(s.good)-1, int(q*float64(len(s.good))))]
}

// sender sends each request on a connection of its own or keeps many.
func sender(keep bool) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: !keep, MaxIdleConnsPerHost: 200},
		Timeout: time.Minute}
}

func fire(c *http.Client, url string, body []byte) (int, time.Duration, error) {
	start := time.Now()
	res, err := c.Post(url+"/v1/analyze?evidence=false", "image/jpeg", bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, time.Since(start), err
}

// heap is what is in use after a collection, in MiB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

func TestLoadThousandUploads(t *testing.T) {
	slow(t)
	photos := photographs(t)
	a := openApp(t, func(c *Config, l *engine.Limits) { c.UploadTime, l.Results = time.Minute, 20 })
	limit := a.engine.Limits.Queue + 2*a.engine.Limits.Batch + 5
	c := sender(false)
	fire(c, a.URL, photos[0])
	before := heap()
	most, peak := 0, uint64(0)
	stop := watch(func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most, peak = max(most, a.engine.Flight()), max(peak, m.HeapAlloc)
	})
	s, wg := &shots{}, sync.WaitGroup{}
	for i := range 1000 {
		wg.Go(func() { s.note(fire(c, a.URL, photos[i%len(photos)])) })
	}
	wg.Wait()
	stop()
	t.Logf("answers %v, %d errors; in flight at most %d of %d; heap %.0f MiB before, %.0f at most, %.0f after",
		s.codes,
		len(s.wrong), most, limit, before, float64(peak)/(1<<20), heap())
	require.Empty(t, s.wrong)
	require.Equal(t, 1000, s.codes[200]+s.codes[429], "%v", s.codes)
	require.LessOrEqual(t, most, limit)
	require.Less(t, heap(), before+64)
}

// watch calls f often until it is stopped.
func watch(f func()) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				f()
			}
		}
	}()
	return func() { close(done); <-gone }
}

// Ten times as much as can be done, for two minutes: as much is done as without, and afterwards all is well
// at once. The clients are a process of their own, but on the same cores; what they take of these is logged.
func TestLoadOverload(t *testing.T) {
	slow(t)
	if runtime.GOOS != "linux" {
		t.Skip("the clients are made of calls that only Linux has")
	}
	const length = 120.0
	photos := photographs(t)
	a := openApp(t, func(c *Config, l *engine.Limits) { l.Results = 20 })
	f := flood{Addr: strings.TrimPrefix(a.URL, "http://"), Photos: kerneltest.Shared(t, "data", "photos"),
		Seconds: length / 4, Clients: 32}
	before := f.run(t)
	ten := f
	ten.Seconds, ten.Rate = length, 10*f.goodput(before)
	over := ten.run(t)
	start := time.Now()
	c := sender(false)
	code, took, err := fire(c, a.URL, photos[0])
	for code == 429 && time.Since(start) < 5*time.Second {
		time.Sleep(20 * time.Millisecond)
		code, took, err = fire(c, a.URL, photos[0])
	}
	recovered := time.Since(start)
	after := f.run(t) // a machine's speed is not the same for minutes
	first, under, last := f.goodput(before), ten.goodput(over), f.goodput(after)
	rate, offered := (first+last)/2, float64(over.Offered)/length
	clients := over.CPU/ten.Seconds - before.CPU/f.Seconds // cores that they took more of than alone
	left := 1 - clients/float64(runtime.GOMAXPROCS(0))
	t.Logf("alone %.1f and %.1f pictures/s, before and after; at %.0f uploads/s %.1f (%.1f %%; %.1f %% of what "+
		"the clients leave, who took %.3f cores), answers %v, %d errors; then one took %v, %v after the end",
		first, last, offered, under, 100*under/rate, 100*under/rate/left, clients, over.Codes,
		len(over.Errors), took, recovered)
	require.NoError(t, err)
	require.Empty(t, over.Errors)
	require.Equal(t, over.Offered, over.Codes[200]+over.Codes[429])
	require.Greater(t, offered, 0.99*ten.Rate, "the load arrived")
	require.Equal(t, 200, code)
	require.Less(t, recovered, 2*time.Second)
	require.GreaterOrEqual(t, under, 0.95*rate)
}

// 500 clients that send a byte a second change nothing for the others.
func TestLoadSlowClients(t *testing.T) {
	slow(t)
	photos := photographs(t)
	a := openApp(t, func(c *Config, l *engine.Limits) { c.UploadTime, l.Results = time.Minute, 20 })
	c := sender(true)
	defer c.CloseIdleConnections()
	measure := func() *shots {
		s := &shots{}
		for i := range 200 {
			s.note(fire(c, a.URL, photos[i%len(photos)]))
		}
		return s
	}
	measure()
	before := measure()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() { dribble(ctx, strings.TrimPrefix(a.URL, "http://")) })
	}
	require.Eventually(t, func() bool { return a.engine.Uploads.Used() >= 500*16<<10 }, 20*time.Second,
		10*time.Millisecond)
	during := measure()
	cancel()
	wg.Wait()
	t.Logf("p50 %v, p99 %v; with 500 slow clients p50 %v, p99 %v", before.share(0.5), before.share(0.99),
		during.share(0.5), during.share(0.99))
	require.Empty(t, during.wrong)
	require.Len(t, during.good, 200)
	require.Less(t, during.share(0.99), before.share(0.99)*3/2)
	require.Eventually(t, func() bool { return a.engine.Uploads.Used() == 0 }, 5*time.Second,
		10*time.Millisecond)
}

// dribble is a client that sends a byte a second.
func dribble(ctx context.Context, addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn,
		"POST /v1/analyze HTTP/1.1\r\nHost: "+addr+"\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n")
	for ctx.Err() == nil {
		if _, err := conn.Write([]byte{0xFF}); err != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// The corpus of odd and broken files, twice: the same verdicts, and nothing is left.
func TestCorpusTwice(t *testing.T) {
	root := kerneltest.Shared(t, "data", "decode")
	every := 12
	if os.Getenv("TRUEGRAIN_SLOW") != "" {
		every = 1
	}
	a := openApp(t, func(_ *Config, l *engine.Limits) { l.Results = 10 })
	a.post(t, "/v1/analyze", waves(t, 100, 100))
	before, n := heap(), 0
	codes := map[int]int{}
	require.NoError(t, filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if n++; err != nil || e.IsDir() || n%every != 0 {
			return err
		}
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		first, second := verdict(a.post(t, "/v1/analyze", body)), verdict(a.post(t, "/v1/analyze", body))
		require.Equal(t, first, second, path)
		require.Contains(t, []int{200, 413, 422}, first.status, "%s: %v", path, first)
		codes[first.status]++
		return nil
	}))
	http.DefaultClient.CloseIdleConnections()
	t.Logf("%d entries, verdicts %v; heap %.0f MiB before, %.0f after", n, codes, before, heap())
	require.Less(t, heap(), before+64)
}

type outcome struct {
	status int
	detail any
	raw    []float64
}

// verdict is what must not differ between two answers to the same file.
func verdict(r reply) outcome {
	o := outcome{status: r.StatusCode}
	if r.StatusCode == 200 {
		for _, d := range mustJSON[Analysis](r.body).Detectors {
			o.raw = append(o.raw, *d.Raw)
		}
	} else {
		o.detail = mustJSON[map[string]any](r.body)["detail"]
	}
	return o
}

// mustJSON reads what our own server wrote.
func mustJSON[T any](b []byte) (v T) {
	if err := json.Unmarshal(b, &v); err != nil {
		panic(err)
	}
	return v
}
