package web

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// onlyEstablished is a filter of a listener's packets (classic BPF): what asks for a new connection is
// dropped, SYN without ACK, as if it had been lost on its way. Whoever asked asks again a second later and is
// then refused, or answered by the next server on this port.
var onlyEstablished = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13}, // the flags of the TCP header
	{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x02, Jt: 0, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xFFFF},
}

// refuseNew lets nobody new connect to a listener, which otherwise resets those whom the system has connected
// and nobody has accepted when it closes. A listener that takes no filter is closed without.
func refuseNew(l net.Listener) {
	s, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(onlyEstablished)), Filter: &onlyEstablished[0]})
	})
}
