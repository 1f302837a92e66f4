//go:build amd64 || arm64

package loader

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/loader/epoll"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Several threads do together what one would do.
func TestThreadsShareAStage(t *testing.T) {
	url := serve(t, ok)
	steps := []slo.Step{get("/a"), {Pause: slo.Pause{Max: ms}}, get("/b")}
	for _, connections := range []int{2, 3, 100} {
		l := newLoader(t, fileOf(url, steps...), Options{Engine: EpollEngine, Threads: 3, MaxConnections: connections})
		s := l.Run(t.Context(), counted(1001, 7))
		coherent(t, s)
		if want := (result.Counters{Success: 1001}); s.Counters != want {
			t.Errorf("counted: %+v", s.Counters)
		}
		s = l.Run(t.Context(), rated(500, 200*ms))
		coherent(t, s)
		if n := s.Steps[0].Counters.Due(); n != 100 {
			t.Errorf("open: %d of 100 arrivals", n)
		}
		attempts(t, func(scale time.Duration) (complaint string) {
			s := l.Run(t.Context(), timed(scale*300*ms, 0, 9))
			coherent(t, s)
			if s.Counters.Errors() > 0 {
				t.Errorf("ramp: %+v", s.Counters)
			}
			return idle(s)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*ms)
		s = l.Run(ctx, rated(500, time.Minute))
		cancel()
		coherent(t, s)
		if s.State != result.Cancelled {
			t.Errorf("cancelled: %v", s.State)
		}
	}
}

func TestRuleOfThreads(t *testing.T) {
	most := max(runtime.NumCPU()/coresPerThread, 1)
	tests := []struct {
		load   slo.Workload
		opts   Options
		wanted int
	}{
		{slo.Workload{Model: slo.Open, RateFrom: 1, RateTo: 1}, Options{}, 1},
		{slo.Workload{Model: slo.Open, RateFrom: 10, RateTo: 40_000}, Options{}, 1},
		{slo.Workload{Model: slo.Open, RateFrom: 40_001, RateTo: 10}, Options{}, min(2, most)},
		{slo.Workload{Model: slo.Closed, WorkersTo: 64}, Options{}, 1},
		{slo.Workload{Model: slo.Closed, WorkersTo: 100_000}, Options{}, most},
		{slo.Workload{Model: slo.Closed, WorkersTo: 1}, Options{Threads: 3}, 3},
		{slo.Workload{Model: slo.Closed, WorkersTo: 1}, Options{Threads: 3, MaxConnections: 2}, 2},
	}
	for _, test := range tests {
		if test.opts.MaxConnections == 0 {
			test.opts.MaxConnections = 1000
		}
		e := &epollEngine{opts: test.opts}
		if n := e.threads(test.load); n != test.wanted {
			t.Errorf("%+v with %+v: %d threads, want %d", test.load, test.opts, n, test.wanted)
		}
	}
	for n, sum := 7, 0; n > 0; n-- {
		sum = 0
		for i := range n {
			sum += share(10, i, n)
		}
		if sum != 10 {
			t.Errorf("%d shares add up to %d of 10", n, sum)
		}
	}
}

// A raised priority is given back by a thread that uses more than its share.
func TestPriorityIsBounded(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := priority{raised: true, used: threadTime() - raisedWindow/5}
	if p.watch(raisedWindow - 1) {
		t.Error("lowered before the window was over")
	}
	if p.watch(raisedWindow) || !p.raised || p.describe(0) != ", raised priority" {
		t.Errorf("lowered at a fifth of a core: %+v", p)
	}
	p.used = threadTime() - raisedWindow
	if !p.watch(2*raisedWindow) || p.raised {
		t.Error("not lowered at a whole core")
	}
	if text := p.describe(2 * raisedWindow); !strings.Contains(text, "until 200 ms") || !strings.Contains(text, "40 %") {
		t.Errorf("described as %q", text)
	}
	if p.watch(time.Hour) || p.describe(0) != "" {
		t.Error("lowered twice")
	}
}

// Whoever wishes has the normal priority.
func TestNormalPriority(t *testing.T) {
	l := newLoader(t, fileOf(serve(t, ok), get("/")), Options{Engine: EpollEngine, NormalPriority: true})
	if s := l.Run(t.Context(), rated(100, 50*ms)); s.Generator.Mode != "precise" {
		t.Errorf("mode %q", s.Generator.Mode)
	}
}

func TestDeadlinesExpireInTheirOrder(t *testing.T) {
	d := &deadlines{timeout: time.Second}
	guests := make([]*guest, 5)
	for i := range guests {
		guests[i] = &guest{}
		d.add(guests[i], time.Duration(i))
	}
	guests[0].met()
	guests[2].met()
	guests[2].met() // has no effect
	guests[4].met()
	d.add(guests[2], 9)
	var order []time.Duration
	for g := d.first; g != nil; g = d.first {
		order = append(order, g.expires-time.Second)
		g.met()
	}
	if len(order) != 3 || order[0] != 1 || order[1] != 3 || order[2] != 9 || d.last != nil {
		t.Errorf("expire at %v", order)
	}
}

func TestLineIsFirstInFirstOut(t *testing.T) {
	var l line[int]
	next := 0
	for i := range 10_000 {
		l.add(i)
		if i%3 == 0 {
			continue
		}
		if got := l.next(); got != next {
			t.Fatalf("got %d, want %d", got, next)
		}
		next++
	}
	for l.len() > 0 {
		if got := l.next(); got != next {
			t.Fatalf("got %d, want %d", got, next)
		}
		next++
	}
	if next != 10_000 || cap(l.items) > 3*10_000 {
		t.Errorf("%d items came out, %d are held", next, cap(l.items))
	}
}

// Both engines of a comparison leave a processor to everything else, and what
// Go had is given back. It runs beside no other load.
func TestLanesOfTwoEnginesLeaveAProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	first, second := occupy(before), occupy(1)
	if got := runtime.GOMAXPROCS(0); got < before+2 {
		t.Errorf("%d lanes and one more have %d processors", before, got)
	}
	first()
	second()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d processors are left of %d", got, before)
	}
}

