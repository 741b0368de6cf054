package state

import (
	"os"
	"syscall"
	"unsafe"
)

// forget takes the whole pages of mapped memory out of the process; a read brings them back from the file.
func forget(data []byte) {
	page := uintptr(os.Getpagesize())
	at := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	skip := int(-at & (page - 1))
	if n := (len(data) - skip) &^ int(page-1); n > 0 {
		syscall.Madvise(data[skip:skip+n], syscall.MADV_DONTNEED) //nolint:errcheck // it is advice
	}
}
