package main

import (
	"bufio"
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tally counts what became of the requests of several clients.
type tally struct {
	mu                        sync.Mutex
	answered, busy, unreached int
	lost                      []string
}

// send posts a picture; it says whether there is still somebody to send to.
func (n *tally) send(c *http.Client, url string, body []byte) bool {
	res, err := c.Post(url, "image/jpeg", bytes.NewReader(body))
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	op := (*net.OpError)(nil)
	switch {
	case err == nil && res.StatusCode == http.StatusOK:
		n.answered++
	case err == nil && res.StatusCode == http.StatusTooManyRequests:
		n.busy++
	case err == nil:
		n.lost = append(n.lost, res.Status)
	case errors.As(err, &op) && op.Op == "dial": // never connected
		n.unreached++
		return false
	default:
		n.lost = append(n.lost, err.Error())
	}
	return true
}

// terminate starts the server, loads it with 16 clients, half of which keep their connections, sends SIGTERM,
// and waits until the server and the clients have ended.
func (n *tally) terminate(t *testing.T, body []byte, after time.Duration) {
	cmd := program("serve", "--listen", "127.0.0.1:0", "--rate", "0")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	_, line, _ = strings.Cut(line, "truegrain: ")
	url, _, found := strings.Cut(line, " ")
	require.True(t, found, "%q names an address", line)
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			c := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}, Timeout: time.Minute}
			defer c.CloseIdleConnections()
			for n.send(c, url+"/v1/analyze?evidence=false", body) {
			}
		})
	}
	time.Sleep(after)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	clients.Wait()
	require.NoError(t, cmd.Wait(), "the server ends well")
}

// SIGTERM under load: every request of a connection that came to be is answered, on new connections and on
// kept ones. Clients accept one error, that nobody listens any more.
func TestServeAnswersWhatItAccepted(t *testing.T) {
	rounds := 2
	if os.Getenv("TRUEGRAIN_SLOW") != "" {
		rounds = 20
	}
	var body bytes.Buffer
	require.NoError(t, jpeg.Encode(&body, image.NewGray(image.Rect(0, 0, 200, 150)), nil))
	var n tally
	for i := range rounds {
		n.terminate(t, body.Bytes(), time.Duration(300+53*i%400)*time.Millisecond)
		require.Empty(t, n.lost)
	}
	t.Logf("SIGTERM %d times: %d requests answered, %d told to come back, %d found nobody, none lost", rounds,
		n.answered, n.busy, n.unreached)
	require.Positive(t, n.answered)
}
