//go:build !unix

package main

import (
	"fmt"
	"os"
)

func limitFiles(string) {
	fmt.Fprintln(os.Stderr, "can't limit files on this system")
	os.Exit(1)
}
