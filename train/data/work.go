package data

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"truegrain/nn/state"
)

// inOrder does n-from pieces of work on every core and hands their results on in order, a bounded number of
// them ahead. It stops at the first error of take, or when ctx ends.
func inOrder[T any](ctx context.Context, from, n int, do func(i int) T,
	take func(i int, v T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	promises := make(chan chan T, 4*workers)
	wg.Go(func() { promise(ctx, &wg, workers, from, n, do, promises) })
	i := from
	for to := range promises {
		if ctx.Err() != nil {
			break
		}
		if err := take(i, <-to); err != nil {
			return err
		}
		i++
	}
	if i < n {
		return context.Cause(ctx)
	}
	return nil
}

// promise begins pieces of work, one a worker at a time, and sends for each, in order, where its result will
// come.
func promise[T any](ctx context.Context, wg *sync.WaitGroup, workers, from, n int, do func(i int) T,
	promises chan<- chan T) {
	defer close(promises)
	free := make(chan struct{}, workers)
	for i := from; i < n; i++ {
		to := make(chan T, 1)
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			to <- do(i)
			<-free
		})
		select {
		case promises <- to:
		case <-ctx.Done():
			return
		}
	}
}

// list is a file of lines that long work makes one after the other. Until it is whole it is FILE.part, in
// which every block of lines is followed by how many pieces of work are done: what was interrupted, even by a
// kill, goes on behind the last block and ends with the same bytes.
type list struct {
	path   string
	key    string // of the work: a .part of other work is begun anew
	header string
	end    func(lines int) string // the last line
	n      int                    // pieces of work
	saw    func(done, total int)
}

// blockOf is how many pieces of work lie between two marks.
const blockOf = 256

// write does what is left of the work: do gives the lines of a piece, none or more, each with its newline.
func (l *list) write(ctx context.Context, do func(i int) string) error {
	part := l.path + ".part"
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", part, err)
	}
	defer f.Close()
	done, err := l.resume(f)
	if err != nil {
		return fmt.Errorf("write %s: %w", part, err)
	}
	var block strings.Builder
	flush := func() error {
		fmt.Fprintf(&block, "#%d\n", done)
		_, err := f.WriteString(block.String())
		block.Reset()
		return err
	}
	err = inOrder(ctx, done, l.n, do, func(i int, lines string) error {
		block.WriteString(lines)
		done = i + 1
		if l.saw != nil {
			l.saw(done, l.n)
		}
		if done%blockOf == 0 {
			return flush()
		}
		return nil
	})
	if e := flush(); err == nil {
		err = e
	}
	if err == nil {
		err = l.finish(f)
	}
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(part)
}

// resume finds how far the work has come, and leaves the file behind the last mark.
func (l *list) resume(f *os.File) (done int, err error) {
	head := "#of " + l.key + "\n"
	r := bufio.NewReaderSize(f, 1<<16)
	first, err := r.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	at := int64(len(head))
	if first != head {
		if err := f.Truncate(0); err != nil {
			return 0, err
		}
		_, err := f.WriteAt([]byte(head), 0)
		if err != nil {
			return 0, err
		}
	} else {
		pos := at
		for {
			line, err := r.ReadString('\n')
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return 0, err
			}
			pos += int64(len(line))
			if n, ok := mark(line); ok && n <= l.n {
				done, at = n, pos
			}
		}
	}
	if err := f.Truncate(at); err != nil {
		return 0, err
	}
	_, err = f.Seek(at, io.SeekStart)
	return done, err
}

// mark reads a line that says how many pieces are done.
func mark(line string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "#")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil
}

// finish makes the file of the lines.
func (l *list) finish(f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return state.Atomic(l.path, func(w io.Writer) error {
		if _, err := io.WriteString(w, l.header); err != nil {
			return err
		}
		lines := 0
		r := bufio.NewReaderSize(f, 1<<16)
		for first := true; ; first = false {
			line, err := r.ReadString('\n')
			if errors.Is(err, io.EOF) {
				_, err := io.WriteString(w, l.end(lines))
				return err
			}
			if err != nil {
				return err
			}
			if _, ok := mark(line); first || ok {
				continue
			}
			lines++
			if _, err := io.WriteString(w, line); err != nil {
				return err
			}
		}
	})
}

// Each asks something of every picture of a set, on every core, and hands the answers on in order.
func Each[T any](ctx context.Context, s *Set, ask func(it *Item) T, take func(i int, answer T)) error {
	return inOrder(ctx, 0, len(s.Items), func(i int) T { return ask(&s.Items[i]) }, func(i int, v T) error {
		take(i, v)
		return nil
	})
}
