package loader

import (
	"net"

	"golang.org/x/sys/unix"
)

// isUnread reports, of a connection at the end of what the other side says,
// that the other side had stopped listening before the last write reached it:
// its kernel has refused those bytes, nobody read them. False does not say the
// opposite.
func isUnread(c net.Conn) bool {
	const closed = 7 // TCP_CLOSE of linux/tcp_states.h: a reset followed the end
	unread := false
	control(c, func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		unread = err == nil && info.State == closed
	})
	return unread
}
