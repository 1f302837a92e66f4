//go:build unix

package loader

import (
	"crypto/tls"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// isStale reports whether the other side has ended an idle connection, or has
// said on it what nobody asked for. TLS may say things of its own: tickets, but
// also that it ends, before the connection does.
func isStale(c net.Conn, secured bool) bool {
	stale := false
	control(c, func(fd int) {
		var one [1]byte
		n, _, err := unix.Recvfrom(fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN, err == unix.EINTR:
		case err != nil, n == 0:
			stale = true
		default:
			stale = !secured || isEnded(fd)
		}
	})
	return stale
}

// control calls f with a connection's descriptor, also below the TLS of a proxy.
func control(c net.Conn, f func(fd int)) {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
