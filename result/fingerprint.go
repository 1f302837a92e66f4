package result

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
)

// Fingerprint is what must be equal for two measurements of a stage to be
// comparable. An empty field is unknown and differs from nothing.
type Fingerprint struct {
	Load     string // the stage's workload and steps
	Route    string // kind of the target's addresses (loopback, private, public), or of the way around them
	Protocol string // "HTTP/1.1", "HTTP/2 with TLS"
	Machine  string // operating system and architecture of the generator
	CPU      string // model name
	Cores    string
	Major    string // major version of slogate
	Parts    string // how many generators there were
}

// FingerprintOf returns the fingerprint of a stage of a run.
func FingerprintOf(r *Run, s *Stage) Fingerprint {
	f := Fingerprint{
		Load:     load(s),
		Route:    routeKind(r.Route),
		Protocol: protocol(r, s),
		CPU:      r.Machine.CPU,
		Parts:    parts(r.Shard),
	}
	if r.TookTurns(s) {
		f.Load += " in turn with base"
	}
	if r.Machine.OS != "" {
		f.Machine = r.Machine.OS + "/" + r.Machine.Arch
	}
	if r.Machine.Cores > 0 {
		f.Cores = fmt.Sprint(r.Machine.Cores)
	}
	if strings.HasPrefix(r.Slogate, "v") {
		f.Major, _, _ = strings.Cut(r.Slogate, ".")
	}
	return f
}

// Difference names the first field in which two fingerprints differ, with
// both values; empty where they are comparable.
func (f Fingerprint) Difference(earlier Fingerprint) string {
	for _, field := range []struct{ name, now, then string }{
		{"load", f.Load, earlier.Load},
		{"route", f.Route, earlier.Route},
		{"protocol", f.Protocol, earlier.Protocol},
		{"machine", f.Machine, earlier.Machine},
		{"CPU", f.CPU, earlier.CPU},
		{"CPU count", f.Cores, earlier.Cores},
		{"slogate version", f.Major, earlier.Major},
		{"number of generators", f.Parts, earlier.Parts},
	} {
		if field.now != "" && field.then != "" && field.now != field.then {
			return fmt.Sprintf("another %s: %s, now %s", field.name, field.then, field.now)
		}
	}
	return ""
}

// protocol is what a stage's requests were sent in; unknown where none was.
func protocol(r *Run, s *Stage) string {
	if s.Generator.Engine == "" {
		return ""
	}
	spoken := cmp.Or(s.Generator.Protocol, "HTTP/1.1")
	if strings.HasPrefix(r.Target, "https:") {
		spoken += " with TLS"
	}
	return spoken
}

// parts is how many generators have made a result, or which one of them.
func parts(s Shard) string {
	if s.IsPart() {
		return s.String()
	}
	return fmt.Sprint(max(s.Count, 1))
}

// load writes a stage's workload, the steps that it is made of and what ran
// beside it.
func load(s *Stage) string {
	if s.Workload.Model == "" {
		return ""
	}
	parts := []string{workload(s.Workload)}
	for _, step := range s.Steps {
		parts = append(parts, step.Scenario+"/"+step.Name)
	}
	for _, w := range s.Beside {
		parts = append(parts, "beside "+workload(w))
	}
	return strings.Join(parts, " ")
}

// workload writes the load of a stage.
func workload(w Workload) string {
	parts := []string{w.Model}
	if w.Requests > 0 {
		parts = append(parts, fmt.Sprintf("%d requests", w.Requests))
	}
	if w.Duration > 0 {
		parts = append(parts, w.Duration.String())
	}
	if w.Search {
		parts = append(parts, "search")
	}
	if w.Model == "open" {
		parts = append(parts, fmt.Sprintf("%g..%g/s %s", w.RateFrom, w.RateTo, w.Arrivals))
	} else {
		parts = append(parts, fmt.Sprintf("%d..%d workers", w.WorkersFrom, w.WorkersTo))
	}
	return strings.Join(parts, " ")
}

// routeKind is the kind of a route, which is the target's addresses, or an
// address and by what the action reached it: "localhost:80 via bridge gateway
// 172.17.0.1". Empty where it cannot be told.
func routeKind(route string) string {
	if _, via, around := strings.Cut(route, " via "); around {
		return via[:max(0, strings.LastIndex(via, " "))] // without that run's own address
	}
	const inside = " in the runner's network"
	addresses, isInside := strings.CutSuffix(route, inside)
	kind := farthest(addresses)
	if isInside && kind != "" {
		kind += inside
	}
	return kind
}

// farthest is the farthest kind of addresses, which stand in a list with commas;
// empty where none can be read.
func farthest(addresses string) string {
	kinds := []string{"", "loopback", "private", "public"}
	far := 0
	for text := range strings.SplitSeq(addresses, ",") {
		addr, ok := address(strings.TrimSpace(text))
		if !ok {
			continue
		}
		kind := 3
		switch {
		case addr.IsLoopback():
			kind = 1
		case addr.IsPrivate(), addr.IsLinkLocalUnicast():
			kind = 2
		}
		far = max(far, kind)
	}
	return kinds[far]
}

func address(text string) (netip.Addr, bool) {
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(text)
	return addr.Unmap(), err == nil
}
