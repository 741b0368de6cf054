package web

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// sparingConn is a connection that can lose what comes next: the system drops it instead of copying it.
type sparingConn struct {
	*net.TCPConn
	losing atomic.Int64 // bytes to come that nobody wants: what reads them gets their number and nothing else
}

// nowhere is what lost bytes are said to be read into. Nothing is ever written there.
var nowhere [4 << 20]byte

func (c *sparingConn) Read(p []byte) (int, error) {
	left := c.losing.Load()
	if left == 0 {
		return c.TCPConn.Read(p)
	}
	n, err := dropped(c.TCPConn, int(min(int64(len(p)), left)))
	c.losing.Add(-int64(n))
	return n, err
}

// sparingListener gives sparing connections.
type sparingListener struct{ net.Listener }

func (l sparingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok {
		return &sparingConn{TCPConn: t}, err
	}
	return c, err
}

// connKey is where a request's context has its connection.
type connKey struct{}

// withConn is for http.Server.ConnContext. What an encrypted connection brings can't be dropped unread: there
// the connection is the one that decrypts, and bodies are read as ever.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf is the connection of a request if it can lose bytes, nil if not.
func connOf(r *http.Request) *sparingConn {
	c, _ := r.Context().Value(connKey{}).(*sparingConn)
	return c
}
