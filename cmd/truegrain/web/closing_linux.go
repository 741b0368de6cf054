package web

import (
	"cmp"
	"fmt"
	"net"
	"os"
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
// filter is closed without, and the error says why it took none.
func refuseNew(l net.Listener) (waiting func() int, err error) {
	s, ok := l.(syscall.Conn)
	if !ok {
		return func() int { return 0 }, fmt.Errorf("%T is no socket of the system", l)
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return func() int { return 0 }, err
	}
	filter := func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(onlyEstablished)), Filter: &onlyEstablished[0]})
	}
	if e := raw.Control(filter); e != nil || err != nil {
		err = os.NewSyscallError("setsockopt SO_ATTACH_FILTER", cmp.Or(e, err))
	}
	return func() (n int) {
		_ = raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil {
				n = int(info.Unacked) // of a listener, this is how many wait to be accepted
			}
		})
		return n
	}, err
}
