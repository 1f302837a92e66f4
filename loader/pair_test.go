package loader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	services "github.com/slogate/slogate/service"
	"github.com/slogate/slogate/slo"
)

// visited is a server's memory of who was asked what, in order.
type visited struct {
	mu   sync.Mutex
	asks []visit
}

type visit struct{ side, path string }

func (v *visited) server(t *testing.T, side string, answer http.HandlerFunc) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.asks = append(v.asks, visit{side, r.URL.RequestURI()})
		v.mu.Unlock()
		answer(w, r)
	})
}

// of lists what a side was asked, in order of the text: answers of a block
// may overtake each other.
func (v *visited) of(side string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var paths []string
	for _, a := range v.asks {
		if a.side == side {
			paths = append(paths, a.path)
		}
	}
	slices.Sort(paths)
	return paths
}

// runs counts how often the side changed, plus one.
func (v *visited) runs() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for i, a := range v.asks {
		if i == 0 || a.side != v.asks[i-1].side {
			n++
		}
	}
	return n
}

func newPair(t *testing.T, engine, baseURL, headURL string, steps ...slo.Step) *Pair {
	t.Helper()
	opts := Options{Seed: 7, Engine: engine}
	return NewPair(newLoader(t, fileOf(baseURL, steps...), opts), newLoader(t, fileOf(headURL, steps...), opts))
}

// valued is a request whose path holds random values.
func valued() slo.Step {
	st := get("/")
	st.Request.Path = slo.Template{{Literal: "/?n="}, {Value: slo.RandomInt, Args: []string{"1", "1000000"}}}
	return st
}

// Base and head get the same arrivals with the same values, in turn, and their
// slices are the windows.
func TestPairTakesTurns(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		for _, arrivals := range []slo.Arrivals{slo.Uniform, slo.Poisson} {
			attempts(t, func(scale time.Duration) string { return takesTurns(t, engine, arrivals, scale*130*ms) })
		}
	})
}

func takesTurns(t *testing.T, engine string, arrivals slo.Arrivals, block time.Duration) (complaint string) {
	var v visited
	p := newPair(t, engine, v.server(t, "base", ok), v.server(t, "head", ok), valued())
	plan := rated(13/block.Seconds(), time.Hour)
	plan.Workload.Arrivals = arrivals
	const windows = 6
	b, h := p.Run(t.Context(), plan, Turns{Block: block, Windows: windows})
	coherent(t, b)
	coherent(t, h)
	// What a stalled machine left unsent was not asked of that side.
	asked := slices.Compact(slices.Sorted(slices.Values(slices.Concat(v.of("base"), v.of("head")))))
	if int64(len(asked)) > h.Counters.Due() {
		t.Errorf("%s: base and head were asked %d things together, want the same %d (-base +head):\n%s",
			arrivals, len(asked), h.Counters.Due(), cmp.Diff(v.of("base"), v.of("head")))
	}
	if len(b.Slices) != windows || len(h.Slices) != windows || h.Duration != windows*block {
		t.Errorf("%s: %d and %d slices in %v, want %d of %v", arrivals, len(b.Slices), len(h.Slices), h.Duration, windows, block)
	}
	for i := range h.Slices {
		if b.Slices[i].Counters.Due() != h.Slices[i].Counters.Due() {
			t.Errorf("%s: window %d: base %+v, head %+v", arrivals, i, b.Slices[i].Counters, h.Slices[i].Counters)
		}
	}
	if arrivals == slo.Uniform {
		delivered(t, b, windows*13)
		delivered(t, h, windows*13)
	}
	// Each window changes the side once or twice, but for answers that outlast
	// their block.
	if n := v.runs(); n < windows+1 || n > 2*windows {
		return fmt.Sprintf("%s: %d turns, want between %d and %d", arrivals, n, windows+1, 2*windows)
	}
	return ""
}

func TestPairWarmsUpUnrecorded(t *testing.T) {
	var v visited
	p := newPair(t, "", v.server(t, "base", ok), v.server(t, "head", ok), get("/"))
	b, h := p.Run(t.Context(), rated(100, time.Hour), Turns{Block: 50 * ms, Windows: 2, WarmUp: 3})
	if b.Counters.Due() != 10 || h.Counters.Due() != 10 {
		t.Errorf("recorded %d and %d, want 10 each", b.Counters.Due(), h.Counters.Due())
	}
	// 25, less what a stalled machine left unsent.
	if n := int64(len(v.of("head"))); n > 25 || n <= h.Counters.Success {
		t.Errorf("head was asked %d times, want 25", n)
	}
}

