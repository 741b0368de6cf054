//go:build !linux

package web

import "net"

// refuseNew is nothing here: who connects while the listener closes is reset.
func refuseNew(net.Listener) (waiting func() int, err error) { return func() int { return 0 }, nil }
