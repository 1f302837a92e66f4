package slo

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Metrics says where more than response times can be read while the service is
// loaded.
type Metrics struct {
	Scrape     *Request    // the target's own Prometheus endpoint; nil: none
	Prometheus *Prometheus // nil: none
	CPUProfile *CPUProfile // nil: none is taken
}

// CPUProfile says how a profile of the service is taken while it is loaded.
type CPUProfile struct {
	Request  *Request      // for the target's pprof endpoint, without the duration; nil: Command
	Command  string        // shell command that prints a profile of a service that slogate starts
	Duration time.Duration // whole seconds; of shorter stages as long as they last
	Stages   []string      // by their names, expanded ones included
	Pos      Pos
}

// Name is what messages call the way to a profile: the request, or the command.
func (c *CPUProfile) Name() string {
	if c.Command != "" {
		return "command"
	}
	return c.Request.Name
}

// Asks is the request for a profile of so many seconds.
func (c *CPUProfile) Asks(seconds int) *Request {
	r := *c.Request
	separator := "?"
	if slices.ContainsFunc(r.Path, func(part Part) bool { return strings.Contains(part.Literal, "?") }) {
		separator = "&"
	}
	r.Path = append(slices.Clone(r.Path), Part{Literal: fmt.Sprintf("%sseconds=%d", separator, seconds)})
	return &r
}

// Seconds is for how long a profile is taken in a stage, 0 where none is: not
// longer than the stage is planned to last.
func (c *CPUProfile) Seconds(s Stage) int {
	if !slices.Contains(c.Stages, s.Name) {
		return 0
	}
	d := c.Duration
	if s.Workload.Duration > 0 {
		d = min(d, s.Workload.Duration)
	}
	return max(int(d/time.Second), 1)
}

// Prometheus is a server that is asked, after the last stage, what its queries
// gave during each.
type Prometheus struct {
	URL     string        // base URL, perhaps with a path, without a slash at its end
	Request Request       // what all requests have in common: headers, signature, time limit
	Delay   time.Duration // after the last stage until a sample of it can be asked for
	Queries []Query       // in the order of the file
}

// Query is what the indicators metric.NAME are computed of.
type Query struct {
	Name string
	Text string // PromQL that gives one series
}

// AtPrometheus returns a file to ask the Prometheus server by: connections are
// made as those to the target, and nothing of what the target is sent goes
// along.
func (f *File) AtPrometheus() *File {
	server := f.Metrics.Prometheus
	scheme, _, _ := strings.Cut(server.URL, "://")
	host, _ := server.parts()
	h := HTTP{Timeout: f.HTTP.Timeout, Resolve: f.HTTP.Resolve, Source: f.HTTP.Source, Proxy: f.HTTP.Proxy, TLS: f.HTTP.TLS}
	h.TLS.ServerName = ""
	return &File{
		Target: scheme + "://" + host, HTTP: h, Tokens: f.Tokens, Secrets: f.Secrets, Stranger: f.Stranger,
		Scenarios: []Scenario{{Name: "prometheus", Steps: []Step{{Request: server.Ask("/", nil)}}}},
	}
}

// Ask is the request for a path of the server's API and its parameters.
func (s *Prometheus) Ask(path string, parameters url.Values) *Request {
	_, prefix := s.parts()
	r := s.Request
	r.Path = Template{{Literal: prefix + path + "?" + parameters.Encode()}}
	return &r
}

// parts of the URL: host and port, and the path.
func (s *Prometheus) parts() (host, path string) {
	_, rest, _ := strings.Cut(s.URL, "://")
	host, path, found := strings.Cut(rest, "/")
	if found {
		path = "/" + path
	}
	return host, path
}

const (
	// defaultDelay is longer than most endpoints take to be scraped: a sample has
	// the time at which its scrape began.
	defaultDelay = 5 * time.Second
	maxDelay     = 10 * time.Minute
	maxQueries   = 20
	maxQuery     = 10_000 // bytes

	prometheusExample = "for example prometheus: {url: http://localhost:9090, queries: {cpu: 'sum(rate(container_cpu_usage_seconds_total[1m]))'}}"
)

