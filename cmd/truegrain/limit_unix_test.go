//go:build unix

package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// limitFiles makes writing beyond so many bytes of one file fail, as it does on a full disk.
func limitFiles(limit string) {
	n, err := strconv.ParseUint(limit, 10, 64)
	if err == nil {
		signal.Ignore(syscall.SIGXFSZ)
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "can't limit files:", err)
		os.Exit(1)
	}
}
