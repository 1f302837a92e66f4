package loader

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// A Guard says why nothing may connect to an address, nil where it may. It is
// asked for every address that a name has, when it is connected to: a name may
// mean another address than a moment before.
type Guard func(netip.Addr) error

// AddressError is an address that the guard refuses.
type AddressError struct {
	Address netip.Addr
	Err     error // the guard's
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("refused to connect to %s: %v", e.Address, e.Err)
}
func (e *AddressError) Unwrap() error { return e.Err }

// check asks the guard. No guard refuses nothing.
func (g Guard) check(address netip.Addr) error {
	if g == nil {
		return nil
	}
	if err := g(address); err != nil {
		return &AddressError{Address: address, Err: err}
	}
	return nil
}

// watched is the guard, which keeps its latest refusal.
func (g Guard) watched(last *atomic.Pointer[AddressError]) Guard {
	if g == nil {
		return nil
	}
	return func(address netip.Addr) error {
		err := g(address)
		if err != nil {
			last.Store(&AddressError{Address: address, Err: err})
		}
		return err
	}
}

// Dialer returns a dialer that connects to no address which the guard refuses.
func (g Guard) Dialer() *net.Dialer {
	d := &net.Dialer{}
	if g != nil {
		d.Control = func(network, address string, _ syscall.RawConn) error {
			if network == "unix" {
				return nil // it is no address, and lies within the workspace
			}
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return g.check(to.Addr())
		}
	}
	return d
}
