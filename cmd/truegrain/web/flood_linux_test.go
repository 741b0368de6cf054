package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// floods is the life of the process that run starts. It stands for other machines and computes on the
// server's cores, so it does little: one thread, which nothing wakes but its schedule; requests that lie in a
// file in memory as they are sent, from where the system hands their pages to the server's side without a
// copy; no garbage.
func floods(set string) error {
	s := &senders{tally: tally{Codes: map[int]int{}}, events: make([]unix.EpollEvent, 256)}
	if err := json.Unmarshal([]byte(set), &s.flood); err != nil {
		return err
	}
	debug.SetGCPercent(-1)
	if err := s.prepare(); err != nil {
		return err
	}
	s.start = time.Now()
	s.end = s.start.Add(time.Duration(s.Seconds * float64(time.Second)))
	step := s.paced
	if s.Rate == 0 {
		step = s.pressing
	}
	for more := true; more || s.busy > 0; {
		var err error
		if more, err = step(); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(s.tally)
}

// senders are clients, each with a connection that it keeps.
type senders struct {
	flood
	tally
	to         unix.SockaddrInet4
	memory     int     // the file with all requests
	requests   []piece // where they are in it
	start, end time.Time
	poll       int
	events     []unix.EpollEvent
	all        []*wire
	idle       []*wire
	busy       int // clients that wait for an answer
	sending    int // those of them that have not sent all yet
}

// piece is a part of a file.
type piece struct{ at, left int64 }

// wire is a client, with the connection that it has, or has not yet.
type wire struct {
	number, fd int
	rest       piece // of the request that is being sent
	sent       time.Time
	busy       bool
	in         []byte // what has come of the answer
}

// prepare puts all requests into memory.
func (s *senders) prepare() (err error) {
	photos, err := readPhotographs(s.Photos)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(s.Addr)
	if err != nil {
		return err
	}
	s.to = unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	if s.poll, err = unix.EpollCreate1(0); err != nil {
		return err
	}
	if s.memory, err = unix.MemfdCreate("requests", 0); err != nil {
		return err
	}
	// any part of them is like all of them
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(photos),
		func(i, j int) { photos[i], photos[j] = photos[j], photos[i] })
	at := int64(0)
	for _, p := range photos {
		r := fmt.Appendf(nil, "POST /v1/analyze?evidence=false HTTP/1.1\r\nHost: %s\r\n"+
			"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s", s.Addr, len(p), p)
		if n, err := unix.Pwrite(s.memory, r, at); err != nil || n < len(r) {
			return errors.Join(err, errors.New("the requests do not fit into memory"))
		}
		s.requests = append(s.requests, piece{at, int64(len(r))})
		at += int64(len(r))
	}
	return nil
}

// pressing gives every idle client a request and waits for answers; false after the end.
func (s *senders) pressing() (more bool, err error) {
	more = time.Now().Before(s.end)
	for more && s.busy < s.Clients {
		s.send()
	}
	return more, s.hear(s.patience())
}

// paced sends each request at its time, by the client that was idle last or by a new one, and sleeps until
// the next one's: answers are looked at then. It says false after the end, and only waits for answers.
func (s *senders) paced() (more bool, err error) {
	next := s.start.Add(time.Duration(float64(s.Offered) / s.Rate * float64(time.Second)))
	if !next.Before(s.end) {
		return false, s.hear(s.patience())
	}
	sleep(time.Until(next))
	s.send()
	return true, s.hear(0)
}

// patience is how long nothing but an answer matters: a request that is larger than the system's buffers is
// sent in parts.
func (s *senders) patience() time.Duration {
	if s.sending > 0 {
		return time.Millisecond
	}
	return 100 * time.Millisecond
}

// send has a client send the next request.
func (s *senders) send() {
	if len(s.idle) == 0 {
		w := &wire{fd: -1, number: len(s.all)}
		s.idle, s.all = append(s.idle, w), append(s.all, w)
	}
	w := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	s.Offered++
	s.busy++
	s.sending++
	w.rest, w.sent, w.busy, w.in = s.requests[s.Offered%len(s.requests)], time.Now(), true, w.in[:0]
	if err := s.connect(w); err != nil {
		s.fail(w, err)
		return
	}
	s.write(w)
}

