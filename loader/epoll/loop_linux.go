//go:build amd64 || arm64

package epoll

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// BufferSize is the most that one Read returns.
	BufferSize = 64 << 10
	// Batch is how many events one Wait takes in at most.
	Batch = 256
)

// Key is what an owner knows its socket by. Keys of closed sockets may still
// come out of events that were taken in before.
type Key struct {
	Index      int32
	Generation int32
}

// woken is the key of Wake's own descriptor.
var woken = Key{Index: -1}

// Event says what has become possible on a socket.
type Event struct {
	Key
	Readable bool // bytes, the end, or an error can be read
	Writable bool
	HungUp   bool // the other side has sent its last byte, or the connection is broken
}

// Loop waits for the sockets of one thread.
type Loop struct {
	fd, wake int
	events   [Batch]unix.EpollEvent
	count    int
	timeout  unix.Timespec
	receiver receiver

	mu     sync.Mutex // of Wake against Close
	closed bool
}

// New opens a loop. It fails where the kernel is older than Linux 5.11, which
// brought waits of less than a millisecond, and where a sandbox forbids them.
func New() (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open an epoll descriptor: %w", err)
	}
	l := &Loop{fd: fd, wake: -1}
	l.receiver.init()
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		l.Close()
		return nil, fmt.Errorf("open an event descriptor: %w", err)
	}
	if err := l.add(l.wake, woken, unix.EPOLLIN|unix.EPOLLET); err != nil {
		l.Close()
		return nil, fmt.Errorf("watch an event descriptor: %w", err)
	}
	if _, errno := l.poll(0); errno != 0 {
		l.Close()
		return nil, fmt.Errorf("wait with epoll_pwait2: %w", errno)
	}
	return l, nil
}

// Close closes the loop. Its sockets are not closed.
func (l *Loop) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	unix.Close(l.fd)
	if l.wake >= 0 {
		unix.Close(l.wake)
	}
}

func (l *Loop) add(fd int, key Key, events uint32) error {
	return unix.EpollCtl(l.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: key.Index, Pad: key.Generation})
}

// Wake makes the current or the next Wait return. It may be called from any
// goroutine, also after Close.
func (l *Loop) Wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return // another file may have the descriptor's number by now
	}
	one := [8]byte{1}
	_, _ = unix.Write(l.wake, one[:]) // full only where it is going to wake anyway
}

// Wait waits until something happens on a socket, Wake is called, or d is
// over, whichever is first, and returns how many events there are. It may
// return early without any.
func (l *Loop) Wait(d time.Duration) int {
	l.count, _ = l.poll(max(d, 0))
	return l.count
}

func (l *Loop) poll(d time.Duration) (int, unix.Errno) {
	l.timeout = unix.NsecToTimespec(int64(d))
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(l.fd), uintptr(unsafe.Pointer(&l.events[0])), Batch, uintptr(unsafe.Pointer(&l.timeout)), 0, 0)
	switch errno {
	case 0:
		return int(n), 0
	case unix.EINTR: // a signal of the Go runtime's
		return 0, 0
	}
	return 0, errno
}

// Event returns the event i of the last Wait, and false for a call of Wake.
func (l *Loop) Event(i int) (Event, bool) {
	e := &l.events[i]
	key := Key{e.Fd, e.Pad}
	if key == woken {
		var count [8]byte
		_, _ = unix.Read(l.wake, count[:])
		return Event{}, false
	}
	return Event{
		Key:      key,
		Readable: e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
		Writable: e.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0,
		HungUp:   e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
	}, true
}

// Nap sleeps d or less without looking at the sockets.
func (l *Loop) Nap(d time.Duration) {
	l.timeout = unix.NsecToTimespec(int64(max(d, 0)))
	unix.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0, uintptr(unsafe.Pointer(&l.timeout)), 0, 0, 0)
}
