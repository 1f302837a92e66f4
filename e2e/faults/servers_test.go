//go:build linux

package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// server speaks HTTP/1.1 by hand on a loopback port, so that it can break it
// anywhere.
type server struct {
	url      string
	listener net.Listener
	requests atomic.Int64
	answer   func(s *server, c net.Conn, n int64) bool

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// whole is a good answer.
const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// good answers well.
func good(_ *server, c net.Conn, _ int64) bool {
	_, err := io.WriteString(c, whole)
	return err == nil
}

// after answers well until the n-th request, then otherwise.
func after(n int64, then func(s *server, c net.Conn, n int64) bool) func(*server, net.Conn, int64) bool {
	return func(s *server, c net.Conn, i int64) bool {
		if i <= n {
			return good(s, c, i)
		}
		return then(s, c, i)
	}
}

// says writes a text and tells whether the connection stays.
func says(text string, stays bool) func(*server, net.Conn, int64) bool {
	return func(_ *server, c net.Conn, _ int64) bool {
		_, err := io.WriteString(c, text)
		return err == nil && stays
	}
}

// serve starts a server on a free loopback port. Its answer gets the number of
// the request, from 1, and tells whether the connection stays open.
func serve(t *testing.T, answer func(s *server, c net.Conn, n int64) bool) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveAt(t, l, answer)
}

func serveAt(t *testing.T, l net.Listener, answer func(s *server, c net.Conn, n int64) bool) *server {
	t.Helper()
	s := &server{url: "http://" + l.Addr().String(), listener: l, answer: answer, conns: map[net.Conn]bool{}}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.keep(c)
			done.Go(func() { s.talk(c) })
		}
	})
	t.Cleanup(func() {
		s.close()
		done.Wait()
	})
	return s
}

func (s *server) keep(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = true
}

// talk answers what comes on a connection.
func (s *server) talk(c net.Conn) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
		c.Close()
	}()
	r := bufio.NewReader(c)
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, request.Body)
		if !s.answer(s, c, s.requests.Add(1)) {
			return
		}
	}
}

// close refuses whatever comes, and ends what is there.
func (s *server) close() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

// reset ends a connection by RST instead of FIN.
func reset(c net.Conn) bool {
	c.(*net.TCPConn).SetLinger(0)
	return false
}

// plan is an SLO file with one stage, which is never loaded once more: what
// breaks for a moment does so once.
type plan struct {
	target     string
	http       string // defaults of every step; empty: a timeout of a second
	more       string // further keys of the file
	warmUp     string // the keys of a stage before, which is not judged; empty: none
	stage      string // the keys of the stage
	objectives []string
}

// steady is a file with a stage at 100/s for 3 s that fails on errors.
func steady(target string) plan {
	return plan{target: target, stage: "rate: 100/s, duration: 3s", objectives: []string{"success_rate >= 99%"}}
}

// counted is steady with workers who wait for answers: where time does not
// matter, neither does how busy this machine is.
func counted(target string) plan {
	p := steady(target)
	p.stage = "requests: 300, workers: 4"
	return p
}

func (p plan) String() string {
	if p.http == "" {
		p.http = "timeout: 1s"
	}
	var text strings.Builder
	text.WriteString(fmt.Sprintf("version: 1\nconfirm: off\ntarget: %s\nhttp: {%s}\nscenarios:\n  - request: GET /\n%sstages:\n", p.target, p.http, p.more))
	if p.warmUp != "" {
		text.WriteString("  - {name: warm-up, judge: false, " + p.warmUp + "}\n")
	}
	text.WriteString("  - {name: steady, " + p.stage + "}\nobjectives:\n")
	for _, o := range p.objectives {
		text.WriteString("  - " + o + "\n")
	}
	return text.String()
}
