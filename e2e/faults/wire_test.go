//go:build linux

package faults

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The addresses at both ends of a lab's wire.
const (
	clientAddress = "10.231.0.1"
	serverAddress = "10.231.0.2"
	clientIPv6    = "fd00:231::1"
	serverIPv6    = "fd00:231::2"
)

// lab is two network namespaces and a wire between them: slogate runs in the
// one, the service listens in the other. The wire is two TUN devices, whose
// packets this process carries from one to the other, or spoils: all that netem
// does, on kernels that lack it, too.
type lab struct {
	client, server string
	wire           *wire
}

// labs numbers the namespaces of this process.
var labs atomic.Int64

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for network namespaces")
	}
	name := fmt.Sprintf("slogate-%d-%d", os.Getpid(), labs.Add(1))
	l := &lab{client: name + "c", server: name + "s", wire: &wire{}}
	for i, end := range []struct{ ns, v4, v6 string }{{l.client, clientAddress, clientIPv6}, {l.server, serverAddress, serverIPv6}} {
		must(t, "ip", "netns", "add", end.ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", end.ns).Run() })
		var err error
		inside(t, end.ns, func() { l.wire.ends[i], err = openTUN("wire") })
		if err != nil {
			t.Fatalf("open a TUN device: %v", err)
		}
		must(t, "ip", "-n", end.ns, "link", "set", "lo", "up")
		must(t, "ip", "-n", end.ns, "address", "add", end.v4+"/24", "dev", "wire")
		must(t, "ip", "-n", end.ns, "address", "add", end.v6+"/64", "dev", "wire", "nodad")
		must(t, "ip", "-n", end.ns, "link", "set", "wire", "up")
	}
	l.wire.start(t)
	return l
}

// in is what starts a program in a namespace.
func in(ns string) []string { return []string{"nsenter", "--net=/run/netns/" + ns, "--"} }

// serve starts a server in the lab's server namespace.
func (l *lab) serve(t *testing.T, address string, answer func(s *server, c net.Conn, n int64) bool) *server {
	t.Helper()
	var listener net.Listener
	var err error
	inside(t, l.server, func() { listener, err = net.Listen("tcp", net.JoinHostPort(address, "8000")) })
	if err != nil {
		t.Fatal(err)
	}
	return serveAt(t, listener, answer)
}

// inside runs a function in a network namespace. What it opens stays there.
func inside(t *testing.T, ns string, do func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		f, err := os.Open("/run/netns/" + ns)
		if err == nil {
			err = errors.Join(unix.Setns(int(f.Fd()), unix.CLONE_NEWNET), f.Close())
		}
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func openTUN(name string) (io.ReadWriteCloser, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

func must(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// wire carries packets between its ends.
type wire struct {
	ends  [2]io.ReadWriteCloser
	spoil atomic.Pointer[effects] // nil: none
}

// effects are what a wire does to each packet, in both directions.
type effects struct {
	loss, twice, corrupt float64       // shares of the packets
	delay, jitter        time.Duration // jitter lets packets overtake each other
	rate                 float64       // bytes a second; 0: any
	most                 int           // bytes of a packet, longer ones vanish; 0: any
}

// queue is how much of a wire of limited rate waits before packets are dropped.
const queue = 500 * time.Millisecond

func (w *wire) start(t *testing.T) {
	var done sync.WaitGroup
	for i := range w.ends {
		done.Go(func() { w.carry(w.ends[i], w.ends[1-i], rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	t.Cleanup(func() {
		for _, end := range w.ends {
			end.Close()
		}
		done.Wait()
	})
}

// carry takes packets from one end to the other until the first is closed.
func (w *wire) carry(from io.Reader, to io.Writer, r *rand.Rand) {
	free := time.Now() // when the wire has carried what waits
	for {
		packet := make([]byte, 65536)
		n, err := from.Read(packet)
		if err != nil {
			return
		}
		packet = packet[:n]
		e := w.spoil.Load()
		if e == nil {
			to.Write(packet)
			continue
		}
		if r.Float64() < e.loss || e.most > 0 && n > e.most {
			continue
		}
		if r.Float64() < e.corrupt {
			packet[n-1] ^= 0xff // payload, or the last option of a header
		}
		delay := e.delay + time.Duration(r.Float64()*float64(e.jitter))
		if e.rate > 0 {
			if now := time.Now(); free.Before(now) {
				free = now
			}
			wait := time.Until(free)
			if wait > queue {
				continue
			}
			free = free.Add(time.Duration(float64(n) / e.rate * float64(time.Second)))
			delay += wait
		}
		times := 1
		if r.Float64() < e.twice {
			times = 2
		}
		time.AfterFunc(delay, func() {
			for range times {
				to.Write(packet)
			}
		})
	}
}
