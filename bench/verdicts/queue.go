//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

const (
	// meanWork is what a request takes of a queue on average: long against what
	// sockets and timers add.
	meanWork = 10 * time.Millisecond
	// A queue that stalls does nothing for so long in every so often.
	stallTime  = 50 * time.Millisecond
	stallEvery = 2 * time.Second

	queueTime = 60 // seconds of a run
	// mostOverhead is what sockets and timers may add on average. Where they add
	// more, the machine was too busy and the run measured that.
	mostOverhead  = time.Millisecond
	queuesAtATime = 18 // for each core
	queuesWanted  = 50 // runs of each kind
)

// queueKind is a queue and how it is loaded.
type queueKind struct {
	load   int // part of the time that requests keep it busy, in percent
	stalls bool
}

var queues = []queueKind{{30, false}, {50, false}, {70, false}, {30, true}, {50, true}, {70, true}}

func (q queueKind) name() string {
	if q.stalls {
		return fmt.Sprintf("queue-%d-stalls", q.load)
	}
	return fmt.Sprintf("queue-%d", q.load)
}

// rate is how many requests a second load it.
func (q queueKind) rate() float64 { return float64(q.load) / 100 / meanWork.Seconds() }

// line serves requests one after the other as they come; the work of each is
// exponential. With Poisson arrivals and without stalls it is the queue M/M/1,
// whose response times are exponential too. Times count from its beginning.
type line struct {
	random *rand.Rand
	stalls bool
	free   time.Duration // when everything so far is done
}

// depart is when the answer to a request leaves that arrives now.
func (l *line) depart(arrival time.Duration) time.Duration {
	work := time.Duration(l.random.ExpFloat64() * float64(meanWork))
	at := max(arrival, l.free)
	for l.stalls {
		into := at % stallEvery
		if into < stallTime {
			at, into = at+stallTime-into, stallTime
		}
		left := stallEvery - into
		if work <= left {
			break
		}
		at, work = at+left, work-left
	}
	l.free = at + work
	return l.free
}

// planned is what a queue has promised so far.
type planned struct {
	requests int64
	response time.Duration // sum
}

// waiting is a request that is answered when it departs.
type waiting struct {
	departs time.Duration
	done    chan struct{}
}

// queueServer is a line as a service. It computes nothing: requests wait for
// their departure.
type queueServer struct {
	began time.Time
	queue chan waiting

	mu sync.Mutex
	line
	planned
}

// serveQueue is the service. GET /planned tells what its response times should
// have been: what they were besides is overhead.
func serveQueue(_ context.Context, args []string) error {
	random, err := seeded(args[1])
	if err != nil {
		return err
	}
	s := &queueServer{
		began: time.Now(),
		queue: make(chan waiting, 1<<16),
		line:  line{random: random, stalls: args[0] == "stalls"},
	}
	go s.answerInTime()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) { <-s.enter() })
	mux.HandleFunc("GET /planned", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprintln(w, s.requests, int64(s.response))
	})
	return loopback.Listen(mux)
}

// enter puts a request into the line.
func (s *queueServer) enter() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Since(s.began)
	w := waiting{s.depart(now), make(chan struct{})}
	s.requests++
	s.response += w.departs - now
	s.queue <- w
	return w.done
}

// answerInTime lets requests go when they depart. The timers of the Go runtime
// are up to a millisecond late, a thread of its own is not.
func (s *queueServer) answerInTime() {
	runtime.LockOSThread()
	// A thread that sleeps in the kernel keeps its share of the Go runtime for up
	// to 10 ms: on one core requests would wait for it.
	runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	for w := range s.queue {
		for left := w.departs - time.Since(s.began); left > 0; left = w.departs - time.Since(s.began) {
			ts := unix.NsecToTimespec(int64(left))
			_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
		}
		close(w.done)
	}
}

// queueFile is the SLO file that a run follows. The queue settles in a stage
// that is not judged.
func queueFile(target string, q queueKind) (*slo.File, error) {
	return slo.Parse(fmt.Appendf(nil, `version: 1
name: queue
target: %s
confirm: off
scenarios: [{request: GET /}]
stages:
  - {name: warm-up, rate: %g/s, arrivals: poisson, duration: 5s, judge: false}
  - {name: steady, rate: %g/s, arrivals: poisson, duration: %ds}
objectives: [p50 <= 1s, p95 <= 1s]
`, target, q.rate(), q.rate(), queueTime), slo.Options{Path: "slo.yaml"})
}

