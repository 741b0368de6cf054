package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections are those of a server, so that its end answers every request it has accepted. http.Server's
// Shutdown alone does not: it leaves connections open whose first request is on its way, but once it has
// begun, whatever request is read there is dropped without an answer, and a connection between two requests
// is closed although the next one may have been sent.
type connections struct {
	log *slog.Logger
	mu  sync.Mutex
	all map[net.Conn]mark
}

// mark is the state of a connection, and when it came to be.
type mark struct {
	state http.ConnState
	at    time.Time
}

// note is for http.Server.ConnState.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.all, conn)
		return
	}
	c.all[conn] = mark{state, time.Now()}
}

// lastWord is how long a connection must have been silent after an answer before it is closed. Every answer
// of a server that ends says that it is the last one, but one that began before could not.
const lastWord = 100 * time.Millisecond

// quiet says that nobody waits for an answer.
func (c *connections) quiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.all {
		if m.state != http.StateIdle || time.Since(m.at) < lastWord {
			return false
		}
	}
	return true
}

// wait waits until nobody waits for an answer. New connections count until their header was read or is
// overdue.
func (c *connections) wait(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !c.quiet() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lastCalls is how long connections are accepted that had begun when the listener began to close; maxCalls, if
// the server is too busy to accept them at once.
const (
	lastCalls = 100 * time.Millisecond
	maxCalls  = 5 * time.Second
)

// Listen listens for Serve. The listener is of plain TCP: Go's are of Multipath TCP where the system has it, and
// these take no filter, without which the end resets who connects while it happens.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false)
	return plain.Listen(ctx, "tcp", addr)
}

// closeListener ends a listener that somebody accepts from. Where the system allows it, nobody new gets a
// connection from then on, and those who have one already are accepted: none of them is lost.
func closeListener(l net.Listener, log *slog.Logger) error {
	waiting, err := refuseNew(l)
	if err != nil {
		log.Warn("who connects while the listener closes may be reset", "err", err)
	}
	begun := time.Now()
	time.Sleep(lastCalls)
	for waiting() > 0 && time.Since(begun) < maxCalls {
		time.Sleep(lastCalls / 20)
	}
	return l.Close()
}

// end answers what a server has accepted on a listener and closes both; served is what Serve returns.
func (c *connections) end(ctx context.Context, srv *http.Server, l net.Listener, served <-chan error) error {
	err := closeListener(l, c.log)
	if e := <-served; !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	c.wait(ctx)
	if e := srv.Shutdown(ctx); e != nil {
		err = errors.Join(err, e, srv.Close())
	}
	return err
}
