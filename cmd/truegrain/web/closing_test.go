package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// half is a request of which a part was sent.
type half struct {
	net.Conn
	rest string
}

// begin connects and sends the first bytes of a request.
func begin(t *testing.T, addr, request string, bytes int) half {
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, request[:bytes])
	require.NoError(t, err)
	return half{conn, request[bytes:]}
}

// finish sends the rest and reads the answer.
func (h half) finish(t *testing.T, name string) *http.Response {
	_, err := io.WriteString(h, h.rest)
	require.NoError(t, err, name)
	require.NoError(t, h.SetReadDeadline(time.Now().Add(20*time.Second)))
	got, err := http.ReadResponse(bufio.NewReader(h), nil)
	require.NoError(t, err, name)
	_, err = io.Copy(io.Discard, got.Body)
	require.NoError(t, err, name)
	return got
}

// listen serves on a listener of its own until leave is called; gone says how that ended.
func (a app) listen(t *testing.T) (addr string, leave context.CancelFunc, gone <-chan error) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- a.s.Serve(ctx, l, "", "") }()
	return l.Addr().String(), leave, served
}

// Whoever was connected when the end began is answered, however little of the request had come by then;
// whoever kept a connection may use it once more, and learns that it was the last time.
func TestEndAnswersWhatWasAccepted(t *testing.T) {
	a := openApp(t, nil)
	addr, leave, gone := a.listen(t)
	picture := string(waves(t, 200, 150))
	head := fmt.Sprintf("POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n",
		len(picture))
	request := head + picture
	kept := begin(t, addr, request, 0)
	require.Equal(t, 200, kept.finish(t, "kept").StatusCode)
	kept.rest = request
	open := map[string]half{}
	for name, bytes := range map[string]int{"nothing": 0, "half a header": len(head) / 2, "a header": len(head),
		"half a picture": len(head) + len(picture)/2, "everything": len(request)} {
		open[name] = begin(t, addr, request, bytes)
	}
	leave()
	require.Eventually(t, a.s.leaving.Load, 5*time.Second, time.Millisecond)
	last := kept.finish(t, "kept, after the end began")
	require.Equal(t, 200, last.StatusCode)
	require.True(t, last.Close, "the answer says that no other will follow")
	time.Sleep(2 * lastCalls)
	for name, h := range open {
		require.Equal(t, 200, h.finish(t, name).StatusCode, name)
	}
	require.NoError(t, <-gone)
	_, err := net.DialTimeout("tcp", addr, 10*time.Second)
	require.Error(t, err, "nobody listens any more")
}
