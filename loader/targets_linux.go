//go:build amd64 || arm64

package loader

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// resolveAgain is how old the addresses of a name get before it is looked up
	// anew: what a service behind a changing name (a failover, a headless service)
	// is given to be followed in the middle of a stage.
	resolveAgain = 5 * time.Second
	// resolveSoon is the same after a look-up that led nowhere. It bounds how often
	// a name server that refuses is asked, and how many requests have no address
	// after it does so no more.
	resolveSoon = 100 * time.Millisecond
)

// targets are the addresses of the service, for all stages.
type targets struct {
	client *client
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	known   atomic.Pointer[known] // nil: no look-up has ended
	rota    rota                  // of what is known
	looking atomic.Bool
}

// known is what the latest look-up came to.
type known struct {
	list []netip.AddrPort // of one before, where it led nowhere
	err  error            // why it led nowhere, or to less
	ages time.Time        // when the name is to be looked up again
}

func newTargets(c *client) *targets {
	return &targets{client: c, lookup: net.DefaultResolver.LookupNetIP}
}

// prepare waits for addresses where none are known yet: no stage has to, whose
// clock runs. Behind a proxy the guard is asked anew.
func (t *targets) prepare(ctx context.Context) {
	if t.client.permitted(ctx) != nil || len(t.addresses()) == 0 {
		t.find(ctx)
	}
}

// follow looks the name up again where that is long ago. It does not wait: the
// addresses of before serve until there are new ones.
func (t *targets) follow(ctx context.Context, now time.Time) {
	if k := t.known.Load(); k != nil && now.Before(k.ages) || !t.looking.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer t.looking.Store(false)
		t.find(ctx)
	}()
}

// find takes the addresses that the guard permits. Without any, those of before
// stay, unless it does not permit the service behind a proxy.
func (t *targets) find(ctx context.Context) {
	if err := t.client.permitted(ctx); err != nil {
		t.rota.set(nil, t.isReached)
		t.known.Store(&known{err: err, ages: time.Now().Add(resolveSoon)})
		return
	}
	list, err := t.ask(ctx)
	age := resolveAgain
	if len(list) == 0 {
		if ctx.Err() != nil {
			return // nobody was asked to the end
		}
		list, age = t.addresses(), resolveSoon
	}
	t.rota.set(list, t.isReached)
	t.known.Store(&known{list, err, time.Now().Add(age)})
}

func (t *targets) isReached(a netip.AddrPort) bool { return t.client.hasReached(a.String()) }

// ask looks the name up, which may be an address. The error says why there are
// no addresses, or fewer than the name has.
func (t *targets) ask(ctx context.Context) ([]netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(t.client.dial)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return nil, err
	}
	found, err := t.lookup(ctx, "ip", host)
	var list []netip.AddrPort
	for _, a := range found {
		to := netip.AddrPortFrom(a.Unmap(), uint16(port))
		if refused := t.client.guard.check(to.Addr()); refused != nil {
			err = refused
			continue
		}
		list = append(list, to)
	}
	return list, err
}

// addresses are those of now.
func (t *targets) addresses() []netip.AddrPort {
	if k := t.known.Load(); k != nil {
		return k.list
	}
	return nil
}

// errNowhere is why a request is not sent where no look-up says why.
var errNowhere error = &net.DNSError{Name: "the target", Err: "no address is known"}

// none is why there is no address to try; it is never nil.
func (t *targets) none() error {
	if k := t.known.Load(); k != nil {
		return cmp.Or(k.err, errNowhere)
	}
	return errNowhere
}

// reached notes an address that was connected to.
func (t *targets) reached(a netip.AddrPort) {
	t.rota.reach(a)
	t.client.note(a.String())
}

// failed notes an address that could not be connected to. Where this machine has
// no more to give it says nothing of the address.
func (t *targets) failed(a netip.AddrPort, err error) {
	if !isAny(err, exhausted) {
		t.rota.fail(a, time.Now())
	}
}

// choose is the address that a request tries next, and false after the last. The
// choices stay those of the first try, whatever others learn meanwhile, so that
// each address is tried once.
func (t *targets) choose(x *exchange) (netip.AddrPort, bool) {
	if x.tries == 0 {
		x.choices = t.rota.choices(time.Now())
	}
	if x.tries >= len(x.choices.list) {
		return netip.AddrPort{}, false
	}
	return x.choices.at(x.tries), true
}