func TestPairMixed(t *testing.T) {
	attempts(t, func(scale time.Duration) string {
		var v visited
		p := newPair(t, "", v.server(t, "base", ok), v.server(t, "head", ok), get("/"))
		b, h := p.Run(t.Context(), rated(200/float64(scale), time.Hour), Turns{Block: 200 * scale * ms, Windows: 2, Mixed: true})
		if b.Counters.Due() != 40 || h.Counters.Due() != 40 {
			t.Errorf("%d and %d requests, want 40 each: half of the rate", b.Counters.Due(), h.Counters.Due())
		}
		if n := v.runs(); n < 20 {
			return fmt.Sprintf("the side changed %d times, want a mix", n)
		}
		return ""
	})
}

// A counted stage sends its number to each side, in whole blocks but the last.
func TestPairCounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var v visited
		slow := func(w http.ResponseWriter, r *http.Request) { time.Sleep(2 * ms); ok(w, r) }
		p := newPair(t, engine, v.server(t, "base", ok), v.server(t, "head", slow), get("/"))
		b, h := p.Run(t.Context(), counted(300, 3), Turns{Block: 50 * ms, Windows: 10_000})
		for _, s := range []*result.Stage{b, h} {
			coherent(t, s)
			if s.Counters.Success != 300 || s.State != result.Completed {
				t.Errorf("%d requests, %s, want 300 completed", s.Counters.Success, s.State)
			}
		}
		if len(h.Slices) < 2 {
			t.Errorf("head took %d blocks, want some", len(h.Slices))
		}
	})
}

// A counted stage sends its number, also where a request outlasts its block.
func TestPairCountsWhatOutlastsItsBlock(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var asked atomic.Int64
		slow := func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 190 {
				time.Sleep(1000 * ms)
			}
			ok(w, r)
		}
		var v visited
		p := newPair(t, engine, v.server(t, "base", ok), v.server(t, "head", slow), get("/"))
		b, h := p.Run(t.Context(), counted(200, 3), Turns{Block: 20 * ms, Windows: 10_000})
		for _, s := range []*result.Stage{b, h} {
			coherent(t, s)
			if s.Counters.Success != 200 || s.State != result.Completed {
				t.Errorf("%d requests, %s, want 200 completed", s.Counters.Success, s.State)
			}
		}
		if n := asked.Load(); n != 200 {
			t.Errorf("head was asked %d times", n)
		}
	})
}

// More windows follow as long as they are asked for, and the asker sees what
// was measured until then, but for blocks whose answers are still under way.
func TestPairIsExtended(t *testing.T) {
	attempts(t, func(time.Duration) string {
		var v visited
		p := newPair(t, "", v.server(t, "base", ok), v.server(t, "head", ok), get("/"))
		var seen []string
		turns := Turns{Block: 40 * ms, Windows: 2}
		turns.More = func(b, h *result.Stage) int {
			seen = append(seen, fmt.Sprintf("%d %d", len(widths(b)), len(widths(h))))
			return 3 - len(seen)
		}
		b, h := p.Run(t.Context(), rated(100, time.Hour), turns)
		if len(b.Slices) != 5 || len(h.Slices) != 5 || len(seen) != 3 {
			t.Fatalf("%d and %d windows, asked at %q, want 5, asked 3 times", len(b.Slices), len(h.Slices), seen)
		}
		return cmp.Diff([]string{"2 2", "4 4", "5 5"}, seen)
	})
}

// Answers that outlast their block are recorded in it, while the other side
// goes on.
func TestPairLeavesTheSlowBehind(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var asked atomic.Int64
		stuck := func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				time.Sleep(1500 * ms)
			}
			ok(w, r)
		}
		var v visited
		p := newPair(t, engine, v.server(t, "base", stuck), v.server(t, "head", ok), get("/"))
		b, h := p.Run(t.Context(), rated(50, time.Hour), Turns{Block: 100 * ms, Windows: 6})
		coherent(t, b)
		coherent(t, h)
		delivered(t, b, 30)
		delivered(t, h, 30)
		if len(b.Slices) != 6 {
			t.Fatalf("%d windows", len(b.Slices))
		}
		first := slices.IndexFunc(b.Slices, func(s result.Slice) bool { return s.Counters.Success > 0 })
		if first < 0 {
			t.Fatal("base was sent nothing")
		}
		if top, _ := b.Slices[first].Response.Max(); top < 1400*ms {
			t.Errorf("the stuck request is not in the first block: %v", top)
		}
	})
}

// crowd counts the requests that a server has under way, and its open
// connections, and the most of both that there were.
type crowd struct {
	mu          sync.Mutex
	connections map[net.Conn]bool
	most        int
	under, busy atomic.Int64
}