// metrics reads where the cost of the service is found, and what else is asked.
func (p *parser) metrics(n *node) {
	if n == nil {
		return
	}
	o := objectOf[metricsDoc](p, n, "metrics")
	p.scrape(o.get("scrape"))
	p.prometheus(o.get("prometheus"))
	p.cpuProfile(o.get("cpu_profile"))
	if n.kind == mapNode && len(n.entries) == 0 {
		p.failNode(n, CodeMissing, "metrics is empty", "metrics: {scrape: /metrics}")
	}
}

// scrape reads the path of the target's own Prometheus endpoint.
func (p *parser) scrape(n *node) {
	if path, ok := p.ownPath(n, "scrape", "/metrics"); ok {
		p.file.Metrics.Scrape = p.ownRequest(n, path)
	}
}

// ownPath reads a path of the target.
func (p *parser) ownPath(n *node, key, example string) (path string, ok bool) {
	text, ok := p.raw(n, "the path of "+key)
	if path = strings.TrimSpace(text); ok && !strings.HasPrefix(path, "/") {
		p.failNode(n, CodeRequest, quote(path)+" does not begin with /", key+" is a path of the target, such as "+example)
		return "", false
	}
	return path, ok
}

// ownRequest asks the target for one of its paths, as all requests to it do.
func (p *parser) ownRequest(n *node, path string) *Request {
	r := &Request{
		Name: defaultName(http.MethodGet, path), Method: http.MethodGet, Path: p.path(n, n.text, path),
		Timeout: p.file.HTTP.Timeout, Headers: p.file.HTTP.Headers, Pos: n.pos,
	}
	p.authorize(r, p.whose, nil)
	return r
}

// prometheus reads what a Prometheus server is asked. It gets nothing that a
// step has captured: these values are the service's.
func (p *parser) prometheus(n *node) {
	if n == nil {
		return
	}
	o := objectOf[prometheusDoc](p, n, "prometheus")
	if n.kind != mapNode {
		return
	}
	before := p.scope
	p.scope = &scope{}
	defer func() { p.scope = before }()
	s := &Prometheus{
		URL:     p.prometheusURL(o.need(p, "url", prometheusExample)),
		Delay:   p.duration(o.get("delay"), "the delay", defaultDelay, maxDelay),
		Queries: p.queries(o.need(p, "queries", prometheusExample)),
	}
	own := p.headers(o.get("headers"))
	s.Request = Request{
		Name: "prometheus", Method: http.MethodGet, Headers: own, Pos: n.pos,
		Timeout: p.duration(o.get("timeout"), "the timeout", defaultTimeout, maxTimeout),
		// The API explains itself with the others.
		Accept: []StatusRange{{200, 200}, {400, 400}, {422, 422}, {503, 503}},
	}
	p.authorize(&s.Request, p.auth(o.get("auth"), auth{}), own)
	p.file.Metrics.Prometheus = s
}

// prometheusURL reads the address of a Prometheus server. The limits on hosts
// and the rules of trust hold for it.
func (p *parser) prometheusURL(n *node) string {
	text := strings.TrimRight(p.secretText(n, "the url"), "/")
	if n == nil || text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u.Hostname()) || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		p.failTarget(n, text, &fault{code: CodePrometheus, msg: "not the address of a Prometheus server", hint: "it is http:// or https:// with a host and perhaps a port and a path; " + prometheusExample})
		return ""
	}
	p.leadsTo(n, "the Prometheus server", text)
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

func (p *parser) queries(n *node) []Query {
	switch {
	case n == nil:
		return nil
	case n.kind != mapNode:
		p.failNode(n, CodeKind, "queries must be a map, this is "+n.describe(), prometheusExample)
		return nil
	case len(n.entries) == 0:
		p.failNode(n, CodeMetric, "there is no query", prometheusExample)
		return nil
	case len(n.entries) > maxQueries:
		p.failNode(n, CodeTooMany, fmt.Sprintf("more than %d queries", maxQueries), "")
		return nil
	}
	var all []Query
	for _, e := range n.entries {
		all = append(all, Query{Name: e.key}) // also a wrong one: its objectives are not to blame
		if !variableName.MatchString(e.key) || width(e.key) > maxName {
			p.fail(e.pos, width(e.key), CodeMetric, quote(e.key)+" is not the name of a metric", "a name has letters, digits and underscores, and begins with no digit")
			continue
		}
		text, ok := p.fixed(e.value, "a query")
		switch text = strings.TrimSpace(text); {
		case !ok:
		case text == "":
			p.failNode(e.value, CodeMetric, "the query is empty", prometheusExample)
		case len(text) > maxQuery:
			p.failNode(e.value, CodeMetric, fmt.Sprintf("the query has more than %d bytes", maxQuery), "let a recording rule of the server compute it")
		default:
			all[len(all)-1].Text = text
		}
	}
	return all
}

