//go:build amd64 || arm64

package loader

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// resolveAgain is how old the addresses of a name get before connections are
// opened to others: what a service behind a changing name (a failover, a headless
// service) is given to be followed in the middle of a stage.
const resolveAgain = 5 * time.Second

// targets are the addresses of the service.
type targets struct {
	client *client
	host   string
	port   uint16
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	list    atomic.Pointer[[]netip.AddrPort]
	err     error                          // why there were none at first
	good    atomic.Pointer[netip.AddrPort] // was connected to last, and is tried first
	age     atomic.Pointer[time.Time]      // when they were looked up
	looking atomic.Bool
}

// resolve looks the target's name up.
func resolve(ctx context.Context, c *client) *targets {
	t := &targets{client: c, lookup: net.DefaultResolver.LookupNetIP}
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
	t.host, t.port = host, uint16(port)
	if _, err := netip.ParseAddr(host); err != nil {
		t.looked(time.Now())
	}
	t.err = t.find(ctx)
	for _, a := range t.addresses() {
		if c.hasReached(a.String()) {
			t.good.Store(&a)
		}
	}
	return t
}

// find takes the addresses that the guard permits. Without any, those of before
// stay.
func (t *targets) find(ctx context.Context) error {
	if err := t.client.permitted(ctx); err != nil {
		t.list.Store(&[]netip.AddrPort{})
		return err
	}
	found, err := t.lookup(ctx, "ip", t.host)
	var list []netip.AddrPort
	for _, a := range found {
		to := netip.AddrPortFrom(a.Unmap(), t.port)
		if refused := t.client.guard.check(to.Addr()); refused != nil {
			err = refused
			continue
		}
		list = append(list, to)
	}
	if len(list) > 0 {
		t.list.Store(&list)
	}
	return err
}

func (t *targets) looked(at time.Time) { t.age.Store(&at) }

// follow looks a name up again where that is long ago. It does not wait: the
// addresses of before serve until there are new ones.
func (t *targets) follow(ctx context.Context, now time.Time) {
	age := t.age.Load()
	if age == nil || now.Sub(*age) < resolveAgain || !t.looking.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer t.looking.Store(false)
		t.find(ctx) // what fails now is looked up again with a later connection
		t.looked(time.Now())
	}()
}

// addresses are those of now.
func (t *targets) addresses() []netip.AddrPort {
	if list := t.list.Load(); list != nil {
		return *list
	}
	return nil
}

// errFewer is why a request is not sent whose other addresses have gone while it
// tried the first ones.
var errFewer = errors.New("dial: the name of the target leads to fewer addresses than before")

// none is why there is no address to try; it is never nil.
func (t *targets) none() error { return cmp.Or(t.err, errFewer) }

// choose is the address for a try, counted from 0, and false after the last.
func (t *targets) choose(try int) (netip.AddrPort, bool) {
	list := t.addresses()
	if try >= len(list) {
		return netip.AddrPort{}, false
	}
	first := 0
	if good := t.good.Load(); good != nil {
		first = max(slices.Index(list, *good), 0)
	}
	return list[(first+try)%len(list)], true
}

// reached notes an address that was connected to.
func (t *targets) reached(a netip.AddrPort) {
	if good := t.good.Load(); good == nil || *good != a {
		t.good.Store(&a)
	}
	t.client.note(a.String())
}
