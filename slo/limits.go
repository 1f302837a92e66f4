package slo

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Limits are the most that a run may do, so that a mistake or a stranger's file
// harms nobody. The zero value limits nothing.
type Limits struct {
	Rate        float64       // requests a second, whatever causes them
	Duration    time.Duration // of the whole run, from the first stage on
	Connections int           // to each service at the same time
	Hosts       [][]string    // patterns of hosts; a host has to match one of each list
}

// Bounds of the limits themselves.
const (
	longestRun = 30 * 24 * time.Hour
	maxHosts   = 100
)

// ParseLimits reads limits as they are written on a command line; hosts are
// separated by blanks or commas. An empty text limits nothing. The error is an
// [*Error] that names max-rate, max-duration or allowed-hosts.
func ParseLimits(rate, duration, hosts string) (Limits, error) {
	var l Limits
	var err error
	if rate != "" {
		if l.Rate, err = parseLimitedRate(rate); err != nil {
			return Limits{}, outside("max-rate", err)
		}
	}
	if duration != "" {
		if l.Duration, err = parseLimitedDuration(duration); err != nil {
			return Limits{}, outside("max-duration", err)
		}
	}
	var patterns []string
	for _, text := range strings.FieldsFunc(hosts, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		pattern, err := parseHosts(text)
		if err != nil {
			return Limits{}, outside("allowed-hosts", err)
		}
		patterns = append(patterns, pattern)
	}
	if patterns != nil {
		l.Hosts = [][]string{patterns}
	}
	return l, nil
}

// outside is an error of a setting outside of the file.
func outside(setting string, err error) *Error {
	f := asFault(err)
	return &Error{Code: f.code, Msg: setting + ": " + f.msg, Hint: f.hint}
}

// Stricter gives the lower one of each limit; hosts have to be allowed by both.
func (l Limits) Stricter(o Limits) Limits {
	if l.Rate == 0 || o.Rate > 0 && o.Rate < l.Rate {
		l.Rate = o.Rate
	}
	if l.Duration == 0 || o.Duration > 0 && o.Duration < l.Duration {
		l.Duration = o.Duration
	}
	if l.Connections == 0 || o.Connections > 0 && o.Connections < l.Connections {
		l.Connections = o.Connections
	}
	l.Hosts = append(l.Hosts[:len(l.Hosts):len(l.Hosts)], o.Hosts...)
	return l
}

// Allow reports whether the limits allow a host: a name, or an IP address
// without brackets.
func (l Limits) Allow(host string) bool {
	for _, list := range l.Hosts {
		if !matchesAny(list, host) {
			return false
		}
	}
	return true
}

func matchesAny(patterns []string, host string) bool {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	ip, err := netip.ParseAddr(name)
	isIP := err == nil
	for _, pattern := range patterns {
		suffix, isWild := strings.CutPrefix(pattern, "*")
		network, err := netip.ParsePrefix(pattern)
		switch {
		case err == nil:
			if isIP && network.Contains(ip.Unmap()) {
				return true
			}
		case isWild:
			if !isIP && strings.HasSuffix(name, suffix) && len(name) > len(suffix) {
				return true
			}
		case pattern == name, isIP && pattern == ip.Unmap().String():
			return true
		}
	}
	return false
}

func parseLimitedRate(s string) (float64, error) {
	rate, err := parseRate(s)
	if err == nil && (rate <= 0 || rate > maxRate) {
		err = rates.outside()
	}
	return rate, err
}

func parseLimitedDuration(s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err == nil && (d <= 0 || d > longestRun) {
		err = &fault{code: CodeRange, msg: "the duration must be above 0 and at most " + writeDuration(longestRun)}
	}
	return d, err
}

// parseHosts reads a pattern of hosts and gives it in lower case.
func parseHosts(s string) (string, error) {
	pattern := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), ".")
	if network, err := netip.ParsePrefix(pattern); err == nil {
		return network.Masked().String(), nil
	}
	if ip, err := netip.ParseAddr(strings.Trim(pattern, "[]")); err == nil {
		return ip.Unmap().String(), nil
	}
	if name := strings.TrimPrefix(pattern, "*."); isHost(name) && len(s) <= maxName*2 {
		return pattern, nil
	}
	return "", notA(CodeHosts, "pattern of hosts", s, "localhost, api.example.com, *.example.com, 10.1.2.3 or 10.0.0.0/8, without a scheme and a port")
}

