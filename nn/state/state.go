// Package state reads and writes weight files: safetensors, and for reading only PyTorch's .pth and .pt (zip
// and the older format before it). Their pickles are read by a machine of our own that knows tensors and
// plain values; it imports nothing and calls nothing.
//
// A file is foreign until it is validated: headers first, then limits, then data. Tensors stay in the mapped
// file until they are asked for. Names and the order of axes are PyTorch's here and nowhere else; Load and
// Save permute.
package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// File is an open weight file. Its tensors are read from the mapped file when asked for.
type File struct {
	Format  string // "safetensors", "torch zip", "torch legacy"
	names   []string
	tensors map[string]*entry
	meta    map[string]string
	unmap   func() error
}

// Info is a tensor's type, in safetensors' names ("F32"), and shape, in PyTorch's order.
type Info struct {
	DType string
	Shape []int
}

// entry is one tensor: where its elements lie.
type entry struct {
	Info
	data    []byte // of its storage, from the first element on
	strides []int  // in elements; nil if contiguous
}

// FormatError is a file that breaks its format's rules.
type FormatError struct {
	Kind   string // what rule, as safetensors' own reader names it, or the format's part
	Where  string // tensor, offset or archive member; may be empty
	Reason string
}

func (e *FormatError) Error() string {
	if e.Where == "" {
		return e.Kind + ": " + e.Reason
	}
	return e.Kind + ": " + e.Where + ": " + e.Reason
}

// ErrUnknownFormat says that a file is neither safetensors nor PyTorch's.
var ErrUnknownFormat = errors.New("not a safetensors, .pth or .pt file")

// Open opens a weight file by its content. A file called .safetensors must be one: nothing is tried instead.
func Open(path string) (*File, error) {
	data, unmap, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	parse := parseSafetensors
	if filepath.Ext(path) != ".safetensors" {
		parse = Parse
	}
	f, err := parse(data)
	if err != nil {
		unmap() //nolint:errcheck // the reason to refuse the file is worth more
		return nil, fmt.Errorf("weights %s: %w", path, err)
	}
	f.unmap = unmap
	return f, nil
}

// Parse opens a weight file in memory, which must not change while the File is in use.
func Parse(data []byte) (*File, error) {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return parseTorchZip(data)
	case bytes.HasPrefix(data, []byte{opProto, 2}):
		return parseTorchLegacy(data)
	case len(data) > 8 && data[8] == '{':
		return parseSafetensors(data)
	}
	return nil, ErrUnknownFormat
}

// Close lets go of the file. Its tensors must not be read any more.
func (f *File) Close() error {
	if f.unmap == nil {
		return nil
	}
	unmap := f.unmap
	f.unmap = nil
	return unmap()
}

// Names lists the tensors in the file's order.
func (f *File) Names() []string { return f.names }

// Metadata is the strings that a safetensors file carries.
func (f *File) Metadata() map[string]string { return f.meta }

// Info is a tensor's type and shape.
func (f *File) Info(name string) (Info, bool) {
	e, ok := f.tensors[name]
	if !ok {
		return Info{}, false
	}
	return e.Info, true
}

func (f *File) add(name string, e *entry) {
	f.names = append(f.names, name)
	f.tensors[name] = e
}

// mapFile maps a regular file into memory, read-only.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	if info, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() { // nor opened: a pipe would wait for somebody to write
		return nil, nil, fmt.Errorf("weights %s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() == 0 {
		return nil, func() error { return nil }, nil
	}
	if int64(int(info.Size())) != info.Size() {
		return nil, nil, fmt.Errorf("weights %s: %d bytes are more than this machine can address", path,
			info.Size())
	}
	return mapMemory(f, int(info.Size()))
}

// elements is the product of a shape, or false if it overflows.
func elements(shape []int) (int, bool) {
	n := 1
	for _, d := range shape {
		if d < 0 || d != 0 && n > (1<<62)/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// quoted is a foreign name fit for a message.
func quoted(name string) string {
	if len(name) > 80 {
		name = name[:80] + "…"
	}
	return fmt.Sprintf("%q", strings.ToValidUTF8(name, "?"))
}
