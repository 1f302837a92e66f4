package loader

import "golang.org/x/sys/unix"

// isEnded reports whether the other side has said its last byte.
func isEnded(fd int) bool {
	const established = 4 // TCPS_ESTABLISHED of netinet/tcp_fsm.h
	info, err := unix.GetsockoptTCPConnectionInfo(fd, unix.IPPROTO_TCP, unix.TCP_CONNECTION_INFO)
	return err == nil && info.State != established
}