// hear reads what has come of answers, and goes on with requests that were not sent to their end.
func (s *senders) hear(patience time.Duration) error {
	n, err := pollWait(s.poll, s.events, patience)
	if err != nil {
		return err
	}
	for _, e := range s.events[:n] {
		s.read(s.all[e.Fd])
	}
	if n > 0 && s.sending == 0 {
		return nil
	}
	now := time.Now()
	for _, w := range s.all {
		switch {
		case w.busy && now.Sub(w.sent) > time.Minute:
			s.fail(w, errors.New("no answer within a minute"))
		case w.rest.left > 0:
			s.write(w)
		}
	}
	return nil
}

// connect connects a client that is not.
func (s *senders) connect(w *wire) (err error) {
	if w.fd >= 0 {
		return nil
	}
	if w.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	return errors.Join(unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<20),
		unix.Connect(w.fd, &s.to), unix.SetNonblock(w.fd, true),
		unix.EpollCtl(s.poll, unix.EPOLL_CTL_ADD, w.fd,
			&unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(w.number)}))
}

// write sends as much of a client's request as the system takes.
func (s *senders) write(w *wire) {
	for w.rest.left > 0 {
		n, err := unix.Sendfile(w.fd, s.memory, &w.rest.at, int(w.rest.left))
		switch {
		case err == unix.EAGAIN:
			return
		case err != nil:
			s.fail(w, fmt.Errorf("send: %w", err))
			return
		}
		w.rest.left -= int64(n)
	}
	s.sending--
}

// read reads an answer, if it has come whole.
func (s *senders) read(w *wire) {
	w.in = slices.Grow(w.in, 8<<10)
	n, err := unix.Read(w.fd, w.in[len(w.in):cap(w.in)])
	switch {
	case err == unix.EAGAIN:
	case err != nil:
		s.fail(w, fmt.Errorf("read: %w", err))
	case n == 0 && w.busy:
		s.fail(w, errors.New("the connection was closed without an answer"))
	case n == 0:
		w.close()
	default:
		w.in = w.in[:len(w.in)+n]
		s.answer(w)
	}
}

// answer counts an answer, of which it understands what this server writes.
func (s *senders) answer(w *wire) {
	head, body, ok := bytes.Cut(w.in, []byte("\r\n\r\n"))
	if !ok {
		return
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) || len(head) < 12 || !w.busy {
		s.fail(w, fmt.Errorf("no answer: %q", w.in))
		return
	}
	if _, length, ok := bytes.Cut(head, []byte("\r\nContent-Length: ")); ok {
		length, _, _ = bytes.Cut(length, []byte("\r\n"))
		if n, err := strconv.Atoi(string(length)); err != nil || len(body) < n {
			return
		}
	} else if !bytes.HasSuffix(body, []byte("\r\n0\r\n\r\n")) { // the last chunk
		return
	}
	code, _ := strconv.Atoi(string(head[9:12]))
	s.Codes[code]++
	if now := time.Now(); code == 200 && now.After(s.start.Add(settle)) && now.Before(s.end) {
		s.Good++
	}
	if w.rest.left > 0 || bytes.Contains(head, []byte("\r\nConnection: close")) {
		w.close()
	}
	s.over(w)
}

// fail counts a request that was not answered.
func (s *senders) fail(w *wire, err error) {
	s.Errors = append(s.Errors, err.Error())
	w.close()
	s.over(w)
}

// over makes a client idle.
func (s *senders) over(w *wire) {
	if w.rest.left > 0 {
		w.rest.left = 0
		s.sending--
	}
	if w.busy {
		w.busy = false
		s.busy--
		s.idle = append(s.idle, w)
	}
}

func (w *wire) close() {
	if w.fd >= 0 {
		_ = unix.Close(w.fd)
		w.fd = -1
	}
}

// The thread keeps its place in Go's scheduler while it waits: to give it up and to get it back would wake
// another thread each time. So these two are raw calls.

func sleep(d time.Duration) {
	t := unix.NsecToTimespec(max(d, 0).Nanoseconds())
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

func pollWait(poll int, events []unix.EpollEvent, d time.Duration) (int, error) {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(poll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(d.Milliseconds()), 0, 0)
	if e == unix.EINTR {
		return 0, nil
	}
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
