package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httputil"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flood is what clients in a process of their own do to a server: uploads at a rate, whether they are answered
// or not, or for a rate of 0 as fast as so many clients get their answers. The process does little else than
// to send bytes: it runs on the server's cores, and what it computes there the server is short of.
type flood struct {
	Addr, Photos string
	Seconds      float64
	Rate         float64
	Clients      int
}

// tally is what became of a flood. Good counts the pictures that were scored between settle after its beginning
// and its end: how many wait at either doesn't matter then.
type tally struct {
	Offered, Good int
	Codes         map[int]int
	Errors        []string
	CPU           float64 // seconds that the clients computed
}

// settle is how long a flood runs before anything is counted.
const settle = 3 * time.Second

// goodput is the pictures scored a second.
func (f flood) goodput(t tally) float64 { return float64(t.Good) / (f.Seconds - settle.Seconds()) }

// floodVar asks the test program to be the clients.
const floodVar = "TRUEGRAIN_TEST_FLOOD"

// run starts the clients and waits for what they say.
func (f flood) run(t *testing.T) (out tally) {
	set, err := json.Marshal(f)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), floodVar+"="+string(set)), os.Stderr
	said, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(said, &out), "%s", said)
	out.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return out
}

// floods is the life of the process that run starts.
func floods(set string) error {
	var f flood
	if err := json.Unmarshal([]byte(set), &f); err != nil {
		return err
	}
	photos, err := readPhotographs(f.Photos)
	if err != nil {
		return err
	}
	s := &senders{flood: f, tally: tally{Codes: map[int]int{}}}
	for _, p := range photos {
		s.requests = append(s.requests, fmt.Appendf(nil, "POST /v1/analyze?evidence=false HTTP/1.1\r\nHost: %s\r\n"+
			"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s", f.Addr, len(p), p))
	}
	// any part of them is like all of them
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(s.requests), func(i, j int) {
		s.requests[i], s.requests[j] = s.requests[j], s.requests[i]
	})
	s.start = time.Now()
	s.end = s.start.Add(time.Duration(f.Seconds * float64(time.Second)))
	if f.Rate == 0 {
		for range f.Clients {
			s.all.Go(s.pressing)
		}
	} else {
		s.paced()
	}
	s.all.Wait()
	return json.NewEncoder(os.Stdout).Encode(s.tally)
}

// senders are clients, each with a connection that it keeps.
type senders struct {
	flood
	requests   [][]byte
	start, end time.Time
	all        sync.WaitGroup

	mu sync.Mutex
	tally
	idle []chan []byte // where clients that wait for work get it
}

// next is the request that is sent next; nil after the end.
func (s *senders) next() []byte {
	if !time.Now().Before(s.end) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Offered++
	return s.requests[s.Offered%len(s.requests)]
}

func (s *senders) pressing() {
	c := &wire{addr: s.Addr}
	defer c.close()
	for r := s.next(); r != nil; r = s.next() {
		s.note(c.send(r))
	}
}

// paced sends each request at its time, by the client that was idle last or by a new one.
func (s *senders) paced() {
	every := time.Duration(float64(time.Second) / s.Rate)
	for at := s.start; ; at = at.Add(every) {
		time.Sleep(time.Until(at))
		r := s.next()
		if r == nil {
			break
		}
		s.mu.Lock()
		n := len(s.idle)
		if n == 0 {
			s.mu.Unlock()
			work := make(chan []byte, 1)
			work <- r
			s.all.Go(func() { s.serving(work) })
			continue
		}
		work := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		work <- r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, work := range s.idle {
		close(work)
	}
	s.idle = nil
}

// serving is a client that sends what it is given.
func (s *senders) serving(work chan []byte) {
	c := &wire{addr: s.Addr}
	defer c.close()
	for r := range work {
		s.note(c.send(r))
		s.mu.Lock()
		over := !time.Now().Before(s.end)
		if !over {
			s.idle = append(s.idle, work)
		}
		s.mu.Unlock()
		if over {
			return
		}
	}
}

func (s *senders) note(code int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.Errors = append(s.Errors, err.Error())
		return
	}
	s.Codes[code]++
	if now := time.Now(); code == 200 && now.After(s.start.Add(settle)) && now.Before(s.end) {
		s.Good++
	}
}

// wire is a connection that is opened when it is needed.
type wire struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// send sends a request and reads the answer, of which it understands what this server writes.
func (w *wire) send(request []byte) (code int, err error) {
	if w.conn == nil {
		if w.conn, err = net.Dial("tcp", w.addr); err != nil {
			return 0, err
		}
		w.in = bufio.NewReader(w.conn)
	}
	_ = w.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err = w.conn.Write(request); err == nil {
		code, err = w.answer()
	}
	if err != nil {
		w.close()
	}
	return code, err
}

func (w *wire) answer() (code int, err error) {
	length, last := 0, false
	for first := true; ; first = false {
		line, err := w.in.ReadSlice('\n')
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case err != nil:
			return 0, err
		case first:
			if !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) || len(line) < 12 {
				return 0, fmt.Errorf("no answer: %q", line)
			}
			if code, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
		case len(line) == 0:
			err := w.skip(length)
			if last {
				w.close()
			}
			return code, err
		case bytes.Equal(line, []byte("Connection: close")):
			last = true
		case bytes.Equal(line, []byte("Transfer-Encoding: chunked")):
			length = -1
		default:
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				if length, err = strconv.Atoi(string(v)); err != nil {
					return 0, err
				}
			}
		}
	}
}

// skip reads a body of so many bytes, or of chunks.
func (w *wire) skip(length int) error {
	if length >= 0 {
		_, err := w.in.Discard(length)
		return err
	}
	if _, err := io.Copy(io.Discard, httputil.NewChunkedReader(w.in)); err != nil {
		return err
	}
	_, err := w.in.Discard(len("\r\n"))
	return err
}