// queueMore makes the next runs, many at a time: of the kinds that lack most.
func (s *session) queueMore(ctx context.Context) (bool, error) {
	var chosen []queueKind
	for range queuesAtATime * runtime.NumCPU() {
		best, lacking := queueKind{}, 0
		for _, q := range queues {
			if n := queuesWanted - s.done[q.name()]; n > lacking && s.wants(q.name()) {
				best, lacking = q, n
			}
		}
		if lacking == 0 {
			break
		}
		chosen = append(chosen, best)
		s.done[best.name()]++
	}
	if len(chosen) == 0 {
		return false, nil
	}
	made := 0
	errs := make([]error, len(chosen))
	paths := make([]string, len(chosen))
	var wg sync.WaitGroup
	for i, q := range chosen {
		paths[i] = s.path(q.name(), packedEnd)
		wg.Go(func() { errs[i] = loopback.OnCore(ctx, i%runtime.NumCPU(), false, "measure", q.name(), paths[i]) })
	}
	wg.Wait()
	for i, q := range chosen {
		if errs[i] != nil {
			s.done[q.name()]--
		} else {
			made++
		}
	}
	if made == 0 {
		return false, errors.Join(errs...)
	}
	return true, nil
}

// queueOnce starts a queue, loads it and writes what was measured. Each run is a
// process of its own: the load engine of one keeps a thread to itself.
func queueOnce(ctx context.Context, args []string) error {
	i := slices.IndexFunc(queues, func(q queueKind) bool { return q.name() == args[0] })
	if i < 0 {
		return fmt.Errorf("there is no queue %q", args[0])
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mode := "steady"
	if queues[i].stalls {
		mode = "stalls"
	}
	target, err := loopback.Launch(ctx, "queue", mode, strconv.FormatUint(rand.Uint64(), 10))
	if err != nil {
		return err
	}
	k, err := queueRun(ctx, queues[i], target)
	if err != nil {
		return err
	}
	return writePacked(args[1], []kept{k})
}

// queueRun makes one run.
func queueRun(ctx context.Context, q queueKind, target string) (kept, error) {
	file, err := queueFile(target, q)
	if err != nil {
		return kept{}, err
	}
	seed := rand.Uint64()
	l, err := loader.New(file, loader.Options{Seed: seed})
	if err != nil {
		return kept{}, err
	}
	defer l.Close()
	r := run.Conduct(ctx, file, l, run.Options{})
	if r.Cancelled {
		return kept{}, ctx.Err()
	}
	p, err := askPlanned(ctx, target)
	if err != nil {
		return kept{}, err
	}
	k := kept{machine: thisMachine(), start: r.Start, seed: seed, head: r.Stages[1].Slices}
	k.overhead, err = overhead(r, p)
	return k, err
}

func askPlanned(ctx context.Context, target string) (planned, error) {
	var p planned
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target+"/planned", nil)
	if err != nil {
		return p, fmt.Errorf("ask the queue: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return p, fmt.Errorf("ask the queue: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 100))
	if err != nil {
		return p, fmt.Errorf("ask the queue: %w", err)
	}
	if _, err := fmt.Sscan(string(text), &p.requests, (*int64)(&p.response)); err != nil {
		return p, fmt.Errorf("ask the queue: %q: %w", text, err)
	}
	return p, nil
}

// overhead is by how much longer requests took than the queue had planned, on
// average: sockets, timers and what else the machine did.
func overhead(r *result.Run, p planned) (time.Duration, error) {
	var n int64
	var sum time.Duration
	for _, s := range r.Stages {
		mean, _ := s.Response.Mean()
		n += s.Response.Total()
		sum += mean * time.Duration(s.Response.Total())
		if s.Counters.Judged() != s.Counters.Success {
			return 0, fmt.Errorf("a queue failed: %+v", s.Counters)
		}
	}
	if n == 0 || n != p.requests {
		return 0, fmt.Errorf("%d requests were measured, the queue served %d", n, p.requests)
	}
	o := (sum - p.response) / time.Duration(n)
	if o > mostOverhead {
		return 0, fmt.Errorf("answers came %v later than planned, at most %v are kept: the machine is too busy", o, mostOverhead)
	}
	return o, nil
}
