package store_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/nn/state/store"
)

// server serves one file, well or badly, and counts what it was asked for.
type server struct {
	*httptest.Server
	url     string
	content []byte
	asked   []string     // Range of each connection
	sent    atomic.Int64 // bytes of bodies
}

// badly answers connection number n, from 0; false leaves it to the good server.
func serve(t *testing.T, path string, content []byte,
	badly func(n int, w http.ResponseWriter, r *http.Request) bool) *server {
	s := &server{content: content}
	n := -1
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		s.asked = append(s.asked, r.Header.Get("Range"))
		if badly != nil && badly(n, w, r) {
			return
		}
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(counted{w, &s.sent}, r, "", time.Time{}, bytes.NewReader(content))
	}))
	t.Cleanup(s.Close)
	s.url = s.URL + "/models/" + filepath.Base(path) + "?download=1"
	return s
}

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return c.ResponseWriter.Write(b)
}

// half sends the head of a whole file and a half of it, and breaks the connection.
func half(content []byte, tag string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content[:len(content)/2]) //nolint:errcheck
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func pull(t *testing.T, url string) (store.Store, store.Pull) {
	return store.Store{Dir: filepath.Join(t.TempDir(), "store")},
		store.Pull{URL: url, Pause: time.Millisecond, Stall: 5 * time.Second, Tries: 3}
}

func requireStored(t *testing.T, s store.Store, path string, content []byte) {
	t.Helper()
	require.Equal(t, []string{filepath.Base(path)}, holds(t, s), "and nothing else")
	got, err := os.ReadFile(s.Path(filepath.Base(path)))
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
}

func TestPull(t *testing.T) {
	path, content := weights(t, 1<<20)
	srv := serve(t, path, content, nil)
	s, p := pull(t, srv.url)
	var seen []int64
	p.Progress = func(done, total int64) {
		require.Equal(t, int64(len(content)), total)
		seen = append(seen, done)
	}
	got, err := s.Pull(t.Context(), p)
	require.NoError(t, err)
	require.True(t, got.Checked)
	require.Equal(t, int64(len(content)), seen[len(seen)-1])
	requireStored(t, s, path, content)
	got, err = s.Pull(t.Context(), p)
	require.NoError(t, err)
	require.True(t, got.Already)
	require.Len(t, srv.asked, 1, "what is there is not fetched")
	require.NoError(t, os.WriteFile(got.Path, content[1:], 0o644))
	_, err = s.Pull(t.Context(), p)
	require.NoError(t, err)
	requireStored(t, s, path, content)
}

// What has come before a connection broke is not sent again, in the same call and in a later one.
func TestPullGoesOnWhereItBroke(t *testing.T) {
	path, content := weights(t, 1<<20)
	srv := serve(t, path, content, func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 0 {
			half(content, `"one"`)(w)
		}
		return n == 0
	})
	s, p := pull(t, srv.url)
	_, err := s.Pull(t.Context(), p)
	require.NoError(t, err)
	requireStored(t, s, path, content)
	require.Len(t, srv.asked, 2)
	require.Regexp(t, `^bytes=[1-9]\d+-$`, srv.asked[1])
	require.Less(t, srv.sent.Load(), int64(len(content)))

	ctx, cancel := context.WithCancel(t.Context())
	srv = serve(t, path, content, nil)
	s, p = pull(t, srv.url)
	p.Progress = func(int64, int64) { cancel() }
	_, err = s.Pull(ctx, p)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "the same command goes on")
	p.Progress = nil
	_, err = s.Pull(t.Context(), p)
	require.NoError(t, err)
	requireStored(t, s, path, content)
	require.Regexp(t, `^bytes=[1-9]\d+-$`, srv.asked[1])
}

