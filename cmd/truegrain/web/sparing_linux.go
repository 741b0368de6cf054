package web

import (
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// sparing is a listener whose connections can lose bytes.
func sparing(l net.Listener) net.Listener { return sparingListener{l} }

// dropped waits for bytes and drops up to n of them; it says how many.
func dropped(c *net.TCPConn, n int) (got int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	e := raw.Read(func(fd uintptr) bool {
		for {
			// TCP drops what it would copy
			if got, _, err = unix.Recvfrom(int(fd), nowhere[:n],
				unix.MSG_TRUNC|unix.MSG_DONTWAIT); err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	switch {
	case e != nil:
		return 0, e
	case err != nil:
		return 0, os.NewSyscallError("recvfrom", err)
	case got == 0:
		return 0, io.EOF
	}
	return got, nil
}
