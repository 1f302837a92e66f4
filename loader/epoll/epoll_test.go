//go:build linux && (amd64 || arm64)

package epoll

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(l.Close)
	return l
}

// listen returns a listener and its address.
func listen(t *testing.T, network, address string) (net.Listener, netip.AddrPort) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, l.Addr().(*net.TCPAddr).AddrPort()
}

// next waits for an event of a socket.
func next(t *testing.T, l *Loop, is func(Event) bool) Event {
	t.Helper()
	for range 1000 {
		for i := range l.Wait(10 * time.Millisecond) {
			if e, ok := l.Event(i); ok && is(e) {
				return e
			}
		}
	}
	t.Fatal("no such event")
	return Event{}
}

func writable(e Event) bool { return e.Writable }
func readable(e Event) bool { return e.Readable }

// connected returns a connected socket and the other side.
func connected(t *testing.T, l *Loop, network, address string, stamped bool) (Socket, net.Conn) {
	t.Helper()
	listener, to := listen(t, network, address)
	key := Key{Index: 3, Generation: 7}
	s, err := l.Connect(to, key, stamped)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if e := next(t, l, writable); e.Key != key || s.Err() != nil {
		t.Fatalf("event %+v, error %v", e, s.Err())
	}
	c, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return s, c
}

func TestBytesGoBothWays(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l := newLoop(t)
		s, peer := connected(t, l, "tcp", address, false)
		if n, err := s.Write([]byte("question")); n != 8 || err != nil {
			t.Fatal(n, err)
		}
		got := make([]byte, 8)
		if _, err := io.ReadFull(peer, got); err != nil || string(got) != "question" {
			t.Fatalf("%q, %v", got, err)
		}
		if data, err := l.Read(s); len(data) > 0 || err != nil {
			t.Fatalf("%q, %v before anything came", data, err)
		}
		io.WriteString(peer, "answer")
		next(t, l, readable)
		if data, err := l.Read(s); string(data) != "answer" || err != nil {
			t.Fatalf("%q, %v", data, err)
		}
		peer.Close()
		if e := next(t, l, readable); !e.HungUp {
			t.Errorf("%+v at the end", e)
		}
		if data, err := l.Read(s); len(data) > 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%q, %v at the end", data, err)
		}
	}
}

// The kernel's time of arrival lies between the moments around it.
func TestStampIsTheArrival(t *testing.T) {
	l := newLoop(t)
	s, peer := connected(t, l, "tcp", "127.0.0.1:0", true)
	before := time.Now().UnixNano()
	io.WriteString(peer, "answer")
	next(t, l, readable)
	arrived := time.Now().UnixNano()
	data, at, err := l.ReadStamped(s)
	if string(data) != "answer" || err != nil {
		t.Fatalf("%q, %v", data, err)
	}
	// The kernel switches its stamps on in the background: the first may lack.
	if at != 0 && (at < before || at > arrived) {
		t.Errorf("arrived at %d, between %d and %d", at, before, arrived)
	}
	if data, _, err := l.ReadStamped(s); len(data) > 0 || err != nil {
		t.Errorf("%q, %v again", data, err)
	}
}

func TestRefusedAndReset(t *testing.T) {
	l := newLoop(t)
	listener, to := listen(t, "tcp", "127.0.0.1:0")
	listener.Close()
	s, err := l.Connect(to, Key{}, false)
	if err == nil {
		next(t, l, writable)
		err = s.Err()
		s.Close()
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
	s, peer := connected(t, l, "tcp", "127.0.0.1:0", false)
	peer.(*net.TCPConn).SetLinger(0)
	peer.Close()
	next(t, l, readable)
	if _, err := l.Read(s); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
}

// A full connection takes what fits, and says when it takes more.
func TestWriteUntilFull(t *testing.T) {
	l := newLoop(t)
	s, peer := connected(t, l, "tcp", "127.0.0.1:0", false)
	block := []byte(strings.Repeat("x", 1<<20))
	sent := 0
	for {
		n, err := s.Write(block)
		if err != nil {
			t.Fatal(err)
		}
		if sent += n; n < len(block) {
			break
		}
	}
	read := make(chan int64)
	go func() { n, _ := io.CopyN(io.Discard, peer, int64(sent)); read <- n }()
	next(t, l, writable)
	if n := <-read; n != int64(sent) {
		t.Errorf("%d of %d bytes came", n, sent)
	}
}

// A request that met a closed socket was read by nobody, unlike one that the
// other side closed the socket on.
func TestUnread(t *testing.T) {
	const earlier, question = "earlier", 1 << 20
	tests := map[string]struct {
		closes bool // before the question comes
		reads  int64
		want   bool
	}{
		"nothing came":       {closes: true, want: true},
		"it came, unread":    {},
		"its beginning came": {reads: 1},
		"a large part of it": {reads: question / 8},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			s, conn := connected(t, l, "tcp", "127.0.0.1:0", false)
			peer := conn.(*net.TCPConn)
			if _, err := s.Write([]byte(earlier)); err != nil {
				t.Fatal(err)
			}
			io.CopyN(io.Discard, peer, int64(len(earlier)))
			if test.closes {
				peer.Close()
				next(t, l, readable)
			}
			if s.Unread(0) {
				t.Error("unread before it is written")
			}
			n, err := s.Write(make([]byte, question))
			if err != nil {
				t.Fatal(err)
			}
			io.CopyN(io.Discard, peer, test.reads)
			peer.CloseWrite() // what it says ends before the socket does
			peer.Close()
			for range 1000 {
				if s.Err() != nil {
					break
				}
				l.Wait(10 * time.Millisecond)
			}
			if _, err := l.Read(s); !errors.Is(err, io.EOF) {
				t.Errorf("what it says ends in %v", err)
			}
			if got := s.Unread(int64(n)); got != test.want {
				t.Errorf("unread %v, want %v", got, test.want)
			}
		})
	}
}

func TestWakeEndsAWait(t *testing.T) {
	l := newLoop(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; n == 0; {
			n = l.Wait(time.Hour)
		}
		if _, ok := l.Event(0); ok {
			t.Error("a wake is an event of a socket")
		}
	}()
	l.Wake()
	<-done
	if n := l.Wait(0); n != 0 {
		t.Errorf("%d events after the wake", n)
	}
	l.Close()
	l.Close()
	l.Wake() // must touch nothing
}