// isAsked refuses a metric that no query gives.
func (p *parser) isAsked(i Indicator) error {
	var names []string
	if s := p.file.Metrics.Prometheus; s != nil {
		for _, q := range s.Queries {
			if q.Name == i.Measure {
				return nil
			}
			names = append(names, q.Name)
		}
	}
	hint := "a query of metrics gives it; " + prometheusExample
	if len(names) > 0 {
		hint = "the queries are " + listed(names)
	}
	return &fault{code: CodeMetric, msg: "no query gives the metric " + quote(i.Measure) + didYouMean(i.Measure, names), hint: hint}
}

const (
	// defaultProfile is as long as it takes to see a share of a percent in a
	// service that uses a core: a thousand samples.
	defaultProfile = 10 * time.Second
	maxProfile     = time.Minute

	cpuProfileExample = "for example cpu_profile: {path: /debug/pprof/profile, duration: 10s}"
	profileCommand    = `command: "./profile -seconds $PROFILE_SECONDS"`
)

// cpuProfile reads how a profile is taken. Its stages are looked at when all
// are known.
func (p *parser) cpuProfile(n *node) {
	if n == nil {
		return
	}
	o := objectOf[cpuProfileDoc](p, n, "cpu_profile")
	if n.kind != mapNode {
		return
	}
	c := &CPUProfile{Duration: p.duration(o.get("duration"), "the duration", defaultProfile, maxProfile), Pos: n.pos}
	if c.Duration%time.Second != 0 {
		p.failNode(o.get("duration"), CodeProfiling, "a profile lasts whole seconds", cpuProfileExample)
	}
	if command := o.get("command"); command != nil {
		o.exclude(p, "command", []string{"path"}, "a profile is asked for or made by a command")
		c.Command = p.command(command, "command")
		if p.file.Service == nil {
			p.failNode(command, CodeProfiling, "command profiles a service that slogate starts, and the file has no service", "a service that runs already is profiled by path; "+cpuProfileExample)
		}
	} else {
		at := o.need(p, "path", cpuProfileExample+", or "+profileCommand)
		if path, ok := p.ownPath(at, "cpu_profile", "/debug/pprof/profile"); ok {
			c.Request = p.ownRequest(at, path)
		}
	}
	p.profiled = p.list(o.get("stages"), "stages", maxProfiledStages)
	p.file.Metrics.CPUProfile = c
}

const maxProfiledStages = 100

// checkProfiled finds the stages that a profile is taken in: those that the
// file names, or else all that are judged. A search has no load of its own, and
// workloads at the same time have no profile of their own.
func (p *parser) checkProfiled() {
	c := p.file.Metrics.CPUProfile
	if c == nil {
		return
	}
	for _, s := range p.file.Stages {
		if p.profiled == nil && s.Judge && !s.Workload.Search && s.Parallel == "" {
			c.Stages = append(c.Stages, s.Name)
		}
	}
	for _, n := range p.profiled {
		if name, ok := p.fixed(n, "a stage"); ok {
			c.Stages = append(c.Stages, p.stagesOf(n, name)...)
		}
	}
}

// stagesOf are the stages that a name of the file stands for: the one of this
// name, or else the levels of a staircase.
func (p *parser) stagesOf(n *node, name string) []string {
	var found, names []string
	for _, s := range p.file.Stages {
		names = append(names, s.Name)
	}
	whole := slices.Contains(names, name)
	for _, s := range p.file.Stages {
		switch {
		case s.Name != name && (whole || !strings.HasPrefix(s.Name, name+"/")):
		case s.Workload.Search || s.Parallel != "":
			p.failNode(n, CodeProfiling, "no profile can be taken in the stage "+quote(s.Name), "name a stage with one workload")
			return nil
		default:
			found = append(found, s.Name)
		}
	}
	if found == nil && p.opts.Profile == "" { // else the stage may not be among those that were chosen
		p.failNode(n, CodeProfiling, "there is no stage "+quote(name)+" to take a profile in"+didYouMean(name, names), "the stages are "+listed(names))
	}
	return found
}