// A request is written when its connection is made, also where arrivals are
// started once a tick.
func TestTicksDoNotHoldUpNewConnections(t *testing.T) {
	url, _ := raw(t, keeps(okTwo))
	l := newLoader(t, with(t, url, "{connections: new}", "  - {request: GET /}"), Options{Engine: EpollEngine})
	stage := rated(1500, 200*ms)
	stage.Workload.Pacing = slo.TickPacing
	attempts(t, func(scale time.Duration) string {
		s := l.Run(t.Context(), stage)
		coherent(t, s)
		if median, _ := s.Connect.Quantile(1, 2); median > tick/2 {
			return fmt.Sprintf("half of the connections took more than %v of a tick's %v", median, tick)
		}
		return ""
	})
}

// What waits until it can be written is counted as long as it does so.
func TestBlockedConnectionsAreCounted(t *testing.T) {
	loop, err := epoll.New()
	if err != nil {
		t.Skip(err)
	}
	url, _ := (&server{accept: func(p *peer) { <-p.done }}).start(t) // it reads nothing
	l := &lane{pool: &pool{loop: loop, engine: &epollEngine{}}}
	defer l.close()
	c, err := l.open(netip.MustParseAddrPort(strings.TrimPrefix(url, "http://")), false)
	if err != nil {
		t.Fatal(err)
	}
	c.guest = &guest{}
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"connecting", func() {}, 1},
		{"a request in part", func() { c.rest = make([]byte, 16*mib); err = l.write(c) }, 1},
		{"all of it", func() { c.rest = nil; err = l.write(c) }, 0},
		{"another in part", func() { c.rest = make([]byte, 16*mib); err = l.write(c) }, 1},
		{"given up", func() { l.drop(c) }, 0},
	} {
		for l.loop.Wait(0) > 0 {
		}
		if step.do(); err != nil || l.blocked != step.want {
			t.Fatalf("%s: %d, %v, want %d", step.name, l.blocked, err, step.want)
		}
	}
}
