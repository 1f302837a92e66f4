//go:build amd64 || arm64

package loader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/slogate/slogate/loader/epoll"
	"github.com/slogate/slogate/slo"
)

// EpollEngine names the engine for clear-text HTTP/1.1 on Linux.
const EpollEngine = "epoll"

// Engines are the engines of this system that Options can name, the best one
// first.
func Engines() []string { return []string{EpollEngine, PortableEngine} }

// newEngine makes the engine that was asked for, or the best one that fits the
// target and the kernel.
func newEngine(name string, c *client, opts Options) (engine, error) {
	rest := &portable{client: c}
	if name == PortableEngine {
		return rest, nil
	}
	var err error
	if c.scheme != "http" {
		err = errors.New("it speaks clear-text HTTP/1.1 only")
	} else {
		e := &epollEngine{client: c, opts: opts}
		if err = e.grow(1); err == nil {
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
	pools  []*pool
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

func (e *epollEngine) grow(n int) error {
	for len(e.pools) < n {
		loop, err := epoll.New()
		if err != nil {
			return err
		}
		e.pools = append(e.pools, &pool{loop: loop})
	}
	return nil
}

func (e *epollEngine) load(ctx context.Context, s *stage) {
	n := e.threads(s.load)
	if e.grow(n) != nil {
		n = len(e.pools) // descriptors are short: with those that there are
	}
	// A lane keeps its processor while it waits a short time. One more is for
	// everything else.
	if procs := runtime.GOMAXPROCS(0); procs <= n {
		runtime.GOMAXPROCS(n + 1)
		defer runtime.GOMAXPROCS(procs)
	}
	pace := choosePacing(s.load)
	pace.coalesces = pace.tick > 0 && s.plan.isSingle()
	to := resolve(ctx, e.client)
	var wg sync.WaitGroup
	for i := range n {
		l := &lane{
			stage: s, pool: e.pools[i], targets: to, shard: s.shards[i%len(s.shards)], number: i, lanes: n,
			pace: pace, stamped: s.load.Model == slo.Open, slots: share(e.opts.MaxConnections, i, n),
		}
		wg.Go(func() { l.run(ctx) })
	}
	wg.Wait()
}

// share is part i of n nearly equal parts.
func share(total, i, n int) int { return total*(i+1)/n - total*i/n }

// isSingle reports whether every iteration is a single request, which no
// other one waits for.
func (p *plan) isSingle() bool {
	for _, sc := range p.scenarios {
		if len(sc.steps) > 1 {
			return false
		}
	}
	return true
}

func (e *epollEngine) close() {
	for _, p := range e.pools {
		p.close()
	}
	e.pools = nil
}

// targets are the addresses of the service.
type targets struct {
	client *client
	list   []netip.AddrPort
	err    error        // why there are none
	good   atomic.Int64 // the one that was connected to last: it is tried first
}

// resolve looks the target's name up. It is done once a stage.
func resolve(ctx context.Context, c *client) *targets {
	t := &targets{client: c}
	host, service, err := net.SplitHostPort(c.dial)
	if err != nil {
		t.err = err
		return t
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		t.err = err
		return t
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	t.err = err
	for i, a := range addresses {
		to := netip.AddrPortFrom(a.Unmap(), uint16(port))
		t.list = append(t.list, to)
		if c.hasReached(to.String()) {
			t.good.Store(int64(i))
		}
	}
	return t
}

func (t *targets) len() int { return len(t.list) }

// choose is the address for a try, counted from 0.
func (t *targets) choose(try int) int { return (int(t.good.Load()) + try) % len(t.list) }

func (t *targets) addr(i int) net.Addr { return net.TCPAddrFromAddrPort(t.list[i]) }

// reached notes an address that was connected to.
func (t *targets) reached(i int) {
	t.good.Store(int64(i))
	t.client.note(t.list[i].String())
}
