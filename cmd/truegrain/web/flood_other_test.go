//go:build !linux

package web

import "errors"

// floods needs what Linux has.
func floods(string) error { return errors.New("clients that cost little are made for Linux only") }
