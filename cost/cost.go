// Package cost reads what a service uses while it is loaded: processor time,
// memory, and the time in which its CPU limit made it wait.
//
// In comes the place of a service: the addresses that it was reached at, and a
// way to ask for its metrics. Out comes a [Source] that can be read again and
// again, the first of these that answers:
//
//   - the service's own Prometheus endpoint, where the SLO file names it;
//   - the engine of the container that the service is in;
//   - /proc, where the service is a process of this machine that this one may
//     look into, found by the socket that it listens on.
//
// The package knows nothing of stages, objectives and verdicts. Reading costs a
// request, or less than a millisecond.
//
// Processor time is the steadiest thing that a shared machine tells of a
// service: a neighbour makes an answer late, it does not make it cost more.
package cost

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/slogate/slogate/result"
)

// Reading is what a service had used at a moment.
type Reading struct {
	At         time.Time
	CPU        time.Duration // since some moment that is the same for all readings of a source
	Memory     int64         // resident bytes now; 0: not known
	Throttling *result.Throttling
}

// Source reads the cost of one service. It is used by one goroutine at a time.
type Source interface {
	// Read reads what was used until now. CPU never falls, also when the
	// service is restarted in between.
	Read(ctx context.Context) (Reading, error)
	// String says what is read, and where.
	String() string
	// Resolution is the unit in which CPU is counted.
	Resolution() time.Duration
}

// Place is where a service may be found.
type Place struct {
	// Scrape asks for the metrics of the service; nil: the file names none.
	Scrape func(context.Context) ([]byte, error)
	Asks   string // what Scrape asks for, such as "GET /metrics"

	// Container looks for the container of the service; nil: there is no engine
	// to ask. It returns nil where the service is in none.
	Container func(context.Context) (*Container, error)

	Addresses []string // host:port that the service was reached at
}

// Find returns the first source that can be read, nil where there is none, and
// why those before it cannot.
func Find(ctx context.Context, p Place) (Source, []error) {
	var refused []error
	for _, look := range []func(context.Context) (Source, error){p.endpoint, p.container, p.process} {
		s, err := look(ctx)
		if s != nil && err == nil {
			_, err = s.Read(ctx)
		}
		switch {
		case err != nil:
			refused = append(refused, err)
		case s != nil:
			return s, refused
		}
	}
	return nil, refused
}

// endpoint is the service's own, which the file may name.
func (p Place) endpoint(context.Context) (Source, error) {
	if p.Scrape == nil {
		return nil, nil
	}
	return &scrape{fetch: p.Scrape, asks: p.Asks}, nil
}

func (p Place) container(ctx context.Context) (Source, error) {
	if p.Container == nil {
		return nil, nil
	}
	c, err := p.Container(ctx)
	if c == nil {
		return nil, err // a nil container is no source
	}
	return c, err
}

func (p Place) process(context.Context) (Source, error) { return findProcess(p.addresses()) }

// Same reports whether two sources read the same processes or container, so that what one
// service uses cannot be told from what the other does.
func Same(a, b Source) bool {
	p, isProcess := a.(interface{ shares(Source) bool })
	return isProcess && p.shares(b)
}

// addresses are those that can be the socket of a process.
func (p Place) addresses() []netip.AddrPort {
	var all []netip.AddrPort
	for _, text := range p.Addresses {
		if a, err := netip.ParseAddrPort(text); err == nil {
			all = append(all, netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()))
		}
	}
	return all
}

// Between is what was used from one reading to a later one.
func Between(from, to Reading) result.Cost {
	c := result.Cost{
		CPU:    max(to.CPU-from.CPU, 0),
		Span:   max(to.At.Sub(from.At), 0),
		Memory: max(from.Memory, to.Memory),
	}
	if a, b := from.Throttling, to.Throttling; a != nil && b != nil {
		c.Throttling = &result.Throttling{
			Periods:   max(b.Periods-a.Periods, 0),
			Throttled: max(b.Throttled-a.Throttled, 0),
			Waited:    max(b.Waited-a.Waited, 0),
		}
	}
	return c
}

// Readings are readings of one source in order of time.
type Readings []Reading

// Between is what was used between two moments, in proportion to the time where
// they lie between two readings. It reports false where they are not covered.
func (r Readings) Between(from, to time.Time) (result.Cost, bool) {
	a, covered := r.at(from)
	b, also := r.at(to)
	if !covered || !also || to.Before(from) {
		return result.Cost{}, false
	}
	c := Between(a, b)
	for _, reading := range r {
		if !reading.At.Before(from) && !reading.At.After(to) {
			c.Memory = max(c.Memory, reading.Memory)
		}
	}
	return c, true
}

// at is the reading at a moment, made of those before and after it.
func (r Readings) at(t time.Time) (Reading, bool) {
	n, exact := slices.BinarySearchFunc(r, t, func(r Reading, t time.Time) int { return r.At.Compare(t) })
	switch {
	case exact:
		return r[n], true
	case n == 0 || n == len(r):
		return Reading{}, false
	}
	before, after := r[n-1], r[n]
	part := float64(t.Sub(before.At)) / float64(after.At.Sub(before.At))
	between := func(a, b int64) int64 { return a + int64(part*float64(b-a)) }
	out := Reading{
		At:     t,
		CPU:    time.Duration(between(int64(before.CPU), int64(after.CPU))),
		Memory: between(before.Memory, after.Memory),
	}
	if a, b := before.Throttling, after.Throttling; a != nil && b != nil {
		out.Throttling = &result.Throttling{
			Periods:   between(a.Periods, b.Periods),
			Throttled: between(a.Throttled, b.Throttled),
			Waited:    time.Duration(between(int64(a.Waited), int64(b.Waited))),
		}
	}
	return out, true
}
