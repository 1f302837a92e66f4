package loader

import (
	"net"
	"strings"
)

// way leads from a target's address to where it is: in a container, the service
// that the file calls localhost:8080 is at 172.17.0.1:8080. Both are a host and
// a port; an empty to is no way.
type way struct{ from, to string }

// of is where the way leads for an address: for the target's own, and for the
// other ports of the same host where the way changes the host alone.
func (w way) of(address string) string {
	host, port, err := net.SplitHostPort(address)
	fromHost, fromPort, _ := net.SplitHostPort(w.from)
	toHost, toPort, _ := net.SplitHostPort(w.to)
	switch {
	case w.to == "" || err != nil || !strings.EqualFold(host, fromHost):
		return address
	case port == fromPort:
		return w.to
	case fromPort == toPort:
		return net.JoinHostPort(toHost, port)
	}
	return address
}
