//go:build !linux

package web

import "net"

// sparing leaves a listener as it is: only Linux drops bytes without copying them.
func sparing(l net.Listener) net.Listener { return l }

func dropped(c *net.TCPConn, n int) (int, error) { return c.Read(nowhere[:n]) }
