package kernels

import "unsafe"

// Buf is a run of elements of one type in the memory of one backend: a handle, copied freely. Host memory is
// kept alive by the handle; device memory belongs to the backend that allocated it. The zero Buf is "none".
type Buf struct {
	dtype DType
	n     int
	host  unsafe.Pointer
	dev   uintptr
}

// Element lists the Go types that a host Buf can hold; uint16 is the bits of a bfloat16.
type Element interface {
	float32 | float64 | uint16 | int32 | uint8
}

// Of makes a Buf of a Go slice, sharing its memory.
func Of[T Element](s []T) Buf {
	return Buf{dtype: dtypeOf[T](), n: len(s), host: unsafe.Pointer(unsafe.SliceData(s))}
}

// OfDevice makes a Buf of n elements at a device address.
func OfDevice(d DType, n int, addr uintptr) Buf { return Buf{dtype: d, n: n, dev: addr} }

// Floats is the memory of a host Buf as a Go slice: no copy. The zero Buf gives nil. It panics with
// *BufError if the Buf holds another type or lives on a device.
func Floats[T Element](b Buf) []T {
	if b.IsZero() {
		return nil
	}
	if b.dtype != dtypeOf[T]() || b.dev != 0 {
		panic(&BufError{Got: b, Want: dtypeOf[T]()})
	}
	return unsafe.Slice((*T)(b.host), b.n)
}

func dtypeOf[T Element]() DType {
	var t T
	switch any(t).(type) {
	case float32:
		return F32
	case float64:
		return F64
	case int32:
		return I32
	case uint8:
		return U8
	}
	return BF16
}

// DType is the element type; Len the number of elements; Bytes the size in memory.
func (b Buf) DType() DType { return b.dtype }

// Len is the number of elements.
func (b Buf) Len() int { return b.n }

// Bytes is the size in memory.
func (b Buf) Bytes() int { return b.n * b.dtype.Size() }

// IsZero says that there is no buffer here: an optional operand that is absent, a gradient nobody wants.
func (b Buf) IsZero() bool { return b.dtype == Invalid }

// OnDevice says that the elements are not in host memory.
func (b Buf) OnDevice() bool { return b.dev != 0 }

// Addr is the device address, or that of the host memory: an identity for maps and checks, never to be
// followed.
func (b Buf) Addr() uintptr {
	if b.dev != 0 {
		return b.dev
	}
	return uintptr(b.host)
}

// Slice is elements from..to-1, sharing memory. It panics with *BufError if the range is not inside.
func (b Buf) Slice(from, to int) Buf {
	if from < 0 || to < from || to > b.n {
		panic(&BufError{Got: b, From: from, To: to, Range: true})
	}
	step := uintptr(from * b.dtype.Size())
	if b.dev != 0 {
		return Buf{dtype: b.dtype, n: to - from, dev: b.dev + step}
	}
	if from == to { // one past the end is no address the collector may see
		return Buf{dtype: b.dtype, host: b.host}
	}
	return Buf{dtype: b.dtype, n: to - from, host: unsafe.Add(b.host, step)}
}

// Overlaps says that two buffers share memory.
func (b Buf) Overlaps(o Buf) bool {
	lo, hi := b.Addr(), b.Addr()+uintptr(b.Bytes())
	return b.n > 0 && o.n > 0 && lo < o.Addr()+uintptr(o.Bytes()) && o.Addr() < hi
}
