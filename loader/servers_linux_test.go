package loader

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// systemServers are servers that need what only this system has.
func systemServers(t testing.TB) []server {
	return []server{{name: "accepts nothing", url: "http://" + crowded(t), want: result.Timeout}}
}

// crowded is an address whose queue of connections is full and stays so: the
// system drops what a client sends to open another.
func crowded(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	socket, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	// A second listen changes the length of the queue, to the least there is.
	if err := errors.Join(socket.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }), err); err != nil {
		t.Fatal(err)
	}
	for range 16 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
		cancel()
		if err != nil {
			return l.Addr().String()
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the queue takes any number of connections")
	return ""
}

// openFiles counts the descriptors of this process.
func openFiles(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