// limits reads what the file permits, and joins it with what the options do.
func (p *parser) limits(n *node) {
	o := objectOf[limitsDoc](p, n, "the limits")
	l := Limits{Connections: int(p.count(o.get("connections"), "connections", 0, maxWorkers))}
	l.Rate, _ = scalarOf(p, o.get("rate"), "the rate", parseLimitedRate)
	l.Duration, _ = scalarOf(p, o.get("duration"), "the duration", parseLimitedDuration)
	var patterns []string
	for _, item := range p.list(o.get("hosts"), "hosts", maxHosts) {
		if pattern, ok := scalarOf(p, item, "a host", parseHosts); ok {
			patterns = append(patterns, pattern)
		}
	}
	if patterns != nil {
		l.Hosts = [][]string{patterns}
	}
	p.file.Limits = l.Stricter(p.opts.Limits)
}

// limitsHint ends what is said of a plan that exceeds them.
const limitsHint = "limits stand in the file, in the flags --max-rate, --max-duration and --allowed-hosts or in the action's inputs of these names; the lowest counts"

// checkHost refuses a service that the limits do not allow. The node is where
// it stands, nil where it overrides the file's.
func (p *parser) checkHost(n *node, what, target string) {
	u, err := url.Parse(target)
	if err != nil || target == "" || p.file.Limits.Allow(u.Hostname()) {
		return
	}
	msg := "the limits do not allow the host of " + what
	if n == nil || !strings.Contains(n.text, "${") { // else it may be a secret
		msg += ", " + quote(u.Hostname())
	}
	var lists []string
	for _, list := range p.file.Limits.Hosts {
		lists = append(lists, listed(list))
	}
	hosts := "it is none of " + strings.Join(lists, "; nor of ")
	if n == nil {
		p.failFile(CodeHost, msg, hosts)
		return
	}
	p.failNode(n, CodeHost, msg, hosts)
}

// checkLoad refuses a stage that plans more than the limits permit, and adds
// its time to that of the stages before it.
func (p *parser) checkLoad(written plannedStage, s Stage, before time.Duration) (until time.Duration, within bool) {
	l, w := p.file.Limits, s.Workload
	until = before + s.IdleBefore + w.Duration
	in := p.file.In(s)
	sent := p.file.HTTP.Sent()
	each, begun := in.PerIteration(Scope{})*sent, in.PerStart()*sent
	switch {
	case w.Model == Open && l.Rate > 0 && p.counted != nil && p.file.Peak(s) > l.Rate:
		of := ""
		if each != 1 {
			of = fmt.Sprintf(" of %s requests on average", writeNumber(each))
		}
		if p.file.HTTP.Redirects > 0 {
			of += ", redirects included"
		}
		if begun > 0 {
			of += fmt.Sprintf(", which begin up to as many users with %s requests each", writeNumber(begun))
		}
		p.failNode(cmp.Or(written.node.child("rate"), written.node.child("search")), CodeLimit, fmt.Sprintf("the stage %s has %s/s arrivals%s, the limits permit %s requests a second",
			quote(s.Name), writeNumber(max(w.RateFrom, w.RateTo)), of, writeNumber(l.Rate)), limitsHint)
	case w.Model == Closed && l.Connections > 0 && max(w.WorkersFrom, w.WorkersTo) > l.Connections:
		p.failNode(written.node.child("workers"), CodeLimit, fmt.Sprintf("the stage %s has %d workers, the limits permit %d connections",
			quote(s.Name), max(w.WorkersFrom, w.WorkersTo), l.Connections), "each worker has a connection of its own")
	case l.Duration > 0 && until > l.Duration:
		p.fail(s.Pos, 0, CodeLimit, fmt.Sprintf("with the stage %s the run takes %s at least, the limits permit %s",
			quote(s.Name), writeDuration(until), writeDuration(l.Duration)), limitsHint)
	default:
		return until, true
	}
	return until, false
}
