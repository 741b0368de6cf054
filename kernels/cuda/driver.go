//go:build cuda || emu

package cuda

import (
	"unsafe"

	"truegrain/kernels"
)

// addr is an address in device memory.
type addr = uintptr

// The handles of a driver; 0 is none, and the stream 0 is never used.
type (
	moduleHandle   uintptr
	functionHandle uintptr
	stream         uintptr
	event          uintptr
	graph          uintptr
)

// driver is what the backend needs of a device. All calls may come from any goroutine. Copies and launches
// are queued on a stream and run later; host memory given to a copy must be of AllocHost and stay as it is
// until then.
type driver interface {
	Info() kernels.Hardware
	Close() error

	Alloc(bytes int) (addr, error) // errors wrap kernels.ErrOutOfMemory
	Free(a addr) error
	AllocHost(bytes int) (unsafe.Pointer, error)
	FreeHost(p unsafe.Pointer) error
	Memory() (free, total int, err error)
	Forget(a addr, bytes int, s stream) // the bytes hold nothing any more: for the emulator's checker

	Load(module string, ptx []byte) (moduleHandle, error) // the error carries the compiler's log
	Function(m moduleHandle, entry string, shared int) (functionHandle, error)
	Launch(l *launch, s stream) error

	TensorMap(m boxes) ([]byte, error)  // 128 bytes, an argument of kernels that fetch boxes
	PatchMap(m patches) ([]byte, error) // the same of kernels that fetch patches

	CopyIn(to addr, from unsafe.Pointer, bytes int, s stream) error
	CopyOut(to unsafe.Pointer, from addr, bytes int, s stream) error
	Copy(to, from addr, bytes int, s stream) error
	Set(to addr, v uint32, size, n int, s stream) error // n values of size 1, 2 or 4

	NewStream() (stream, error)
	FreeStream(s stream) error
	Wait(s stream) error // until everything on it has run; reports what went wrong there
	NewEvent() (event, error)
	FreeEvent(e event) error
	Record(e event, s stream) error
	WaitEvent(e event) error
	After(s stream, e event) error // what comes next on s runs when e has happened
	Elapsed(from, to event) (milliseconds float32, err error)

	BeginCapture(s stream) error // what is queued until EndCapture becomes a graph instead of running
	EndCapture(s stream) (graph, error)
	Replay(g graph, s stream) error
	FreeGraph(g graph) error
}

// boxes describes a row-major matrix of bfloat16, or a batch of them, and the box of it that one copy
// fetches, swizzled by 128 bytes.
type boxes struct {
	of               kernels.Buf
	rows, cols, ld   int // ld elements from one row to the next
	boxRows, boxCols int
	batch            int // matrices, rows·ld elements each; 0: one, and kernels give no third coordinate
}

// rank is how many coordinates a box has.
func (m boxes) rank() int {
	if m.batch > 0 {
		return 3
	}
	return 2
}

// patches describes pictures (n,h,w,c) of bfloat16 and what one copy fetches of them: 64 channels of so many
// positions, swizzled by 128 bytes. Positions go by step from lower to the picture's last pixel + upper, and
// on to the next row and picture; arrays are of columns and rows.
type patches struct {
	of                 kernels.Buf
	n, h, w, c         int
	lower, upper, step [2]int
	positions          int
}

// launch is one kernel call: its arguments in one block, each at its natural alignment.
type launch struct {
	driver      driver
	kernel      *kernel
	function    functionHandle
	grid, block [3]uint32
	shared      int // dynamic shared memory in bytes
	args        []byte
	at          []uint16
	operands    []kernels.Buf // what the pointers among the arguments point at
}