// A server without ranges, one with another version of the file, one that answers the wrong range, and one
// that says nothing to tell versions apart: the file is fetched anew and is right in the end.
func TestPullBeginsAnew(t *testing.T) {
	path, content := weights(t, 1<<18)
	whole := func(w http.ResponseWriter) { w.Write(content) } //nolint:errcheck
	for what, badly := range map[string]func(n int, w http.ResponseWriter, r *http.Request) bool{
		"no ranges": func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 0 {
				half(content, `"one"`)(w)
			}
			whole(w)
			return true
		},
		"another version": func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 0 {
				half(content[4:], `"zero"`)(w)
			}
			return false
		},
		"the wrong range": func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 0 {
				half(content, `"one"`)(w)
			}
			if n == 1 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-%d/%d", len(content)-1, len(content)))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(content[7:]) //nolint:errcheck
			}
			return n == 1
		},
		"a range that can't be": func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 0 {
				half(content, `"one"`)(w)
			}
			if n == 1 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			}
			return n == 1
		},
		"no tag": func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 0 {
				half(content, "")(w)
			}
			require.Empty(t, r.Header.Get("Range"))
			return false
		},
		"busy at first": func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return n == 0
		},
		"no length": func(n int, w http.ResponseWriter, _ *http.Request) bool {
			w.(http.Flusher).Flush()
			whole(w)
			return true
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, p := pull(t, serve(t, path, content, badly).url)
			_, err := s.Pull(t.Context(), p)
			require.NoError(t, err)
			requireStored(t, s, path, content)
		})
	}
}

func TestPullRefuses(t *testing.T) {
	path, content := weights(t, 1<<16)
	flipped := append([]byte(nil), content...)
	flipped[len(flipped)-1] ^= 1
	for what, c := range map[string]struct {
		badly func(n int, w http.ResponseWriter, r *http.Request) bool
		want  string
		keeps bool // what has come, for another try
	}{
		"another content": {func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Write(flipped) //nolint:errcheck
			return true
		}, "the file is damaged, or another one", false},
		"a page": {func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, "<html>sign in first</html>")
			return true
		}, "its SHA-256 begins with", false},
		"not found": {func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusNotFound)
			return true
		}, "404", true},
		"too large": {func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", strconv.Itoa(1<<30))
			w.Write(content) //nolint:errcheck
			return true
		}, "more than the 1048576 that are allowed", true},
		"without end": {func(_ int, w http.ResponseWriter, r *http.Request) bool {
			for r.Context().Err() == nil {
				w.Write(content) //nolint:errcheck
			}
			return true
		}, "more than", true},
		"always half": {func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			half(content, "")(w)
			return true
		}, "3 connections brought nothing", true},
		"silent": {func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}, "no byte has come for 200ms; 3 connections brought nothing", true},
		"squeezed": {func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Encoding", "br")
			w.Write(content) //nolint:errcheck
			return true
		}, "encoded (br)", true},
	} {
		t.Run(what, func(t *testing.T) {
			s, p := pull(t, serve(t, path, content, c.badly).url)
			p.MaxBytes, p.Stall = 1<<20, 200*time.Millisecond
			waits := 0
			p.Waiting = func(why error, pause time.Duration) {
				require.Error(t, why)
				require.Equal(t, p.Pause<<waits, pause)
				waits++
			}
			_, err := s.Pull(t.Context(), p)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, strings.Contains(c.want, "3 connections"), waits == 2,
				"between three connections")
			_, there := s.Find(filepath.Base(path))
			require.False(t, there)
			require.Equal(t, c.keeps, len(holds(t, s)) > 0)
		})
	}
	s, p := pull(t, "")
	for url, want := range map[string]string{"ftp://host/net-00000000.pth": "http or https",
		"net-00000000.pth": "http or https", "http://host/": "want a name", "http://host/net.pth": "--sha256",
		"http://host/net-00000000.pth%00":   "want a name",
		"http://host/..%5cnet-00000000.pth": "want a name"} {
		p.URL = url
		_, err := s.Pull(t.Context(), p)
		require.ErrorContains(t, err, want, url)
	}
}
