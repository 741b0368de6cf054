package state

import (
	"unsafe"

	"truegrain/autograd"
)

// Weights are the tensors of a file that belong to a model's parameters, found and checked, but not read yet.
type Weights struct {
	Report Report
	file   *File
	from   map[string]string // a parameter's name to the tensor's
	room   []float32         // values that had to be permuted
	adapt  map[string]func([]float32) []float32
}

// Has says that the file has values for p; without, it is one that Options.ReplaceHead names.
func (w *Weights) Has(p *autograd.Param) bool {
	_, ok := w.from[p.Name]
	return ok
}

// Values are a parameter's values in our order. They may lie in the file itself, so they must not be changed,
// and are valid until the next call, Drop, or Close of the file.
func (w *Weights) Values(p *autograd.Param) ([]float32, error) {
	name := w.from[p.Name]
	v := w.file.alias(name)
	if v == nil {
		var err error
		if v, err = w.file.Float32s(name); err != nil {
			return nil, err
		}
	}
	if f := w.adapt[p.Name]; f != nil {
		return f(v), nil
	}
	if p.Layout == autograd.Plain {
		return v, nil
	}
	w.room = toOurs(p, v, w.room)
	return w.room, nil
}

// Drop lets go of the memory that the file's copy of a parameter takes; it is read again if it is asked for.
func (w *Weights) Drop(p *autograd.Param) { w.file.drop(w.from[p.Name]) }

// alias is a tensor's elements where they lie; nil if they are no float32 in this machine's order.
func (f *File) alias(name string) []float32 {
	e := f.tensors[name]
	if e == nil || e.DType != "F32" || e.strides != nil || len(e.data) == 0 || !littleEndian {
		return nil
	}
	n, _ := elements(e.Shape)
	at := unsafe.Pointer(unsafe.SliceData(e.data))
	if uintptr(at)%4 != 0 || len(e.data) < 4*n {
		return nil
	}
	return unsafe.Slice((*float32)(at), n)
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

// drop lets go of the whole pages of a tensor in a mapped file.
func (f *File) drop(name string) {
	if e := f.tensors[name]; e != nil && f.unmap != nil && len(e.data) > 0 {
		forget(e.data)
	}
}
