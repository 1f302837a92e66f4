//go:build amd64 || arm64

package epoll

import (
	"io"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver is what one recvmsg call needs. The kernel reads pointers in it, so
// it lies in the loop and not on a stack.
type receiver struct {
	buffer  [BufferSize]byte
	control [8]uint64 // aligned as control messages are
	part    unix.Iovec
	message unix.Msghdr
}

func (r *receiver) init() {
	r.part.Base = &r.buffer[0]
	r.part.SetLen(len(r.buffer))
	r.message.Iov = &r.part
	r.message.SetIovlen(1)
	r.message.Control = (*byte)(unsafe.Pointer(&r.control))
}

// Read reads at most BufferSize bytes, which stay valid until the next Read of
// the loop: none, with no error, where there is nothing to read now, [io.EOF]
// where the other side has sent its last byte.
func (l *Loop) Read(s Socket) ([]byte, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(&l.receiver.buffer[0])), BufferSize, 0, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		return l.received(int(n), errno)
	}
}

// ReadStamped is Read for a stamped socket: arrived is when the kernel got the
// last of the bytes, in nanoseconds of the wall clock since 1970, 0 where it
// does not tell.
func (l *Loop) ReadStamped(s Socket) (data []byte, arrived int64, err error) {
	r := &l.receiver
	for {
		r.message.SetControllen(int(unsafe.Sizeof(r.control)))
		n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&r.message)), 0)
		if errno == unix.EINTR {
			continue
		}
		data, err = l.received(int(n), errno)
		if len(data) > 0 {
			arrived = r.stamp()
		}
		return data, arrived, err
	}
}

func (l *Loop) received(n int, errno unix.Errno) ([]byte, error) {
	switch {
	case errno == unix.EAGAIN:
		return nil, nil
	case errno != 0:
		return nil, errno
	case n == 0:
		return nil, io.EOF
	}
	return l.receiver.buffer[:n], nil
}

// stamped is the control message that tells a time.
type stamped struct {
	head unix.Cmsghdr
	time unix.Timespec
}

// stamp finds the time in what came beside the bytes: one SCM_TIMESTAMPNS
// message, which is a timespec.
func (r *receiver) stamp() int64 {
	got := (*stamped)(unsafe.Pointer(&r.control))
	if uintptr(r.message.Controllen) < unsafe.Sizeof(*got) {
		return 0
	}
	if got.head.Level != unix.SOL_SOCKET || got.head.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	return got.time.Nano()
}
