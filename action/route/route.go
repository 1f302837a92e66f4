// Package route finds the way from the action's container to a server on the
// runner's localhost.
//
// A container action runs in a network of its own and cannot choose it, so
// the localhost of an SLO file is the action's container and not the runner.
// In come the target, the job's services and container, and what the
// container's system says about its network; out comes the address to connect
// to in the place of the target's. The URL, and with it Host and SNI, stays.
//
// There are a few candidates, in an order that prefers what was meant:
//
//  1. the address as given: a server beside us, or the runner's own network;
//  2. a service of the job that is published at the target's port, reached
//     directly at its label and container port;
//  3. the default gateway: on Docker's bridge that is the runner, and a server
//     that listens on 0.0.0.0 answers there;
//  4. the names that container engines give to their host;
//  5. the job's container, at its short id.
//
// [Find] tries all of them at the same time, again and again, until one
// answers. What answering means is the caller's: a TCP connect alone is not
// enough, because Docker's proxy accepts for a container in which nothing
// listens, and another job's server may own the port. With a wait_for request
// in the SLO file, a candidate is right only when that request succeeds.
//
// The package sends no request and does not know the CI.
package route

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// Kind names a way to a server.
type Kind string

// The kinds of candidates, in the order in which they are preferred.
const (
	Given     Kind = "given"     // the target's own address
	Service   Kind = "service"   // a service container of the job, by its label
	Gateway   Kind = "gateway"   // the default gateway, which on a bridge is the runner
	HostName  Kind = "host-name" // a name that the container engine gives to the runner
	Container Kind = "container" // the job's container
)

// Candidate is an address at which the target may be.
type Candidate struct {
	Kind    Kind
	Address string // host:port to connect to
	Via     string // the way in words: "bridge gateway 172.17.0.1"
}

// Describe says for a report how a target was reached: "localhost:8080 via
// bridge gateway 172.17.0.1".
func (c Candidate) Describe(target string) string {
	if c.Kind == Given {
		return target
	}
	return target + " via " + c.Via
}

// Job is what the CI tells about the job around the action. Both fields may
// be empty.
type Job struct {
	Services  string // the context job.services as JSON
	Container string // the id of the job's container
}

// System is what this container tells about its network.
type System struct {
	Files  fs.FS // the file system, from its root
	Lookup func(ctx context.Context, host string) ([]string, error)
}

// Loopback reports whether a host, as it stands in a URL, means the machine
// itself: localhost and names below it, 127.0.0.0/8, ::1 and the unspecified
// addresses, which a server prints that listens on all of its addresses.
func Loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	address = address.Unmap()
	return err == nil && (address.IsLoopback() || address.IsUnspecified())
}

// Candidates lists the addresses at which a target (host:port) may be, as
// given first. For a target that is no loopback, that is the only one. The
// error says that the job's services cannot be read.
func Candidates(ctx context.Context, target string, job Job, system System) ([]Candidate, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, fmt.Errorf("target %q: want host:port", target)
	}
	all := []Candidate{{Given, target, "the address as given"}}
	if !Loopback(host) || !bridged(system.Files) {
		return all, nil
	}
	services, err := published(job.Services, port)
	all = append(all, services...)
	for _, gateway := range gateways(system.Files) {
		all = append(all, Candidate{Gateway, net.JoinHostPort(gateway, port), "bridge gateway " + gateway})
	}
	all = append(all, hostNames(ctx, system.Lookup, port)...)
	all = append(all, jobContainer(job.Container, port)...)
	if err != nil {
		return all, fmt.Errorf("job services: %w", err)
	}
	return all, nil
}

// hostNames are the names of Docker, Podman and Docker Desktop for the
// machine that the container runs on. On Linux none of them resolves unless
// the engine was set up so; they are looked up side by side, because a name
// server without a way out takes its time.
func hostNames(ctx context.Context, lookup func(context.Context, string) ([]string, error), port string) []Candidate {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	names := []string{"host.docker.internal", "host.containers.internal", "gateway.docker.internal"}
	resolves := make([]bool, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			addresses, err := lookup(ctx, name)
			resolves[i] = err == nil && len(addresses) > 0
		})
	}
	wg.Wait()
	var all []Candidate
	for i, name := range names {
		if resolves[i] {
			all = append(all, Candidate{HostName, net.JoinHostPort(name, port), "host name " + name})
		}
	}
	return all
}

// shortID is how many digits of a container's id Docker's name server knows
// the container by.
const shortID = 12

// jobContainer is the container in which the job's steps run: it has no alias
// in its network.
func jobContainer(id, port string) []Candidate {
	if len(id) < shortID || strings.Trim(id, "0123456789abcdef") != "" {
		return nil
	}
	short := id[:shortID]
	return []Candidate{{Container, net.JoinHostPort(short, port), "job container " + short}}
}