// serve answers the first requests late and those after them at once.
func (c *crowd) serve(t *testing.T, slow int64, delay time.Duration) string {
	t.Helper()
	var asked atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		under := c.under.Add(1)
		defer c.under.Add(-1)
		for busy := c.busy.Load(); under > busy && !c.busy.CompareAndSwap(busy, under); busy = c.busy.Load() {
		}
		if asked.Add(1) <= slow {
			time.Sleep(delay)
		}
		ok(w, r)
	}))
	c.connections = map[net.Conn]bool{}
	s.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if state == http.StateNew {
			c.connections[conn] = true
		} else if state == http.StateClosed {
			delete(c.connections, conn)
		}
		c.most = max(c.most, len(c.connections))
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// open is the most connections that there were.
func (c *crowd) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

// All blocks of a side together keep to the connections and the workers that a
// stage has, however late answers are.
func TestPairHasOneBoundForAllBlocks(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		for name, tt := range map[string]struct {
			plan slo.Stage
			slow int64
			most int // requests at the same time
		}{
			"workers":             {timed(time.Hour, 3, 3), 1000, 3},
			"workers, one stuck":  {timed(time.Hour, 3, 3), 1, 3},
			"more workers":        {timed(time.Hour, 5, 5), 1000, 4},
			"arrivals":            {rated(100, time.Hour), 1000, 4},
			"arrivals, one stuck": {rated(100, time.Hour), 1, 4},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				attempts(t, func(scale time.Duration) string {
					var saw [2]crowd
					opts := Options{Seed: 7, Engine: engine, MaxConnections: 4}
					p := NewPair(
						newLoader(t, fileOf(saw[base].serve(t, tt.slow, 2*time.Second), get("/")), opts),
						newLoader(t, fileOf(saw[head].serve(t, tt.slow, 2*time.Second), get("/")), opts),
					)
					b, h := p.Run(t.Context(), tt.plan, Turns{Block: scale * 100 * ms, Windows: 3})
					complaint := ""
					for i, s := range []*result.Stage{b, h} {
						coherent(t, s)
						if len(s.Slices) != 3 || s.Counters.Success+s.Counters.Unsent != s.Counters.Due() {
							t.Errorf("%d windows, %+v", len(s.Slices), s.Counters)
						}
						if busy := int(saw[i].busy.Load()); busy != tt.most && tt.slow > 1 || busy > tt.most {
							t.Errorf("%d requests at the same time, want %d: %+v", busy, tt.most, s.Counters)
						}
						if most := saw[i].open(); most > opts.MaxConnections { // the server may come late to close one
							complaint = fmt.Sprintf("%d connections at the same time", most)
						}
						if s.Counters.Success == 0 {
							complaint = idle(s)
						}
					}
					return complaint
				})
			})
		}
	})
}

func TestPairIsCancelled(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var v visited
		ctx, cancel := context.WithCancel(t.Context())
		after := func(w http.ResponseWriter, r *http.Request) {
			ok(w, r)
			if len(v.of("head")) >= 20 {
				cancel()
			}
		}
		p := newPair(t, engine, v.server(t, "base", ok), v.server(t, "head", after), get("/"))
		b, h := p.Run(ctx, rated(100, time.Hour), Turns{Block: 50 * ms, Windows: 1000})
		if b.State != result.Cancelled || h.State != result.Cancelled || h.Counters.Success < 15 {
			t.Errorf("base %s, head %s with %d requests", b.State, h.State, h.Counters.Success)
		}
		b, h = p.Run(ctx, rated(100, time.Hour), Turns{Block: 50 * ms, Windows: 1})
		if b.State != result.Cancelled || h.State != result.Cancelled || h.Name != "s" {
			t.Errorf("cancelled before: base %+v, head %+v", b, h)
		}
	})
}

// A dead head fails, a dead base leaves nothing to compare with.
func TestPairDies(t *testing.T) {
	broken := func(w http.ResponseWriter, r *http.Request) { http.Error(w, "broken", 500) }
	for name, test := range map[string]struct {
		base, head http.HandlerFunc
		want       result.State
		reason     string
	}{
		"base": {broken, ok, result.Aborted, `base had stopped answering: (\d+ of \d+) requests failed within [0-9.]+ m?s; it had never succeeded`},
		"head": {ok, broken, result.Dead, `(\d+ of \d+) requests failed within [0-9.]+ m?s; it had never succeeded`},
	} {
		t.Run(name, func(t *testing.T) {
			var v visited
			p := newPair(t, "", v.server(t, "base", test.base), v.server(t, "head", test.head), get("/"))
			for _, l := range p.sides {
				l.dead.window = 300 * ms
			}
			plan := rated(100, time.Hour)
			plan.StopOnDead = true
			_, h := p.Run(t.Context(), plan, Turns{Block: 100 * ms, Windows: 1000})
			if h.State != test.want || !regexp.MustCompile("^"+test.reason+"$").MatchString(h.Reason) {
				t.Errorf("head is %s: %s, want %s: %s", h.State, h.Reason, test.want, test.reason)
			}
		})
	}
}

