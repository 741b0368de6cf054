package web

import (
	"bytes"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Once a listener is about to close, the system connects nobody any more, and says how many it had connected
// that were not accepted yet.
func TestRefuseNewConnectsNobody(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dial := func() (net.Conn, error) { return net.DialTimeout("tcp", l.Addr().String(), 300*time.Millisecond) }
	early, err := dial()
	require.NoError(t, err)
	defer early.Close()
	waiting, err := refuseNew(l)
	require.NoError(t, err)
	require.Equal(t, 1, waiting())
	late, err := dial()
	if err == nil {
		late.Close()
	}
	require.Error(t, err, "connected after refuseNew")
	accepted, err := l.Accept()
	require.NoError(t, err)
	require.Zero(t, waiting())
	require.Equal(t, early.LocalAddr(), accepted.RemoteAddr())
	require.NoError(t, accepted.Close())
}

// A listener that takes no filter is closed all the same, and the log says what that may cost.
func TestCloseListenerWithoutFilter(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, closeListener(struct{ net.Listener }{l}, slog.New(slog.NewTextHandler(&said, nil))))
	require.Contains(t, said.String(), "may be reset")
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
