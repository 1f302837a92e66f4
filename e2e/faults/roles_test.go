//go:build linux

package faults

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// playRole is the main function of a process that a row starts: this test
// binary with FAULTS_ROLE in its environment. It returns for no role.
func playRole(role string) {
	name, value, _ := strings.Cut(role, " ")
	switch name {
	case "service": // service ADDRESS: answers well; GET /die?after=N kills it
		serveUntilKilled(value)
	default:
		fmt.Fprintf(os.Stderr, "no role %q\n", role)
	}
	os.Exit(2)
}

// serveUntilKilled is a service that can be asked to kill itself at the n-th
// request from then.
func serveUntilKilled(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(l.Addr())
	var left atomic.Int64
	left.Store(-1)
	http.Serve(l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/die" {
			n, _ := strconv.ParseInt(r.FormValue("after"), 10, 64)
			left.Store(n)
			return
		}
		if left.Add(-1) == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}))
}

// service is a service in a process of its own.
type service struct {
	cmd     *exec.Cmd
	address string
	ended   chan struct{}
}

func (s *service) url() string { return "http://" + s.address }

// launch starts the service. It ends with the test, also where it is stopped.
func launch(t *testing.T, address string) *service {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{cmd: exec.Command(self), ended: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), "FAULTS_ROLE=service "+address)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s.address = strings.TrimSpace(line)
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.ended
	})
	return s
}

// unused is an address that nothing listens at, of no port that the system gives
// to whoever asks for any: no other row comes by it meanwhile.
func unused(t *testing.T) string {
	t.Helper()
	const first, ephemeral = 10000, 32768
	for {
		address := fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(ephemeral-first))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
}

// dieAfter lets the service kill itself at the n-th request from now.
func (s *service) dieAfter(t *testing.T, n int) {
	t.Helper()
	r, err := http.Get(fmt.Sprintf("%s/die?after=%d", s.url(), n))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
}

// pause lets a process stand still for a time.
func pause(t *testing.T, p *os.Process, d time.Duration) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Error(err)
	}
	time.Sleep(d) // the fault itself, no synchronisation
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Error(err)
	}
}
