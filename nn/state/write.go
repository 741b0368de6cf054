package state

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"truegrain/kernels"
)

// Out is one tensor to be written: its shape in PyTorch's order, and its values as they are stored.
type Out struct {
	Name   string
	DType  string // F32, F16, BF16, F64 or I64
	Shape  []int
	Values []float32
}

// Write writes a safetensors file, tensors in the order given, so that the same input gives the same bytes.
// It is written beside its place and moved there when complete: interrupted, the old file is still there.
func Write(path string, tensors []Out, metadata map[string]string) error {
	return Atomic(path, func(w io.Writer) error {
		head, err := headerOf(tensors, metadata)
		if err != nil {
			return err
		}
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, t := range tensors {
			if err := writeValues(w, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// headerOf is the length and the JSON header, padded to whole words.
func headerOf(tensors []Out, metadata map[string]string) ([]byte, error) {
	type info struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	head := fields{'{'}
	if len(metadata) > 0 {
		if err := head.add("__metadata__", metadata); err != nil {
			return nil, err
		}
	}
	at, seen := 0, map[string]bool{}
	for _, t := range tensors {
		n, ok := elements(t.Shape)
		if !ok || n != len(t.Values) || seen[t.Name] || writers[t.DType] == nil {
			return nil, fmt.Errorf("tensor %s: %d values of %s for shape %v, or its name stands twice",
				quoted(t.Name), len(t.Values), t.DType, t.Shape)
		}
		seen[t.Name] = true
		end := at + n*widths[t.DType]/8
		if err := head.add(t.Name, info{t.DType, append([]int{}, t.Shape...), [2]int{at, end}}); err != nil {
			return nil, err
		}
		at = end
	}
	head = append(head, '}')
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), nil
}

// fields is a JSON object being written, whose keys stand in the order in which they are added.
type fields []byte

func (f *fields) add(key string, v any) error {
	k, err := json.Marshal(key)
	if err != nil {
		return err
	}
	js, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(*f) > 1 {
		*f = append(*f, ',')
	}
	*f = append(append(append(*f, k...), ':'), js...)
	return nil
}

// writers append one value to a block.
var writers = map[string]func([]byte, float32) []byte{
	"F32": func(b []byte, v float32) []byte {
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	},
	"F64": func(b []byte, v float32) []byte {
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
	},
	"F16": func(b []byte, v float32) []byte { return binary.LittleEndian.AppendUint16(b, halfBits(v)) },
	"BF16": func(b []byte, v float32) []byte {
		return binary.LittleEndian.AppendUint16(b, kernels.BF16Bits(v))
	},
	"I64": func(b []byte, v float32) []byte { return binary.LittleEndian.AppendUint64(b, uint64(int64(v))) },
}

func writeValues(w io.Writer, t Out) error {
	put := writers[t.DType]
	block := make([]byte, 0, 8<<10)
	for part := range slices.Chunk(t.Values, 1<<10) {
		block = block[:0]
		for _, v := range part {
			block = put(block, v)
		}
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// Atomic writes a file so that it is either whole or as it was before: to a temporary file in the same
// folder, synced, renamed, and the folder synced.
func Atomic(path string, write func(w io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	buf := bufio.NewWriterSize(f, 1<<16)
	if err = write(buf); err != nil {
		return err
	}
	if err = buf.Flush(); err != nil {
		return err
	}
	return Place(f, path)
}

// Place makes a file that was written beside its place the one at path: synced, closed, renamed, and the
// folder synced.
func Place(f *os.File, path string) error {
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename last. Some systems can't sync a folder; there the rename is as good as it gets.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	d.Sync() //nolint:errcheck
	return nil
}
