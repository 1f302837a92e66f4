package action

import (
	"errors"
	"fmt"
	"net/netip"
)

// network is a range of addresses that a run may not reach.
type network struct {
	prefix netip.Prefix
	what   string
}

// never are the networks that no workflow loads: whoever answers there hands
// out the credentials of the machine, or belongs to it.
var never = []network{
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "an address of cloud metadata"},       // Amazon
	{netip.MustParsePrefix("fd20:ce::254/128"), "an address of cloud metadata"},    // Google
	{netip.MustParsePrefix("fd00:42::42/128"), "an address of cloud metadata"},     // Scaleway
	{netip.MustParsePrefix("fd00:a9fe:a9fe::/48"), "an address of cloud metadata"}, // Akamai
	{netip.MustParsePrefix("100.100.100.200/32"), "an address of cloud metadata"},  // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), "an address of cloud metadata"},      // Oracle
	{netip.MustParsePrefix("168.63.129.16/32"), "an address of the cloud's agent"}, // Azure, where GitHub's runners are
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// private are the networks behind a runner: RFC 1918, RFC 6598, RFC 4193 and
// what RFC 3879 took out of use.
var private = []network{
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a private address"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fec0::/10"), "a private address"},
}

// carriers are the networks of IPv6 whose addresses hold one of IPv4, and in
// which bytes.
var carriers = []struct {
	prefix netip.Prefix
	at     [4]int
}{
	{netip.MustParsePrefix("::/96"), [4]int{12, 13, 14, 15}},           // IPv4-compatible, RFC 4291
	{netip.MustParsePrefix("::ffff:0:0:0/96"), [4]int{12, 13, 14, 15}}, // IPv4-translated, RFC 2765
	{netip.MustParsePrefix("64:ff9b::/96"), [4]int{12, 13, 14, 15}},    // NAT64, RFC 6052
	// NAT64 with a prefix of the network's own choice, RFC 8215: any of the
	// lengths that RFC 6052, section 2.2, has.
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{12, 13, 14, 15}},
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{9, 10, 11, 12}},
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{7, 9, 10, 11}},
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{6, 7, 9, 10}},
	{netip.MustParsePrefix("2002::/16"), [4]int{2, 3, 4, 5}}, // 6to4, RFC 3056
}

// RefusedAddress says why a job may not connect to an address, nil where it
// may. Link-local addresses and those of cloud metadata it never may; private
// ones where behindRunner says so. Loopback it always may. An address of IPv6
// that stands for one of IPv4 is looked at as both.
func RefusedAddress(address netip.Addr, behindRunner bool) error {
	address = address.Unmap().WithZone("")
	if address.IsLoopback() {
		return nil
	}
	for _, a := range append(carried(address), address) {
		if n, found := networkOf(never, a); found {
			return fmt.Errorf("%s, which is never reached from a workflow", n.what)
		}
		if n, found := networkOf(private, a); found && !behindRunner {
			return errors.New(n.what + ", which a change of a stranger reaches only where the workflow names the host in target, base-target or allowed-hosts")
		}
	}
	return nil
}

func networkOf(networks []network, address netip.Addr) (network, bool) {
	for _, n := range networks {
		if n.prefix.Contains(address) {
			return n, true
		}
	}
	return network{}, false
}

// carried are the addresses of IPv4 that one of IPv6 holds.
func carried(address netip.Addr) []netip.Addr {
	if !address.Is6() {
		return nil
	}
	var all []netip.Addr
	bytes := address.As16()
	for _, c := range carriers {
		if c.prefix.Contains(address) {
			all = append(all, netip.AddrFrom4([4]byte{bytes[c.at[0]], bytes[c.at[1]], bytes[c.at[2]], bytes[c.at[3]]}))
		}
	}
	return all
}