// restartable is a server that can be started again at the same address.
type restartable struct {
	address string
	answer  http.HandlerFunc
	server  *http.Server
}

func (r *restartable) start(t *testing.T) {
	t.Helper()
	if r.address == "" {
		// A port that no connection of other tests gets meanwhile.
		ports, err := services.FreePorts(1)
		if err != nil {
			t.Fatal(err)
		}
		r.address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	}
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	r.server = &http.Server{Handler: r.answer}
	go r.server.Serve(listener)
	t.Cleanup(func() { r.server.Close() })
}

// Both services are started anew after so many windows, and no request fails
// because of it, not even one that outlasts its block.
func TestPairRestarts(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var asked atomic.Int64
		slow := func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1)%10 == 0 {
				time.Sleep(300 * ms)
			}
			ok(w, r)
		}
		b, h := restartable{answer: ok}, restartable{answer: slow}
		b.start(t)
		h.start(t)
		p := newPair(t, engine, "http://"+b.address, "http://"+h.address, get("/"))
		restarts := 0
		turns := Turns{Block: 50 * ms, Windows: 7, WarmUp: 1}
		turns.Restarts = Restarts{Every: 3, Since: 1, WarmUp: 2, Do: func(context.Context) error {
			restarts++
			for _, s := range []*restartable{&b, &h} {
				s.server.Close() // would cut what is under way
				s.start(t)
			}
			return nil
		}}
		base, head := p.Run(t.Context(), rated(100, time.Hour), turns)
		for _, s := range []*result.Stage{base, head} {
			coherent(t, s)
			// A machine that stalls for longer than a block leaves some unsent.
			if s.Counters.Success+s.Counters.Unsent != 35 || s.Counters.Due() != 35 || len(s.Slices) != 7 {
				t.Errorf("%+v in %d windows, want 35 in 7 and none failed", s.Counters, len(s.Slices))
			}
		}
		// After windows 2 and 5, each time with two windows to warm up, as one was
		// at the beginning.
		if n := asked.Load(); restarts != 2 || n > 60 || n < head.Counters.Success {
			t.Errorf("%d restarts and %d requests, want 2 and 60", restarts, n)
		}
	})
}

// A stage that begins when a restart is due begins with it.
func TestPairRestartsAtOnce(t *testing.T) {
	var v visited
	p := newPair(t, "", v.server(t, "base", ok), v.server(t, "head", ok), get("/"))
	restarts := 0
	turns := Turns{Block: 50 * ms, Windows: 2, WarmUp: 3}
	turns.Restarts = Restarts{Every: 30, Since: 31, WarmUp: 1, Do: func(context.Context) error { restarts++; return nil }}
	_, h := p.Run(t.Context(), rated(100, time.Hour), turns)
	delivered(t, h, 10)
	if n := int64(len(v.of("head"))); restarts != 1 || n > 15 || n < h.Counters.Success {
		t.Errorf("%d restarts and %d requests, want 1 and 15", restarts, n)
	}
}

// A service that does not start again ends the stage.
func TestPairRestartFails(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		want   result.State
		reason string
	}{
		"a side":  {fmt.Errorf("restart: %w", &StopError{State: result.Dead, Reason: "head did not start again"}), result.Dead, "head did not start again"},
		"cancel":  {context.Canceled, result.Cancelled, "cancelled while it ran"},
		"another": {errors.New("no more processes"), result.Cancelled, "no more processes"},
	} {
		t.Run(name, func(t *testing.T) {
			var v visited
			p := newPair(t, "", v.server(t, "base", ok), v.server(t, "head", ok), get("/"))
			turns := Turns{Block: 50 * ms, Windows: 10}
			turns.Restarts = Restarts{Every: 2, Do: func(context.Context) error { return test.err }}
			b, h := p.Run(t.Context(), rated(100, time.Hour), turns)
			if h.State != test.want || h.Reason != test.reason || b.State != test.want || len(h.Slices) != 2 {
				t.Errorf("base %s, head %s: %s, %d windows; want %s: %s after 2", b.State, h.State, h.Reason, len(h.Slices), test.want, test.reason)
			}
		})
	}
}
