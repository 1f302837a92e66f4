// Package epoll moves bytes over many TCP connections from one thread: Linux's
// epoll, non-blocking sockets, the kernel's own times of arrival.
//
// It knows no HTTP and no load. A [Loop] belongs to one goroutine that is
// locked to its thread; only [Loop.Wake] may be called from elsewhere.
//
// System calls go past the Go scheduler (RawSyscall), the waits included:
// telling it about each makes its monitor thread wake up thousands of times a
// second, which costs more than the requests. So a waiting loop keeps its
// processor (GOMAXPROCS), and its owner must leave others one more. The garbage
// collector is not held up: it interrupts a wait by a signal, and the wait
// returns early.
//
// Events are edge-triggered: whoever is told that a socket can be read must
// read until [Loop.Read] returns less than [BufferSize] bytes, or remember to
// come back.
package epoll
