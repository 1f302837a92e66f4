//go:build amd64 || arm64

package epoll

import (
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is a non-blocking TCP connection. Errors of its methods are
// [unix.Errno]s.
type Socket struct{ fd int }

// Connect begins to connect. The socket's events come out of the loop's Wait
// with the given key; the first one that is writable tells that connecting has
// ended, and [Socket.Err] how. Where stamped, Read says when the kernel got the
// bytes.
func (l *Loop) Connect(to netip.AddrPort, key Key, stamped bool) (Socket, error) {
	family, address := sockaddr(to)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return Socket{}, err
	}
	s := Socket{fd}
	if err := l.begin(s, address, key, stamped); err != nil {
		s.Close()
		return Socket{}, err
	}
	return s, nil
}

func (l *Loop) begin(s Socket, address unix.Sockaddr, key Key, stamped bool) error {
	if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	if stamped {
		s.Stamp()
	}
	if err := unix.Connect(s.fd, address); err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		return err
	}
	return l.add(s.fd, key, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
}

// Stamp makes [Loop.ReadStamped] tell when bytes arrived. Where the kernel
// refuses it, no time is told.
func (s Socket) Stamp() {
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
}

func sockaddr(a netip.AddrPort) (family int, address unix.Sockaddr) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zone(a.Addr())}
}

// zone gives the number of a link-local address's interface, 0 for none.
func zone(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	i, err := net.InterfaceByName(a.Zone())
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}

// Err returns the error that is pending on the socket, nil for none.
func (s Socket) Err() error {
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if code != 0 {
		return unix.Errno(code)
	}
	return nil
}

// Write writes what the socket takes at once: less than all of data, with no
// error, where its buffer is full.
func (s Socket) Write(data []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)), unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
			return 0, nil
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}

// Unread reports, of a socket at the end of what the other side says, that the
// other side had stopped listening before the latest bytes reached it: its
// kernel has refused them and acknowledged none, nobody read any. False does not
// say the opposite.
func (s Socket) Unread(latest int64) bool {
	const closed = 7 // TCP_CLOSE of linux/tcp_states.h: a reset followed the end
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || info.State != closed {
		return false
	}
	unacknowledged, err := unix.IoctlGetInt(s.fd, unix.SIOCOUTQ)
	return err == nil && int64(unacknowledged) >= latest
}

// Close closes the socket.
func (s Socket) Close() { unix.Close(s.fd) }
