//go:build amd64 || arm64

package loader

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// avoided is how long an address that could not be connected to is passed over,
// as long as there are others. One connection tries it then: where packets are
// dropped, that one costs a request its whole timeout.
const avoided = 10 * time.Second

// rota says which address of a name a connection goes to: to each in turn, so
// that what stands behind a name with several addresses is loaded as a whole.
// Turns are taken among the addresses of one family, that of the latest one
// that was reached, and those of the other one follow: a name such as localhost
// often has an address where nobody listens.
type rota struct {
	mu     sync.Mutex
	list   []netip.AddrPort // as they are tried; it is replaced, not changed
	turns  int              // how many of them take turns, from the first
	opened int              // connections that took one
	six    bool             // the family
	failed map[netip.AddrPort]time.Time
}

// set takes the addresses that a name has now.
func (r *rota) set(list []netip.AddrPort, reached func(netip.AddrPort) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.list == nil && len(list) > 0 {
		first := max(slices.IndexFunc(list, reached), 0)
		r.six = list[first].Addr().Is6()
	}
	for a := range r.failed {
		if !slices.Contains(list, a) {
			delete(r.failed, a)
		}
	}
	r.order(list)
}

// order sorts a list by how willingly its addresses are tried. Where all have
// failed, none is better than another one.
func (r *rota) order(list []netip.AddrPort) {
	rank := func(a netip.AddrPort) int {
		rank := 0
		if _, failed := r.failed[a]; failed {
			rank = 2
		}
		if a.Addr().Is6() != r.six {
			rank++
		}
		return rank
	}
	r.list = slices.SortedStableFunc(slices.Values(list), func(a, b netip.AddrPort) int { return rank(a) - rank(b) })
	r.turns = 0
	for r.turns < len(r.list) && rank(r.list[r.turns]) == rank(r.list[0]) {
		r.turns++
	}
}

// fail notes an address that could not be connected to.
func (r *rota) fail(a netip.AddrPort, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = map[netip.AddrPort]time.Time{}
	}
	r.failed[a] = now
	r.order(r.list)
}

// reach notes an address that was connected to.
func (r *rota) reach(a netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, failed := r.failed[a]; failed || r.six != a.Addr().Is6() {
		delete(r.failed, a)
		r.six = a.Addr().Is6()
		r.order(r.list)
	}
}

// choices are the addresses that one request may try.
type choices struct {
	list  []netip.AddrPort
	turns int // how many of them take turns
	first int // of these, the first to try
}

// at is the n-th to try.
func (c choices) at(n int) netip.AddrPort {
	if n < c.turns {
		n = (c.first + n) % c.turns
	}
	return c.list[n]
}

// choices are those of a connection's request. It begins with an address that
// failed long ago, where there is one.
func (r *rota) choices(now time.Time) choices {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, a := range r.list[r.turns:] {
		if at, failed := r.failed[a]; failed && now.Sub(at) >= avoided {
			r.failed[a] = now
			others := slices.Delete(slices.Clone(r.list), r.turns+i, r.turns+i+1)
			return choices{list: slices.Insert(others, 0, a)}
		}
	}
	r.opened++
	return choices{r.list, r.turns, (r.opened - 1) % max(r.turns, 1)}
}
