package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/cmd/truegrain/web/engine"
)

// A full queue turns uploads away: programs are told so in the API's form and keep their connection, browsers
// get a page, and nothing but uploads is refused.
func TestFullQueue(t *testing.T) {
	a := openApp(t, func(_ *Config, l *engine.Limits) { l.Queue = 0 })
	conn := a.dial(t)
	in := bufio.NewReader(conn)
	for _, size := range []int{0, 10, drainPiece, 1 << 20, int(a.engine.Limits.Picture.FileBytes)} {
		_, err := fmt.Fprintf(conn, "POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"+
			"Content-Length: %d\r\n\r\n%s", size, bytes.Repeat([]byte{0xFF}, size))
		require.NoError(t, err, size)
		got, err := http.ReadResponse(in, nil)
		require.NoError(t, err, size)
		body, err := io.ReadAll(got.Body)
		require.NoError(t, err, size)
		require.Equal(t, 429, got.StatusCode)
		require.False(t, got.Close, "%d bytes: the connection is kept", size)
		require.Equal(t, "1", got.Header.Get("Retry-After"))
		require.Equal(t, "application/problem+json", got.Header.Get("Content-Type"))
		require.Equal(t, policy, got.Header.Get("Content-Security-Policy"))
		said := mustJSON[map[string]any](body)
		require.Equal(t, map[string]any{"title": "Busy", "status": 429.0, "detail": engine.ErrBusy.Error()},
			said)
	}
	page := a.do(t, "POST", "/analyze", strings.NewReader("x"), "Accept", "text/html")
	require.Equal(t, 429, page.StatusCode)
	require.Contains(t, string(page.body), "</html>")
	require.Equal(t, 200, a.do(t, "GET", "/v1/models", nil).StatusCode)
	require.Contains(t, string(a.do(t, "GET", "/metrics", nil).body),
		`truegrain_rejected_total{reason="queue"} 6`)
}

// Whoever asks whether to send is told without sending.
func TestFullQueueSparesSending(t *testing.T) {
	a := openApp(t, func(_ *Config, l *engine.Limits) { l.Queue = 0 })
	got := a.raw(t, "POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 9000000\r\n"+
		"Expect: 100-continue\r\n\r\n")
	require.Equal(t, 429, got.StatusCode)
	require.True(t, got.Close)
}

// A client that sends a byte a second to no purpose is answered and let go.
func TestSlowBodiesAreNotWaitedFor(t *testing.T) {
	a, full := openApp(t, nil), openApp(t, func(_ *Config, l *engine.Limits) { l.Queue = 0 })
	for _, c := range []struct {
		to           app
		name, header string
		status       int
	}{
		{full, "POST /v1/analyze", "image/jpeg", 429}, {full, "POST /analyze", "image/jpeg", 429},
		{a, "POST /v1/analyze", "application/json", 415}, {a, "POST /nothing", "image/jpeg", 404},
		{a, "GET /livez", "image/jpeg", 200}, {a, "POST /sample/none", "image/jpeg", 404},
	} {
		t.Run(c.name+" "+c.header, func(t *testing.T) {
			t.Parallel()
			conn := begin(t, strings.TrimPrefix(c.to.URL, "http://"),
				c.name+" HTTP/1.1\r\nHost: x\r\nContent-Type: "+c.header+"\r\nContent-Length: 1000\r\n\r\n",
				0)
			got := conn.finish(t, c.name)
			require.Equal(t, c.status, got.StatusCode)
			require.True(t, got.Close)
			_, err := conn.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		})
	}
}

// Whatever is dropped of a body, in the system or here, the next request on the connection is read from its
// first byte on: of a body whose length is said, whose length is not, that comes in pieces, with another
// request right behind it.
func TestDroppedBodiesEndWhereTheyEnd(t *testing.T) {
	a := openApp(t, func(_ *Config, l *engine.Limits) { l.Queue = 0 })
	conn := a.dial(t)
	in := bufio.NewReader(conn)
	const head = "POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
	piece := strings.Repeat("x", 300_000)
	for _, parts := range [][]string{
		{head + "Content-Length: 600000\r\n\r\n" + piece, piece},
		{head + "Content-Length: 300001\r\n\r\n", piece, "x"},
		{head + "Transfer-Encoding: chunked\r\n\r\n493e0\r\n" + piece, "\r\n493e0\r\n", piece,
			"\r\n0\r\n\r\n"},
		{head + "Content-Length: 300000\r\n\r\n" + piece + head + "Content-Length: 300000\r\n\r\n", piece},
	} {
		for _, p := range parts {
			_, err := conn.Write([]byte(p))
			require.NoError(t, err)
			time.Sleep(20 * time.Millisecond)
		}
		for range strings.Count(strings.Join(parts, ""), "POST") {
			got, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, got.Body)
			require.NoError(t, err)
			require.Equal(t, 429, got.StatusCode)
			require.False(t, got.Close)
		}
		_, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		got, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		require.Equal(t, "ok\n", string(body))
	}
}

// Lost bytes are dropped by the system, and what comes behind them is read.
func TestLosing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux drops bytes without copying them")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	from, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer from.Close()
	to, err := sparing(l).Accept()
	require.NoError(t, err)
	defer to.Close()
	c := to.(*sparingConn)
	c.losing.Store(7)
	for _, piece := range []string{"abc", "defghij"} {
		_, err = io.WriteString(from, piece)
		require.NoError(t, err)
		n, err := c.Read(nowhere[:])
		require.NoError(t, err)
		require.Equal(t, min(len(piece), 4), n)
	}
	require.Equal(t, make([]byte, len(nowhere)), nowhere[:])
	rest := make([]byte, 10)
	n, err := c.Read(rest)
	require.NoError(t, err)
	require.Equal(t, "hij", string(rest[:n]))
	c.losing.Store(1)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = c.Read(nowhere[:])
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	require.NoError(t, from.Close())
	_, err = c.Read(nowhere[:])
	require.ErrorIs(t, err, io.EOF)
}
