//go:build linux

package faults

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func processFaults() []fault {
	cancelled := outcome{130, "inconclusive", allFiles}
	// signalled sends signals in the middle of a stage.
	signalled := func(all ...syscall.Signal) func(*testing.T, *bed) ending {
		return func(t *testing.T, b *bed) ending {
			loaded := make(chan struct{})
			s := serve(t, func(s *server, c net.Conn, n int64) bool {
				if n == 50 {
					close(loaded)
				}
				return good(s, c, n)
			})
			p := b.load(t, endless(s.url))
			<-loaded
			for _, signal := range all {
				p.signal(t, signal)
			}
			return p.wait(t)
		}
	}
	// again sends a signal while the service hangs, until the process has ended:
	// the second one counts when the first has arrived.
	again := func(signal syscall.Signal) func(*testing.T, *bed) ending {
		return func(t *testing.T, b *bed) ending {
			asked := make(chan struct{})
			s := serve(t, func(_ *server, _ net.Conn, n int64) bool {
				if n == 5 {
					close(asked)
				}
				return true
			})
			plan := endless(s.url)
			plan.http = "timeout: 1h"
			p := b.load(t, plan)
			<-asked
			p.signal(t, signal)
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					p.signal(t, signal)
				case <-p.ended:
					return p.wait(t)
				}
			}
		}
	}
	return []fault{
		{
			group: "process", name: "SIGTERM in a stage", want: cancelled,
			inject: signalled(syscall.SIGTERM), says: []string{"cancelled"},
		},
		{
			group: "process", name: "SIGINT (Ctrl-C) in a stage", want: cancelled,
			inject: signalled(syscall.SIGINT), says: []string{"cancelled"},
		},
		{
			group: "process", name: "SIGHUP (the terminal is closed) in a stage", want: cancelled,
			inject: signalled(syscall.SIGHUP), says: []string{"cancelled"},
		},
		{
			group: "process", name: "SIGTERM while the service hangs, and once more: it ends at once", want: outcome{killed, "", noFiles},
			inject: again(syscall.SIGTERM), says: []string{"slo: http://"},
		},
		{
			group: "process", name: "SIGHUP while the service hangs, and once more by the shell of the terminal", want: cancelled,
			inject: again(syscall.SIGHUP), says: []string{"cancelled"},
		},
		{
			group: "process", name: "SIGTERM or SIGINT at 20 random moments, from the start to the writing", want: outcome{130, "inconclusive", allFiles},
			inject: func(t *testing.T, b *bed) ending { return b.cancelAnywhere(t) },
			says:   []string{"cancelled"},
		},
		{
			group: "process", name: "SIGKILL at 15 random moments of the whole run and 30 of the writing", want: outcome{killed, "pass", allFiles},
			inject: func(t *testing.T, b *bed) ending { return b.killAnywhere(t) },
			says:   []string{"slo: http://"},
		},
		{
			group: "process", name: "stands still for 2 s in a stage (SIGSTOP, a laptop that sleeps)", want: outcome{3, "inconclusive", allFiles},
			inject: func(t *testing.T, b *bed) ending {
				middle := make(chan struct{})
				s := serve(t, func(s *server, c net.Conn, n int64) bool {
					if n == 100 {
						close(middle)
					}
					time.Sleep(600 * time.Millisecond) // what the service takes: one request in ten is under way
					return good(s, c, n)
				})
				plan := steady(s.url)
				plan.http, plan.stage, plan.objectives = "timeout: 1500ms", "rate: 100/s, duration: 6s", []string{"success_rate >= 95%", "p80 <= 1200ms"}
				p := b.load(t, plan)
				<-middle
				pause(t, p.cmd.Process, 2*time.Second)
				return p.wait(t)
			},
			says: []string{"generator limited"},
		},
		{
			group: "process", name: "two runs at once in one workspace: the later one's files stay", want: outcome{0, "pass", allFiles},
			inject: func(t *testing.T, b *bed) ending {
				s := serve(t, good)
				first, second := b.load(t, counted(s.url)), b.load(t, counted(s.url))
				if e := first.wait(t); e.exit != 0 {
					t.Errorf("the first run exits with %d", e.exit)
				}
				return second.wait(t)
			},
			says: []string{"written: out/slogate-result.json"},
		},
		{
			group: "process", name: "the terminal is made smaller and larger in a run", want: outcome{0, "pass", allFiles},
			inject: func(t *testing.T, b *bed) ending { return b.resized(t) },
			says:   []string{"the only objective is met"},
		},
	}
}

// brief is a run of three stages in little time, so that a random moment may be
// anywhere in it.
func brief(target string) plan {
	p := steady(target)
	p.more = "before:\n  - {name: login, request: GET /login}\n"
	p.warmUp, p.stage = "rate: 100/s, duration: 300ms", "requests: 100, workers: 2"
	return p
}

