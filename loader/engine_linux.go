//go:build amd64 || arm64

package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/loader/epoll"
	"github.com/slogate/slogate/slo"
)

// EpollEngine names the engine for clear-text HTTP/1.1 on Linux.
const EpollEngine = "epoll"

// Engines are the engines of this system that Options can name, the best one
// first.
func Engines() []string { return []string{EpollEngine, PortableEngine} }

// newEngine makes the engine that was asked for, or the best one that fits the
// target, the steps and the kernel. special is a kind of step that needs the
// portable one, empty where the file has none.
func newEngine(name string, c *client, special string, opts Options) (engine, error) {
	rest := &portable{client: c}
	if name == PortableEngine {
		return rest, nil
	}
	var err error
	switch {
	case c.beyond != nil:
		err = c.beyond
	case c.http2 != nil:
		err = errors.New("it speaks clear-text HTTP/1.1 only")
	case special != "":
		err = errors.New("it does not do " + special)
	default:
		e := &epollEngine{client: c, opts: opts, to: newTargets(c)}
		var pools []*pool
		if pools, err = e.take(1); err == nil {
			e.release(pools)
			return e, nil
		}
	}
	if name == EpollEngine {
		return nil, fmt.Errorf("engine %s: %w", name, err)
	}
	return rest, nil
}

// epollEngine sends clear-text HTTP/1.1 from one thread, or a few, each with
// its own connections.
type epollEngine struct {
	client *client
	opts   Options
	to     *targets
	open   atomic.Int64 // connections of all pools

	mu    sync.Mutex
	pools []*pool // that no stage uses
}

func (e *epollEngine) name() string { return EpollEngine }

// What one thread is given before another one is used, and the part of the
// machine's cores that the threads may have: the rest is the service's.
const (
	ratePerThread    = 40_000 // arrivals a second
	workersPerThread = 64
	coresPerThread   = 4
)

// threads is how many threads load a stage: one for each 40,000 arrivals a
// second or 64 workers, at most one for every four cores, at least one.
func (e *epollEngine) threads(load slo.Workload) int {
	n := e.opts.Threads
	if n == 0 {
		wanted := int(max(load.RateFrom, load.RateTo)-1)/ratePerThread + 1
		if load.Model == slo.Closed {
			wanted = (max(load.WorkersFrom, load.WorkersTo)-1)/workersPerThread + 1
		}
		n = min(wanted, max(runtime.NumCPU()/coresPerThread, 1))
	}
	return min(n, e.opts.MaxConnections)
}

// take gives a stage n pools, those with open connections first. The error says
// why there are fewer. Several stages can be at work: workloads at the same time,
// and parts of a comparison, of which one may still wait for answers when the
// next one begins.
func (e *epollEngine) take(n int) ([]*pool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.pools) < n {
		loop, err := epoll.New()
		if err != nil {
			n = len(e.pools)
			return e.cut(n), err
		}
		e.pools = append(e.pools, &pool{loop: loop, engine: e})
	}
	return e.cut(n), nil
}

func (e *epollEngine) cut(n int) []*pool {
	taken := slices.Clone(e.pools[:n])
	e.pools = slices.Delete(e.pools, 0, n)
	return taken
}

func (e *epollEngine) release(pools []*pool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pools = append(pools, e.pools...)
}

// opens counts a connection that is about to be opened. Beyond the most that
// there may be, it takes the place of an idle one of a pool that no stage uses:
// the stages that are at work keep to their own shares.
func (e *epollEngine) opens() {
	if int(e.open.Add(1)) <= e.opts.MaxConnections {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.pools {
		if len(p.idle) > 0 {
			p.drop(p.idle[0])
			return
		}
	}
}

func (e *epollEngine) prepare(ctx context.Context) { e.to.prepare(ctx) }

func (e *epollEngine) load(ctx context.Context, s *stage) {
	e.to.follow(s.requests, time.Now())
	// Where descriptors are short it is fewer pools.
	pools, _ := e.take(max(min(e.threads(s.own()), s.connections), 1))
	if len(pools) == 0 {
		(&portable{client: e.client}).load(ctx, s)
		return
	}
	defer e.release(pools)
	n := len(pools)
	defer occupy(n)()
	pace := choosePacing(s.own())
	pace.coalesces = pace.tick > 0 && s.plan.isSingle()
	var wg sync.WaitGroup
	for i := range n {
		l := &lane{
			stage: s, pool: pools[i], targets: e.to, shard: s.shards[i%len(s.shards)], number: i, lanes: n,
			pace: pace, stamped: s.load.Model == slo.Open, slots: share(s.connections, i, n), lives: e.client.lives,
		}
		wg.Go(func() { l.run(ctx) })
	}
	wg.Wait()
}

// processors are those that Go may use. They are the process's, and so is their
// number of lanes: a comparison has two engines.
var processors struct {
	mu    sync.Mutex
	lanes int // at work
	rest  int // that Go may use without them; 0: it is the same with them
}

// occupy makes sure that lanes leave a processor to everything else: one keeps
// its own while it waits a short time.
func occupy(lanes int) (release func()) {
	p := &processors
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes += lanes
	if procs := runtime.GOMAXPROCS(0); procs <= p.lanes {
		p.rest = cmp.Or(p.rest, procs)
		runtime.GOMAXPROCS(p.lanes + 1)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.lanes -= lanes; p.lanes == 0 && p.rest > 0 {
			runtime.GOMAXPROCS(p.rest)
			p.rest = 0
		}
	}
}

// share is part i of n nearly equal parts.
func share(total, i, n int) int { return total*(i+1)/n - total*i/n }

// isSingle reports whether every iteration is a single request, which no
// other one waits for.
func (p *plan) isSingle() bool {
	for _, sc := range p.scenarios {
		if len(sc.steps) > 1 || len(sc.start) > 0 {
			return false
		}
	}
	return true
}

func (e *epollEngine) disconnect() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.pools {
		p.disconnect()
	}
}

func (e *epollEngine) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.pools {
		p.close()
	}
	e.pools = nil
}
