// Package epoll moves bytes over many TCP connections from one thread: Linux's
// epoll, non-blocking sockets, the kernel's own times of arrival.
//
// It knows no HTTP and no load. A [Loop] belongs to one goroutine that is
// locked to its thread; only [Loop.Wake] may be called from elsewhere.
//
// System calls that cannot block go past the Go scheduler (RawSyscall): telling
// it about each would cost up to five context switches for a request. A wait
// does so only while it is short, so that an idle loop leaves its processor to
// other goroutines. The garbage collector is not held up either way: it
// interrupts a wait by a signal, and the wait then returns early.
//
// Events are edge-triggered: whoever is told that a socket can be read must
// read until [Loop.Read] returns less than [BufferSize] bytes, or remember to
// come back.
package epoll
