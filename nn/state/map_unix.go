//go:build unix

package state

import (
	"fmt"
	"os"
	"syscall"
)

func mapMemory(f *os.File, n int) ([]byte, func() error, error) {
	data, err := syscall.Mmap(int(f.Fd()), 0, n, syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s: %w", f.Name(), err)
	}
	return data, func() error { return syscall.Munmap(data) }, nil
}
