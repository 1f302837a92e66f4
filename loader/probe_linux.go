package loader

import (
	"crypto/tls"
	"net"

	"golang.org/x/sys/unix"
)

// isUnread reports, of a connection at the end of what the other side says,
// that the other side had stopped listening before the latest bytes reached it:
// its kernel has refused them and acknowledged none, nobody read any. False does
// not say the opposite.
func isUnread(c net.Conn, latest int64) bool {
	if _, secured := c.(*tls.Conn); secured {
		return false // to a proxy: TLS makes more of the bytes
	}
	const closed = 7 // TCP_CLOSE of linux/tcp_states.h: a reset followed the end
	unread := false
	control(c, func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.State != closed {
			return
		}
		unacknowledged, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		unread = err == nil && int64(unacknowledged) >= latest
	})
	return unread
}

// isEnded reports whether the other side has said its last byte.
func isEnded(fd int) bool {
	const established = 1 // TCP_ESTABLISHED of linux/tcp_states.h
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && info.State != established
}
