package loader

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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
	Name    string // of what has no address here; empty: it has one
	Err     error  // the guard's
}

func (e *AddressError) Error() string {
	to := e.Name
	if to == "" {
		to = e.Address.String()
	}
	return fmt.Sprintf("refused to connect to %s: %v", to, e.Err)
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

// metadataNames are the names by which clouds hand out credentials to machines.
// Where they are looked up here, their addresses tell.
var metadataNames = []string{"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com"}

// checkBehind asks the guard for a host that a proxy connects to: for what the
// host means here, and for what the resolvers of other systems take it for. Only
// a name that means something else to the proxy remains unseen.
func (g Guard) checkBehind(ctx context.Context, host string) error {
	if g == nil {
		return nil
	}
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if slices.Contains(metadataNames, name) {
		return &AddressError{Name: name, Err: errors.New("a name of cloud metadata, which is never reached from a workflow")}
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return g.check(address)
	}
	if address, is := oldAddress(name); is {
		return g.check(address)
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil // a name that the proxy alone knows
	}
	for _, address := range found {
		if err := g.check(address); err != nil {
			return err
		}
	}
	return nil
}

// oldAddress reads an address of IPv4 as inet_aton does: one to four numbers in
// decimal, octal or hexadecimal, of which the last fills what is left.
func oldAddress(host string) (netip.Addr, bool) {
	var whole uint64
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 0, 32)
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if err != nil || n >= 1<<bits {
			return netip.Addr{}, false
		}
		whole = whole<<bits | n
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(whole)))), true
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
