package cpu

import (
	"syscall"
	"unsafe"
)

// hugeBytes is the size of memory from which on it is asked to lie on huge pages: in pages of 4 KiB a pass
// over large operands waits for address translations, a third of its time; less memory has few whole huge
// pages inside.
const hugeBytes = 4 << 20

// onHugePages asks the system to put memory, which nobody has touched yet, on huge pages. It may refuse.
func onHugePages(x []float32) {
	if 4*cap(x) < hugeBytes {
		return
	}
	m := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*cap(x))
	page := syscall.Getpagesize()
	m = m[-int(uintptr(unsafe.Pointer(&m[0])))&(page-1):]
	syscall.Madvise(m[:len(m)&^(page-1)], syscall.MADV_HUGEPAGE) //nolint:errcheck // it is advice
}
