//go:build cuda || emu

package cuda

import (
	"fmt"
	"math"

	"truegrain/kernels"
)

// Alloc gives zeroed memory of the pool, or in a recording memory that holds anything. The error wraps kernels.ErrOutOfMemory and says what was asked for
// and what is free; the device goes on working.
func (d *Device) Alloc(t kernels.DType, n int) (kernels.Buf, error) {
	if n < 0 || n > 1<<43 {
		return kernels.Buf{}, fmt.Errorf("%s: %d elements of %s: %w", d.name, n, t, kernels.ErrOutOfMemory)
	}
	a, err := d.take(n * t.Size())
	if err != nil {
		return kernels.Buf{}, fmt.Errorf("%s: %w", d.name, err)
	}
	b := kernels.OfDevice(t, n, a)
	if d.rec != nil {
		return b, nil
	}
	if err := d.drv.Set(a, 0, 1, b.Bytes(), d.stream); err != nil {
		d.pool.put(a)
		return kernels.Buf{}, deviceError("alloc", err)
	}
	return b, nil
}

// Free gives memory back to the pool.
func (d *Device) Free(b kernels.Buf) {
	if b.IsZero() {
		return
	}
	put := func(b kernels.Buf) bool { return d.pool.put(b.Addr()) }
	if d.rec != nil {
		put = d.rec.give
	}
	if !put(b) {
		panic(&kernels.ArgError{Op: "free", Field: "buffer", Reason: "is none that " + d.name + " has given out"})
	}
}

// Upload copies from host memory, converting.
func (d *Device) Upload(dst, host kernels.Buf) {
	d.same("upload", dst, host)
	d.on("upload", dst)
	if d.rec != nil {
		d.must("upload", d.rec.upload(dst))
		return
	}
	d.must("upload", d.staging.upload(dst, host))
}

// Download copies to host memory, converting. It waits for the work before it.
func (d *Device) Download(host, src kernels.Buf) {
	d.same("download", host, src)
	d.on("download", src)
	d.refuseRecording("download", "src", "can't be read in a recording: read it behind a replay")
	d.must("download", d.staging.download(host, src))
}

// Copy copies within the device.
func (d *Device) Copy(dst, src kernels.Buf) {
	d.same("copy", dst, src)
	if dst.DType() != src.DType() {
		panic(&kernels.BufError{Got: src, Want: dst.DType()})
	}
	d.on("copy", dst, src)
	if dst.Len() > 0 {
		d.must("copy", d.drv.Copy(dst.Addr(), src.Addr(), dst.Bytes(), d.queue()))
	}
}

// refuseRecording panics if ops are recorded.
func (d *Device) refuseRecording(op, field, reason string) {
	if d.rec != nil {
		panic(&kernels.ArgError{Op: op, Field: field, Reason: reason})
	}
}

// Fill sets every element.
func (d *Device) Fill(dst kernels.Buf, v float64) {
	d.on("fill", dst)
	if dst.Len() == 0 {
		return
	}
	set := func(bits uint32, size int) {
		d.must("fill", d.drv.Set(dst.Addr(), bits, size, dst.Bytes()/size, d.queue()))
	}
	switch dst.DType() {
	case kernels.F32:
		set(math.Float32bits(float32(v)), 4)
	case kernels.BF16:
		set(uint32(kernels.BF16Bits(float32(v))), 2)
	case kernels.I32:
		set(uint32(int32(v)), 4)
	case kernels.U8:
		set(uint32(uint8(v)), 1)
	default:
		if v == 0 && !math.Signbit(v) {
			set(0, 4)
			return
		}
		d.refuseRecording("fill", "v", "is no 0: float64 comes from the host, which can't be recorded")
		row := make([]float64, min(dst.Len(), 1<<16))
		for i := range row {
			row[i] = v
		}
		for at := 0; at < dst.Len(); at += len(row) {
			n := min(len(row), dst.Len()-at)
			d.Upload(dst.Slice(at, at+n), kernels.Of(row[:n]))
		}
	}
}

func (d *Device) same(op string, dst, src kernels.Buf) {
	if dst.Len() != src.Len() {
		panic(&kernels.ArgError{Op: op, Field: "dst",
			Reason: fmt.Sprintf("has %d elements, the source %d", dst.Len(), src.Len())})
	}
}

// on panics unless the buffers lie on this device.
func (d *Device) on(op string, bufs ...kernels.Buf) {
	for _, b := range bufs {
		if b.Len() == 0 || d.pool.owns(b) {
			continue
		}
		where := "on another device, or was given back"
		if !b.OnDevice() {
			where = "in host memory"
		}
		panic(&kernels.ArgError{Op: op, Field: "operand", Reason: "lies " + where + "; wanted on " + d.name})
	}
}
