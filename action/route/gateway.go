package route

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// bridged reports whether this is a container with a network of its own. Only
// there is the gateway the runner: elsewhere it is a router of somebody, whose
// port must not be loaded.
//
// Docker and Podman mark their containers with a file. One in the network of
// its host has it too, so the interface of the default route is looked at: in
// a bridged container it is one end of a pair, whose other end lies outside.
func bridged(files fs.FS) bool {
	_, docker := fs.Stat(files, ".dockerenv")
	_, podman := fs.Stat(files, "run/.containerenv")
	if docker != nil && podman != nil {
		return false
	}
	return slices.ContainsFunc(defaultRoutes(files), func(r hop) bool { return paired(files, r.device) })
}

// paired reports whether an interface has its peer elsewhere: its link's
// index is not its own.
func paired(files fs.FS, device string) bool {
	index, err1 := fs.ReadFile(files, "sys/class/net/"+device+"/ifindex")
	link, err2 := fs.ReadFile(files, "sys/class/net/"+device+"/iflink")
	return err1 == nil && err2 == nil && !bytes.Equal(bytes.TrimSpace(index), bytes.TrimSpace(link))
}

// gateways lists the addresses of the default gateways, those of IPv4 first.
func gateways(files fs.FS) []string {
	var all []string
	for _, r := range defaultRoutes(files) {
		if address := r.String(); !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}

// hop is a gateway and the interface that leads to it.
type hop struct {
	netip.Addr
	device string
}

func defaultRoutes(files fs.FS) []hop {
	v4, _ := fs.ReadFile(files, "proc/net/route")
	v6, _ := fs.ReadFile(files, "proc/net/ipv6_route")
	return append(parseRoute(v4), parseIPv6Route(v6)...)
}

// Flags of a route in the kernel's <linux/route.h>.
const (
	routeUp      = 0x1
	routeGateway = 0x2
)

// parseRoute reads the default gateways of /proc/net/route. Its addresses are
// the bytes of an IPv4 address in the order of the machine; all that Go
// serves a container action on are little-endian.
func parseRoute(text []byte) []hop {
	var hops []hop
	for line := range lines(text) {
		f := strings.Fields(line) // Iface Destination Gateway Flags RefCnt Use Metric Mask …
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" || !leads(f[3]) {
			continue
		}
		b, err := hex.DecodeString(f[2])
		if err != nil || len(b) != 4 {
			continue
		}
		slices.Reverse(b)
		hops = appendHop(hops, b, f[0])
	}
	return hops
}

// parseIPv6Route reads the default gateways of /proc/net/ipv6_route. Its
// addresses are 16 bytes in the order of the network. One that is local to
// its link gets the interface as its zone.
func parseIPv6Route(text []byte) []hop {
	const zero = "00000000000000000000000000000000"
	var hops []hop
	for line := range lines(text) {
		f := strings.Fields(line) // destination, its prefix, source, its prefix, gateway, metric, 2 counters, flags, device
		if len(f) < 10 || f[0] != zero || f[1] != "00" || f[2] != zero || !leads(f[8]) {
			continue
		}
		b, err := hex.DecodeString(f[4])
		if err != nil || len(b) != 16 {
			continue
		}
		hops = appendHop(hops, b, f[9])
	}
	return hops
}

// lines yields the lines of a file of the kernel.
func lines(text []byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
			if !yield(s.Text()) {
				return
			}
		}
	}
}

// leads reports whether a route is up and leads to a gateway.
func leads(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&(routeUp|routeGateway) == routeUp|routeGateway
}

func appendHop(hops []hop, address []byte, device string) []hop {
	a, ok := netip.AddrFromSlice(address)
	if !ok || a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || strings.ContainsAny(device, "/%") || device == ".." || device == "." {
		return hops
	}
	if a.Is6() && a.IsLinkLocalUnicast() {
		a = a.WithZone(device)
	}
	return append(hops, hop{a, device})
}
