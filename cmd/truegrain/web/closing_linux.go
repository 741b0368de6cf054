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
// and nobody has accepted when it closes. It gives a way to ask how many these are. A listener that takes no
// filter is closed without.
func refuseNew(l net.Listener) (waiting func() int) {
	var raw syscall.RawConn
	if s, ok := l.(syscall.Conn); ok {
		raw, _ = s.SyscallConn() // it is there as long as the listener is
	}
	if raw == nil {
		return func() int { return 0 }
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(onlyEstablished)), Filter: &onlyEstablished[0]})
	})
	return func() (n int) {
		_ = raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil {
				n = int(info.Unacked) // of a listener, this is how many wait to be accepted
			}
		})
		return n
	}
}
