//go:build linux

package faults

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// quiet is the log of servers whose clients are expected to complain.
var quiet = log.New(io.Discard, "", 0)

// httptestConn is a connection that a handler has taken.
type httptestConn struct {
	net.Conn
	buffered *bufio.ReadWriter
}

// say writes raw bytes.
func (c *httptestConn) say(text string) { io.WriteString(c, text) }

// reset closes with a reset.
func (c *httptestConn) reset() { c.Conn.(*net.TCPConn).SetLinger(0) }

// silence never answers. A server sees that its client is gone once it has read
// what that sent.
func silence(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// dribble answers a byte a second, for as long as the client wants.
func dribble(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		io.WriteString(w, " ")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// flood writes a text again and again until the client is gone, or 4 GiB were
// sent.
func flood(w io.Writer, text string) {
	for sent := 0; sent < 4<<30; sent += len(text) {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
	}
}

// bounded fails where a command needed more memory than it may.
func bounded(t *testing.T, p *process) {
	t.Helper()
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok || usage.Maxrss>>10 > 512 {
		t.Errorf("%d MB of memory", usage.Maxrss>>10)
	}
}

// small fails where the action needed more memory than a runner has to spare.
func small(t *testing.T, j *job) {
	t.Helper()
	if j.peak > 512<<20 {
		t.Errorf("%d MB of memory", j.peak>>20)
	}
}

// twoJobs runs a job twice at once, so that both find no comment.
func twoJobs(t *testing.T, b *bed) ending {
	t.Helper()
	j := newJob(t, b)
	var there atomic.Int64
	met := make(chan struct{})
	j.breaks = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Path != "/graphql" {
			if there.Add(1) == 2 {
				close(met)
			}
			<-met
		}
		return false
	}
	other := *j
	first, second := j.begin(t), other.begin(t)
	e, o := j.ended(t, first), other.ended(t, second)
	if e.exit != o.exit {
		t.Errorf("one exits with %d, the other with %d", e.exit, o.exit)
	}
	return e
}