// timed is how long a brief run and its writing take: the shorter of two, of
// which other work may have held one up.
func (b *bed) timed(t *testing.T, p plan) (all, writing time.Duration) {
	t.Helper()
	all, writing = patience, patience
	for range 2 {
		start := time.Now()
		run := b.load(t, p)
		run.await(t, "100 requests")
		loaded := time.Now()
		run.wait(t)
		all, writing = min(all, time.Since(start)), min(writing, time.Since(loaded))
	}
	return all, writing
}

// cancelAnywhere cancels brief runs at random moments. It returns the end of one
// that was cancelled in a stage, and complains about those that end otherwise
// than cancelled, with all files, or none before the first stage, or passed, if
// the signal came too late.
func (b *bed) cancelAnywhere(t *testing.T) ending {
	p := brief(serve(t, good).url)
	all, _ := b.timed(t, p)
	random := rand.New(rand.NewPCG(7, 7))
	var last ending
	ends := map[string]int{}
	for i := range 20 {
		os.RemoveAll(b.path("out"))
		run := b.load(t, p)
		time.Sleep(time.Duration(random.Float64() * float64(all))) // the moment is the fault
		run.signal(t, []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[i%2])
		e := run.wait(t)
		switch e.outcome {
		case outcome{130, "inconclusive", allFiles}:
			last = e
		case outcome{130, "", noFiles}: // before the first stage
		case outcome{0, "pass", allFiles}: // all was measured
		case outcome{killed, "", noFiles}: // before slogate listened to signals
			if e.said != "" {
				t.Errorf("killed by the first signal, though it said:\n%s", e.said)
			}
		default:
			t.Errorf("moment %d: %+v\n%s", i, e.outcome, e.said)
		}
		ends[fmt.Sprint(e.exit, e.verdict)]++
	}
	t.Log(ends)
	if last.exit == 0 {
		t.Error("no moment was in a stage")
	}
	return last
}

// killAnywhere kills brief runs at random moments, half of them while they
// write, and complains about any file that is not whole: neither the earlier
// run's nor one of the killed run's.
func (b *bed) killAnywhere(t *testing.T) ending {
	p := brief(serve(t, good).url)
	all, writing := b.timed(t, p)
	earlier := b.files(t)
	random := rand.New(rand.NewPCG(9, 9))
	var last ending
	replaced := 0
	for i := range 45 {
		run := b.load(t, p)
		moment := all
		if i >= 15 {
			run.await(t, "100 requests")
			moment = writing
		}
		time.Sleep(time.Duration(random.Float64() * float64(moment))) // the moment is the fault
		run.signal(t, syscall.SIGKILL)
		e := run.wait(t)
		if e.files != allFiles {
			t.Errorf("moment %d: %s", i, e.files)
		}
		now := b.files(t)
		for name := range earlier {
			if !bytes.Equal(earlier[name], now[name]) {
				replaced++
			}
		}
		earlier = now
		if e.exit == killed {
			last = e
		}
	}
	t.Logf("%d files were replaced by killed runs", replaced)
	if replaced == 0 {
		t.Error("no run was killed after it had written something")
	}
	return last
}

// files are those of the output folder.
func (b *bed) files(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, f := range forms {
		text, err := os.ReadFile(filepath.Join(b.path("out"), f.name))
		if err != nil {
			t.Fatal(err)
		}
		all[f.name] = text
	}
	return all
}

// resized runs slogate on a terminal whose size changes.
func (b *bed) resized(t *testing.T) ending {
	t.Helper()
	terminal, slave := openTerminal(t)
	plan := counted(serve(t, good).url)
	plan.stage = "duration: 3s, workers: 2"
	b.write(t, "slo.yaml", plan.String())
	p := b.start(t, call{args: []string{"run", "--out", "out", "slo.yaml"}, stdout: slave, stderr: slave})
	slave.Close()
	shown := newPrinted()
	var reading sync.WaitGroup
	reading.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			shown.Write(buffer[:n])
			if err != nil { // the last one that had it open has ended
				shown.close()
				return
			}
		}
	})
	for i, size := range []unix.Winsize{{Row: 50, Col: 200}, {Row: 1, Col: 1}, {Row: 24, Col: 80}} {
		if !shown.await(strings.Repeat("\r", i+1)) && !shown.await("steady") {
			t.Error("nothing is drawn on the terminal")
		}
		if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &size); err != nil {
			t.Error(err)
		}
		p.signal(t, syscall.SIGWINCH)
		time.Sleep(500 * time.Millisecond) // so that it is drawn in this size
	}
	e := p.wait(t)
	reading.Wait()
	e.said += shown.String()
	return e
}

// openTerminal makes a terminal of 80 columns.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return master, slave
}
