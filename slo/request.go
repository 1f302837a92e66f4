package slo

import (
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Limits of lists. They bound what a hostile file can ask for.
const (
	maxScenarios = 200
	maxSteps     = 200
	maxChecks    = 100
	maxHeaders   = 100
	maxWeight    = 1_000_000
	maxPath      = 8000 // what servers accept at least of a request line (RFC 9110, section 4.1)
)

// scenarios reads what the users do.
func (p *parser) scenarios(n *node) {
	taken := map[string]bool{}
	for _, item := range p.list(n, "scenarios", maxScenarios) {
		s := p.scenario(item)
		s.Name = p.unique(taken, s.Name, item, "scenario")
		p.file.Scenarios = append(p.file.Scenarios, s)
	}
}

// unique makes a default name unique and refuses a written one that is taken.
func (p *parser) unique(taken map[string]bool, name string, n *node, what string) string {
	switch {
	case name == "":
	case taken[name] && n.child("name") != nil:
		p.failNode(n.mend("name"), CodeNameTwice, fmt.Sprintf("a %s named %s stands before", what, quote(name)), "")
	default:
		plain := name
		for i := 2; taken[name]; i++ {
			name = fmt.Sprintf("%s #%d", plain, i)
		}
	}
	taken[name] = true
	return name
}

// child gives the value of a key of a map, or nil.
func (n *node) child(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

func (p *parser) scenario(n *node) Scenario {
	o := objectOf[scenarioDoc](p, n, "a scenario")
	s := Scenario{Name: p.name(o.get("name"), "the name"), Weight: int(p.count(o.get("weight"), "the weight", 1, maxWeight)), Pos: n.pos}
	if n.kind != mapNode {
		return s
	}
	p.scope = p.newScope()
	defer func() { p.scope = p.newScope() }()
	if o.has("steps") {
		alone := slices.DeleteFunc(keysOf[requestDoc](), func(key string) bool { return key == "auth" })
		o.exclude(p, "steps", alone, "write the request as one of the steps")
		defer func(of auth) { p.whose = of }(p.whose)
		p.whose = p.auth(o.get("auth"), p.whose)
	}
	s.Data = p.data(o.get("data"))
	taken := map[string]bool{}
	s.Start = p.plainSteps(o.get("start"), "start", taken)
	p.refuseMeasures(s.Start, "start")
	if o.has("steps") {
		s.Steps = p.steps(o.get("steps"), taken)
	} else if r := p.request(o, "request: GET /, or steps: with a list of requests"); r != nil {
		s.Steps = []Step{{Request: r, Pos: r.Pos}}
	}
	for _, step := range s.Steps {
		if s.Name == "" && step.Request != nil && !o.has("name") {
			s.Name = step.Request.Name
		}
	}
	p.session(o.get("session"), &s)
	return s
}

func (p *parser) steps(n *node, taken map[string]bool) []Step {
	var steps []Step
	requests := 0
	items := p.list(n, "steps", maxSteps)
	for _, item := range items {
		unfolded := p.scenarioStep(item, taken)
		// A step whose request is wrong counts, too: it has been reported.
		if slices.ContainsFunc(unfolded, func(s Step) bool { return s.Request != nil }) || item.child("pause") == nil {
			requests++
		}
		steps = append(steps, unfolded...)
	}
	if len(items) > 0 && requests == 0 {
		p.failNode(n, CodeMissing, "the scenario has no request", "pauses alone load nothing")
	}
	if len(steps) > maxIteration {
		p.failNode(n, CodeTooMany, fmt.Sprintf("an iteration has %d steps, at most %d are accepted", len(steps), maxIteration), "")
	}
	return steps
}

// stepOf reads a request or a pause.
func (p *parser) stepOf(o *object) Step {
	n := o.node
	if n.kind != mapNode {
		return Step{}
	}
	if o.has("pause") {
		o.exclude(p, "pause", append([]string{"name"}, keysOf[requestDoc]()...), "a pause is a step of its own: - pause: 200ms")
		pause := p.pause(o.get("pause"))
		return Step{Pause: pause, Pos: n.pos}
	}
	r := p.request(o, "request: GET /, or pause: 200ms")
	if name := p.name(o.get("name"), "the name"); r != nil && name != "" {
		r.Name = name
	}
	return Step{Request: r, Pos: n.pos}
}

// request reads the keys of a request in a step or a scenario.
func (p *parser) request(o *object, hint string) *Request {
	r := &Request{Timeout: p.duration(o.get("timeout"), "the timeout", p.file.HTTP.Timeout, maxTimeout), Pos: o.node.pos}
	r.Accept = p.accept(o.get("accept"))
	own := p.headers(o.get("headers"))
	r.Headers = override(p.defaultHeaders(), own)
	p.authorize(r, p.auth(o.get("auth"), p.whose), own)
	p.body(o, r)
	p.noteStream(o)
	p.stream(o, r)
	for _, item := range p.list(o.get("checks"), "checks", maxChecks) {
		if c, ok := p.check(item); ok {
			r.Checks = append(r.Checks, c)
		}
	}
	sends := p.sends(o, r, hint)
	p.query(o.get("query"), r)
	r.Captures = p.captures(o.get("capture"))
	r.Measures = p.measures(o.get("measure"))
	r.GoesOn = p.onFail(o.get("on_fail"))
	if !sends {
		return nil
	}
	return r
}

// methods are those that make sense for load. CONNECT asks for a tunnel.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "REPORT", "SEARCH", "PROPFIND", "PURGE"}

// requestLine reads METHOD PATH.
func (p *parser) requestLine(n *node, r *Request) {
	text, ok := p.raw(n, "a request")
	if !ok {
		return
	}
	method, path, found := strings.Cut(strings.TrimSpace(text), " ")
	path = strings.TrimSpace(path)
	upper := strings.ToUpper(method)
	const form = "a request is METHOD PATH, such as GET /health"
	switch {
	case !found || path == "":
		p.failNode(n, CodeRequest, quote(text)+" is not METHOD PATH", form)
	case !slices.Contains(methods, upper):
		p.failNode(n, CodeRequest, "unknown method "+quote(method)+didYouMean(upper, methods), "the methods are "+strings.Join(methods, " "))
	case !strings.HasPrefix(path, "/"):
		p.failNode(n, CodeRequest, "the path "+quote(path)+" does not begin with /", form+"; the host stands in target")
	default:
		r.Method = upper
		r.Written = defaultName(upper, path)
		r.Name = r.Written
		r.Path = p.path(n, text, path)
	}
}

// defaultName names a step by its request as it is written, so that no secret
// of a query gets into it.
func defaultName(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	name := []rune(harmless(method + " " + path))
	return string(name[:min(len(name), maxName)])
}

// path reads the path and query of a request. Values are escaped: a variable
// cannot bring in another path segment or parameter.
func (p *parser) path(n *node, text, path string) Template {
	segments, err := splitValues(path)
	shift := width(text[:strings.LastIndex(text, path)])
	if err != nil {
		f := *asFault(err)
		f.offset += shift
		p.failText(n, &f)
		return nil
	}
	before, after := splitAtQuery(segments)
	for _, list := range [][]segment{before, after} {
		for i := range list {
			list[i].offset += shift
		}
	}
	inPath := slot{dynamic: true, secret: true, literal: escapeOutsiders, static: url.PathEscape, escape: EscapePath}
	inQuery := slot{dynamic: true, secret: true, literal: escapeOutsiders, static: url.QueryEscape, escape: EscapeForm}
	var b builder
	okPath, okQuery := p.fill(&b, n, before, inPath), p.fill(&b, n, after, inQuery)
	if !okPath || !okQuery {
		return nil
	}
	t := b.template()
	p.checkPath(n, t)
	return t
}

// splitAtQuery parts segments behind the first question mark.
func splitAtQuery(all []segment) (before, after []segment) {
	for i, s := range all {
		at := strings.IndexByte(s.text, '?')
		if s.value || at < 0 {
			continue
		}
		before = append(slices.Clone(all[:i]), segment{text: s.text[:at+1], offset: s.offset})
		rest := segment{text: s.text[at+1:], offset: s.offset + width(s.text[:at+1])}
		return before, append([]segment{rest}, all[i+1:]...)
	}
	return all, nil
}

// escapeOutsiders writes what a request line cannot hold as %XX, and keeps
// the rest: the user may have escaped it already.
func escapeOutsiders(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (p *parser) checkPath(n *node, t Template) {
	length := 0
	for _, part := range t {
		length += len(part.Literal)
		switch {
		case strings.ContainsFunc(part.Literal, func(r rune) bool { return r <= ' ' || r == 0x7f }):
			p.failNode(n, CodeRequest, "the path holds a blank or a control character", "a blank is written as %20")
		case strings.Contains(part.Literal, "#"):
			p.failNode(n, CodeRequest, "the path holds a fragment, which is never sent", "a # in a path is written as %23")
		case !validEscapes(part.Literal):
			p.failNode(n, CodeRequest, "the path holds a % that is no escape", "a percent sign is written as %25")
		default:
			continue
		}
		return
	}
	if length > maxPath {
		p.failNode(n, CodeRequest, fmt.Sprintf("the path has more than %d bytes", maxPath), "")
	}
}

// query adds parameters to the path.
func (p *parser) query(n *node, r *Request) {
	fields := p.fields(n, "query", "for example query: {page: 2, tag: [new, cheap]}")
	if len(fields) == 0 || len(r.Path) == 0 {
		return
	}
	separator, length := "?", 0
	for _, part := range r.Path {
		if strings.Contains(part.Literal, "?") {
			separator = "&"
		}
	}
	if last := r.Path[len(r.Path)-1].Literal; strings.HasSuffix(last, "?") || strings.HasSuffix(last, "&") {
		separator = ""
	}
	var b builder
	for _, part := range slices.Concat(r.Path, Template{{Literal: separator}}, fields) {
		length += len(part.Literal)
		b.part(part)
	}
	if r.Path = b.template(); length > maxPath {
		p.failNode(n, CodeRequest, fmt.Sprintf("the path and its query have more than %d bytes", maxPath), "")
	}
}

func validEscapes(s string) bool {
	_, err := url.PathUnescape(s)
	return err == nil
}

// accept reads the accepted status codes.
func (p *parser) accept(n *node) []StatusRange {
	if n == nil {
		return []StatusRange{{200, 399}}
	}
	var all []StatusRange
	for _, item := range p.list(n, "accept", maxChecks) {
		if r, ok := scalarOf(p, item, "a status", parseStatus); ok {
			all = append(all, r)
		}
	}
	return all
}

// engineHeaders belong to the connection or frame the body; another value
// than the engine's would break the connection.
var engineHeaders = []string{"Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// headers reads a map of headers.
func (p *parser) headers(n *node) []Header {
	if n == nil {
		return nil
	}
	if n.kind != mapNode {
		p.failNode(n, CodeKind, "headers must be a map, this is "+n.describe(), `for example headers: {accept: application/json}`)
		return nil
	}
	if len(n.entries) > maxHeaders {
		p.failNode(n, CodeTooMany, fmt.Sprintf("more than %d headers", maxHeaders), "")
		return nil
	}
	var all []Header
	for _, e := range n.entries {
		h := Header{Name: textproto.CanonicalMIMEHeaderKey(e.key), Pos: e.pos}
		taken := slices.ContainsFunc(all, func(other Header) bool { return other.Name == h.Name })
		switch {
		case !isToken(e.key):
			p.fail(e.pos, width(e.key), CodeHeader, quote(e.key)+" is not the name of a header", "a name has letters, digits and hyphens")
		case slices.Contains(engineHeaders, h.Name):
			p.fail(e.pos, width(e.key), CodeHeader, "the header "+h.Name+" is set by slogate", "")
		case taken:
			p.fail(e.pos, width(e.key), CodeDuplicate, "the header "+h.Name+" stands twice; the case of letters does not matter", "")
		default:
			h.Value = p.headerValue(e.value)
			if h.Name == "Host" {
				p.sendsTo(fmt.Sprintf("the host in line %d", h.Pos.Line), h.Value)
			}
			all = append(all, h)
		}
	}
	return all
}

func (p *parser) headerValue(n *node) Template {
	text, ok := p.raw(n, "the value of a header")
	if !ok {
		return nil
	}
	t, _ := p.template(n, strings.TrimSpace(text), plainText)
	for _, part := range t {
		if strings.ContainsFunc(part.Literal+strings.Join(part.Args, ""), func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			p.failNode(n, CodeHeader, "the value holds a line break or a control character", "")
			return nil
		}
	}
	return t
}

// isToken reports a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	outside := func(r rune) bool {
		return !(r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&'*+-.^_`|~", r)))
	}
	return s != "" && !strings.ContainsFunc(s, outside)
}

// override gives the defaults that are not replaced, then the others.
func override(defaults, own []Header) []Header {
	var all []Header
	for _, d := range defaults {
		if !hasHeader(own, d.Name) {
			all = append(all, d)
		}
	}
	return append(all, own...)
}

func hasHeader(list []Header, name string) bool {
	return slices.ContainsFunc(list, func(h Header) bool { return h.Name == name })
}
