package web

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter allows each client some uploads a second.
type limiter struct {
	every rate.Limit
	burst int

	mu      sync.Mutex
	clients map[netip.Prefix]*client
}

type client struct {
	bucket *rate.Limiter
	seen   time.Time
}

// maxClients bounds the memory: beyond it, clients that were not seen for longest are forgotten.
const maxClients = 10_000

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{every: rate.Limit(perSecond), burst: max(burst, 1), clients: map[netip.Prefix]*client{}}
}

// wait is how long a request's client has to wait; 0 if it may go on.
func (l *limiter) wait(r *http.Request) time.Duration {
	if l.every <= 0 {
		return 0
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	key := clientOf(r)
	c := l.clients[key]
	if c == nil {
		l.forget(now)
		c = &client{bucket: rate.NewLimiter(l.every, l.burst)}
		l.clients[key] = c
	}
	c.seen = now
	book := c.bucket.ReserveN(now, 1)
	d := book.DelayFrom(now)
	if d > 0 {
		book.CancelAt(now)
	}
	return d
}

// forget makes room: clients whose bucket is full again are as good as new ones, and if all are busy, any.
func (l *limiter) forget(now time.Time) {
	if len(l.clients) < maxClients {
		return
	}
	full := time.Duration(float64(l.burst) / float64(l.every) * float64(time.Second))
	for k, c := range l.clients {
		if now.Sub(c.seen) > full {
			delete(l.clients, k)
		}
	}
	for k := range l.clients {
		if len(l.clients) < maxClients {
			return
		}
		delete(l.clients, k)
	}
}

// clientOf is the sender's address; of IPv6 the network of 64 bits, which one subscriber has.
func clientOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the length fits
	return p
}
