//go:build amd64 || arm64

package loader

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// lookup is what a name leads to.
type lookup = func(ctx context.Context, network, host string) ([]netip.Addr, error)

// leads is a look-up that finds addresses.
func leads(addresses ...string) lookup {
	var found []netip.Addr
	for _, a := range addresses {
		found = append(found, netip.MustParseAddr(a))
	}
	return func(context.Context, string, string) ([]netip.Addr, error) { return found, nil }
}

// fails is a look-up that finds none.
func fails(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "server misbehaving", Name: "api"}
}

// hangs is a look-up that ends when it is given up.
func hangs(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// targetsBy are the targets of a name that is looked up in one way.
func targetsBy(look lookup) *targets {
	return &targets{client: &client{dial: "api:80"}, lookup: look}
}

// A name that leads elsewhere in the middle of a stage is followed by the
// connections that are opened then; one that cannot be looked up leads where it
// did, and is looked up again soon.
func TestTargetsFollowTheirName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []lookup{leads("10.0.0.1"), fails, leads("10.0.0.2")}
		asked := 0
		to := targetsBy(func(ctx context.Context, network, host string) ([]netip.Addr, error) {
			asked++
			return answers[asked-1](ctx, network, host)
		})
		to.prepare(t.Context())
		for _, step := range []struct {
			after time.Duration
			want  string
			asked int
		}{
			{0, "10.0.0.1:80", 1},
			{resolveAgain - 1, "10.0.0.1:80", 1},
			{1, "10.0.0.1:80", 2}, // no answer
			{resolveSoon - 1, "10.0.0.1:80", 2},
			{1, "10.0.0.2:80", 3},
			{resolveAgain - 1, "10.0.0.2:80", 3},
		} {
			time.Sleep(step.after)
			to.prepare(t.Context()) // asks nobody where there are addresses
			to.follow(t.Context(), time.Now())
			synctest.Wait()
			a, ok := to.choose(&exchange{})
			if !ok || a.String() != step.want || asked != step.asked {
				t.Fatalf("after %v: %v, asked %d times, want %s and %d", step.after, a, asked, step.want, step.asked)
			}
			to.reached(a)
		}
	})
}

// Whatever a look-up comes to, a request without an address has a reason.
func TestTargetsSayWhyThereAreNone(t *testing.T) {
	given, giveUp := context.WithCancel(t.Context())
	giveUp()
	for name, c := range map[string]struct {
		look lookup
		ctx  context.Context
		want string
	}{
		"fails":    {fails, t.Context(), "server misbehaving"},
		"nothing":  {leads(), t.Context(), "no address is known"},
		"given up": {hangs, given, "no address is known"},
	} {
		to := targetsBy(c.look)
		to.prepare(c.ctx)
		if a, ok := to.choose(&exchange{}); ok || classify(to.none()) != result.DNS || !strings.Contains(to.none().Error(), c.want) {
			t.Errorf("%s: %v, %v, want %s", name, a, to.none(), c.want)
		}
	}
}

// A request tries each address once, whatever others learn between its tries.
func TestRequestsTryEachAddressOnce(t *testing.T) {
	address := func(a string) netip.AddrPort { return netip.MustParseAddrPort(a + ":80") }
	want := []netip.AddrPort{address("10.0.0.1"), address("10.0.0.2"), address("10.0.0.3")}
	for name, meanwhile := range map[string]func(*targets){
		"nothing":               func(*targets) {},
		"another one is good":   func(to *targets) { to.reached(want[1]) },
		"the last one is good":  func(to *targets) { to.reached(want[2]) },
		"the name leads on":     func(to *targets) { to.lookup = leads("10.0.0.4"); to.find(t.Context()) },
		"the name leads to one": func(to *targets) { to.lookup = leads("10.0.0.1"); to.find(t.Context()) },
	} {
		to := targetsBy(leads("10.0.0.1", "10.0.0.2", "10.0.0.3"))
		to.prepare(t.Context())
		var tried []netip.AddrPort
		x := &exchange{}
		for a, ok := to.choose(x); ok; a, ok = to.choose(x) {
			tried = append(tried, a)
			x.tries++
			meanwhile(to)
		}
		if !slices.Equal(tried, want) {
			t.Errorf("%s: tried %v, want %v", name, tried, want)
		}
	}
}

