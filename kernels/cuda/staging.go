//go:build cuda || emu

package cuda

import (
	"errors"
	"sync"
	"unsafe"

	"truegrain/kernels"
)

// stagingBytes is the size of each of the two pinned buffers between host and device.
const stagingBytes = 4 << 20

// staging moves data through pinned memory, which alone can be copied behind the processor's back: while one
// buffer is on its way, the other one is filled.
type staging struct {
	mu     sync.Mutex
	drv    driver
	stream stream
	bufs   [2]unsafe.Pointer
	sent   [2]event
	busy   [2]bool
	next   int
}

func newStaging(drv driver, s stream) (*staging, error) {
	g := &staging{drv: drv, stream: s}
	for i := range g.bufs {
		var err error
		if g.bufs[i], err = drv.AllocHost(stagingBytes); err != nil {
			return nil, errors.Join(err, g.close())
		}
		if g.sent[i], err = drv.NewEvent(); err != nil {
			return nil, errors.Join(err, g.close())
		}
	}
	return g, nil
}

func (g *staging) close() error {
	var errs []error
	for i := range g.bufs {
		if g.bufs[i] != nil {
			errs = append(errs, g.drv.FreeHost(g.bufs[i]))
		}
		if g.sent[i] != 0 {
			errs = append(errs, g.drv.FreeEvent(g.sent[i]))
		}
	}
	return errors.Join(errs...)
}

// slot is a free pinned buffer.
func (g *staging) slot() (int, error) {
	i := g.next
	g.next = 1 - i
	if g.busy[i] {
		g.busy[i] = false
		return i, g.drv.WaitEvent(g.sent[i])
	}
	return i, nil
}

// pieces calls f for ranges of n elements whose larger type fits a buffer.
func pieces(n, size int, f func(from, to int) error) error {
	per := stagingBytes / size
	for at := 0; at < n; at += per {
		if err := f(at, min(n, at+per)); err != nil {
			return err
		}
	}
	return nil
}

func (g *staging) upload(dst, host kernels.Buf) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return pieces(dst.Len(), dst.DType().Size(), func(from, to int) error {
		i, err := g.slot()
		if err != nil {
			return err
		}
		part := dst.Slice(from, to)
		convert(hostView(part.DType(), to-from, g.bufs[i]), host.Slice(from, to))
		if err := g.drv.CopyIn(part.Addr(), g.bufs[i], part.Bytes(), g.stream); err != nil {
			return err
		}
		g.busy[i] = true
		return g.drv.Record(g.sent[i], g.stream)
	})
}

func (g *staging) download(host, src kernels.Buf) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return pieces(src.Len(), src.DType().Size(), func(from, to int) error {
		i, err := g.slot()
		if err != nil {
			return err
		}
		part := src.Slice(from, to)
		if err := g.drv.CopyOut(g.bufs[i], part.Addr(), part.Bytes(), g.stream); err != nil {
			return err
		}
		if err := g.drv.Wait(g.stream); err != nil {
			return err
		}
		convert(host.Slice(from, to), hostView(part.DType(), to-from, g.bufs[i]))
		return nil
	})
}

// hostView is pinned memory as a host buffer.
func hostView(t kernels.DType, n int, p unsafe.Pointer) kernels.Buf {
	switch t {
	case kernels.F32:
		return kernels.Of(unsafe.Slice((*float32)(p), n))
	case kernels.F64:
		return kernels.Of(unsafe.Slice((*float64)(p), n))
	case kernels.BF16:
		return kernels.Of(unsafe.Slice((*uint16)(p), n))
	case kernels.U8:
		return kernels.Of(unsafe.Slice((*uint8)(p), n))
	}
	return kernels.Of(unsafe.Slice((*int32)(p), n))
}

// convert copies between host buffers of one length.
func convert(dst, src kernels.Buf) {
	switch {
	case dst.DType() == src.DType():
		bytesOf(dst, func(d []byte) { bytesOf(src, func(s []byte) { copy(d, s) }) })
	case dst.DType() == kernels.F32 && src.DType() == kernels.F64:
		s := kernels.Floats[float64](src)
		for i := range kernels.Floats[float32](dst) {
			kernels.Floats[float32](dst)[i] = float32(s[i])
		}
	default:
		for i := range dst.Len() {
			dst.Set(i, src.At(i))
		}
	}
}

func bytesOf(b kernels.Buf, f func([]byte)) {
	switch b.DType() {
	case kernels.F32:
		v := kernels.Floats[float32](b)
		f(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), b.Bytes()))
	case kernels.F64:
		v := kernels.Floats[float64](b)
		f(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), b.Bytes()))
	case kernels.U8:
		f(kernels.Floats[uint8](b))
	case kernels.BF16:
		v := kernels.Floats[uint16](b)
		f(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), b.Bytes()))
	default:
		v := kernels.Floats[int32](b)
		f(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), b.Bytes()))
	}
}
