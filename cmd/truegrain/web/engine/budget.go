package engine

import (
	"bytes"
	"io"
	"sync"
)

// Budget bounds the bytes of all uploads that are being read.
type Budget struct {
	mu         sync.Mutex
	used, most int64
}

func (b *Budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.most {
		return false
	}
	b.used += n
	return true
}

func (b *Budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
}

// Used is the bytes that are being read.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// firstPiece is what an upload takes before its first byte has come: clients that send slowly cost little.
const firstPiece = 16 << 10

// Read reads everything, taking memory only as bytes arrive; whole is how many there are to be, 0 or less if
// that is not known. ErrBusy means that other uploads take all there is; release must be called when the
// bytes are kept elsewhere or dropped.
func (b *Budget) Read(r io.Reader, whole int64) (data []byte, release func(), err error) {
	size := int64(firstPiece)
	release = func() {}
	if !b.take(size) {
		return nil, release, ErrBusy
	}
	release = sync.OnceFunc(func() { b.give(size) })
	data = make([]byte, 0, size)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return fitted(data), release, nil
		}
		if err != nil {
			return nil, release, err
		}
		if len(data) == cap(data) {
			more := size
			if size < whole && whole < 2*size {
				more = whole - size
			}
			if !b.take(more) {
				return nil, release, ErrBusy
			}
			size += more
			data = append(make([]byte, 0, size), data...)
		}
	}
}

// fitted is data without much room behind it: what is kept is what is counted.
func fitted(data []byte) []byte {
	if cap(data)-len(data) > len(data)/16 {
		return bytes.Clone(data)
	}
	return data
}