// named is a loader of a service on loopback by a name, and where to set what
// that leads to.
func named(t *testing.T, http string) (*Loader, func(lookup)) {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(serve(t, ok), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	l := newLoader(t, with(t, "http://api.test:"+port, http, "  - {request: GET /}"), Options{Engine: EpollEngine})
	to := l.engine.(*epollEngine).to
	return l, func(look lookup) {
		to.lookup = look
		if k := to.known.Load(); k != nil {
			to.known.Store(&known{list: k.list}) // it is old
		}
	}
}

// A stage waits for the address of the service before its clock runs, and the
// next one not at all.
func TestStagesDoNotWaitForNames(t *testing.T) {
	stage := counted(20, 2)
	block := stage
	block.Workload.Duration = patience
	for name, run := range map[string]func(*Loader) []*result.Stage{
		"one":      func(l *Loader) []*result.Stage { return []*result.Stage{l.Run(t.Context(), stage)} },
		"parallel": func(l *Loader) []*result.Stage { return l.RunTogether(t.Context(), []slo.Stage{stage, stage}) },
		"the first": func(l *Loader) []*result.Stage {
			return []*result.Stage{l.drive(t.Context(), l.beginPart(t.Context(), block, part{}))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, set := named(t, "{timeout: 20s}")
			var found time.Time
			set(func(context.Context, string, string) ([]netip.Addr, error) {
				<-time.After(20 * ms)
				found = time.Now()
				return leads("127.0.0.1")(nil, "", "")
			})
			check := func(s *result.Stage) {
				coherent(t, s)
				if s.Counters.Success != 20 || s.Start.Before(found) {
					t.Errorf("%+v, started %v after the address was found", s.Counters, s.Start.Sub(found))
				}
			}
			for _, s := range run(l) {
				check(s)
			}
			set(hangs)
			for _, s := range run(l) {
				check(s)
			}
		})
	}
}

// A run that is cancelled while it waits for an address sends nothing.
func TestCancelWhileANameIsLookedUp(t *testing.T) {
	for name, stage := range map[string]slo.Stage{"closed": counted(20, 2), "open": rated(1000, time.Minute)} {
		l, set := named(t, "{timeout: 20s}")
		ctx, cancel := context.WithCancel(t.Context())
		set(func(ctx context.Context, network, host string) ([]netip.Addr, error) {
			cancel()
			return hangs(ctx, network, host)
		})
		s := l.Run(ctx, stage)
		coherent(t, s)
		if n := s.Counters.Due() - s.Counters.Cancelled; s.State != result.Cancelled || n > 0 {
			t.Errorf("%s: %v, %+v", name, s.State, s.Counters)
		}
	}
}

// A name that leads nowhere for a moment leads where it did, or soon again.
func TestStagesGoOnWhenANameServerFails(t *testing.T) {
	attempts(t, func(scale time.Duration) (complaint string) {
		l, set := named(t, "{connections: new}")
		var asked atomic.Int64
		set(func(ctx context.Context, network, host string) ([]netip.Addr, error) {
			if asked.Add(1) < 3 {
				return fails(ctx, network, host)
			}
			return leads("127.0.0.1")(ctx, network, host)
		})
		s := l.Run(t.Context(), rated(100, scale*5*resolveSoon))
		coherent(t, s)
		if c := s.Counters; c.DNS == 0 || c.Success == 0 { // the third look-up came late
			return fmt.Sprintf("looked up %d times, of which two failed: %+v", asked.Load(), c)
		}
		set(fails)
		s = l.Run(t.Context(), counted(20, 2))
		if s.Counters.Success != 20 {
			t.Errorf("with the address of before: %+v, %+v", s.Counters, s.Failures)
		}
		return ""
	})
}
