package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxServices bounds the services that redirects may lead to besides the
// target: each has connections of its own.
const maxServices = 8

// follow sends a request and follows the redirects of its answer. They are one
// request: its time and its bytes are those of all.
func (l *Loader) follow(ctx context.Context, st *step, u *user, r request) *exchanged {
	x := l.client.do(ctx, r)
	if l.file.HTTP.Redirects == 0 || st.callee != nil { // a method of gRPC is not led elsewhere
		return x
	}
	at := *l.target
	for x.err == nil && isRedirect(&x.reply) {
		next, to, err := l.redirected(st, u, r, x, &at)
		if err != nil {
			x.err = err
			break
		}
		x = l.goOn(ctx, st, u, x, next, to)
		if !sameService(l.target, to.target) {
			x.setCookie = nil
		}
		r, at = next, *to.target
	}
	return x
}

// hop is where a redirect leads.
type hop struct {
	target *url.URL // the service
	client *client
}

func isRedirect(r *reply) bool {
	switch r.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return r.header.Get("Location") != ""
	}
	return false
}

// goOn ends an exchange and sends the request that follows it.
func (l *Loader) goOn(ctx context.Context, st *step, u *user, x *exchanged, next request, to hop) *exchanged {
	before := x.answer
	hungUp := x.done()
	if u.shard != nil {
		u.shard.redirected(st, &outcome{
			opened: before.opened, connect: before.connect, secured: before.secured, resumed: before.resumed,
			reused: before.reused, streams: before.streams,
		})
		if hungUp {
			u.shard.closedByPeer()
		}
	}
	next.timeout = max(next.timeout-time.Since(before.start), time.Nanosecond)
	x = to.client.do(ctx, next)
	if x.err != nil && to.client != l.client {
		x.err = &ledError{x.err}
	}
	x.start, x.redirects = before.start, before.redirects+1
	if !before.wrote.IsZero() {
		x.wrote = before.wrote
	}
	x.in, x.out = x.in+before.in, x.out+before.out
	return x
}

// redirected makes the request that a redirect asks for.
func (l *Loader) redirected(st *step, u *user, r request, x *exchanged, at *url.URL) (request, hop, error) {
	if x.redirects >= l.file.HTTP.Redirects {
		return r, hop{}, fmt.Errorf("more than %d redirects", l.file.HTTP.Redirects)
	}
	head := parseHead(r.message)
	from := *at
	from.Path, from.RawQuery = "", ""
	here, err := from.Parse(head.path)
	if err != nil {
		return r, hop{}, fmt.Errorf("redirect: %w", err)
	}
	location, err := here.Parse(x.header.Get("Location"))
	if err != nil {
		return r, hop{}, errors.New("redirect: the location is not a URL")
	}
	to, err := l.hopTo(location)
	if err != nil {
		return r, hop{}, err
	}
	isSame := sameService(at, to.target)
	u.keepCookies(st, &x.reply)
	if err := head.redirect(x.status, isSame); err != nil {
		return r, hop{}, err
	}
	if !isSame || head.host == at.Host { // else it is the file's own
		head.host = to.target.Host
	}
	head.path = strings.ReplaceAll(location.RequestURI(), " ", "%20")
	head.dress(l.manner.of(to.target))
	if isSame && st.message.cookies && u.session != nil && sameService(l.target, to.target) {
		u.session.path = append(u.session.path[:0], head.path...)
		head.cookies = u.session.at.jar.append(nil, u.session.path, u.now)
		head.drop("Cookie")
	}
	if isSame && sameService(l.target, to.target) {
		if err := st.signAnew(head, u); err != nil {
			return r, hop{}, err
		}
	}
	r.message, r.isHead, r.events = head.write(), head.method == http.MethodHead, eventsOf(st, u)
	return r, to, nil
}

// hopTo finds the service that a location names.
func (l *Loader) hopTo(location *url.URL) (hop, error) {
	if location.Scheme != "http" && location.Scheme != "https" || location.Host == "" {
		return hop{}, fmt.Errorf("redirect to the scheme %q", location.Scheme)
	}
	if !l.file.Limits.Allow(location.Hostname()) {
		return hop{}, fmt.Errorf("redirect to the host %q, which the limits do not allow", location.Hostname())
	}
	if l.file.Stranger && !strings.EqualFold(location.Hostname(), l.target.Hostname()) {
		return hop{}, fmt.Errorf("redirect to the host %q, in a change that may be a stranger's", location.Hostname())
	}
	service := &url.URL{Scheme: location.Scheme, Host: location.Host}
	if service.Scheme == l.target.Scheme && addressOf(service) == addressOf(l.target) {
		return hop{service, l.client}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := service.Scheme + "://" + addressOf(service)
	if c := l.others[key]; c != nil {
		return hop{service, c}, nil
	}
	if len(l.others) >= maxServices {
		return hop{}, fmt.Errorf("redirects to more than %d services", maxServices)
	}
	c, err := newClient(l.manner.of(service))
	if err != nil {
		return hop{}, err
	}
	if l.others == nil {
		l.others = map[string]*client{}
	}
	l.others[key] = c
	return hop{service, c}, nil
}

// sameService reports whether what one service was told may be told to the
// other: the same one, or the same host's https.
func sameService(a, b *url.URL) bool {
	if !strings.EqualFold(a.Hostname(), b.Hostname()) {
		return false
	}
	upgraded := a.Scheme == "http" && b.Scheme == "https" && isDefault(a) && isDefault(b)
	return upgraded || a.Scheme == b.Scheme && addressOf(a) == addressOf(b)
}

func isDefault(u *url.URL) bool {
	return u.Port() == "" || addressOf(u) == addressOf(&url.URL{Scheme: u.Scheme, Host: u.Hostname()})
}

// requestHead is a written request in its parts.
type requestHead struct {
	method, before, path, host string

	lines   [][]byte // of the headers, without Host
	cookies []byte   // the line of the jar
	body    []byte
}

// parseHead takes apart what render wrote.
func parseHead(message []byte) *requestHead {
	head, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	lines := bytes.Split(head, []byte("\r\n"))
	line := strings.Fields(string(lines[0]))
	h := &requestHead{method: line[0], path: line[1], body: body}
	if u, err := url.Parse(h.path); err == nil && u.Scheme != "" {
		h.path = u.RequestURI()
	}
	h.lines = lines[1:]
	for _, line := range h.lines {
		if name, value, _ := bytes.Cut(line, []byte(": ")); string(name) == "Host" {
			h.host = string(value)
		}
	}
	h.drop("Host")
	return h
}

// drop takes headers out.
func (h *requestHead) drop(names ...string) {
	h.lines = slices.DeleteFunc(h.lines, func(line []byte) bool {
		return slices.Contains(names, nameOf(line))
	})
}

func nameOf(line []byte) string {
	name, _, _ := bytes.Cut(line, []byte(":"))
	return http.CanonicalHeaderKey(string(name))
}

// dress writes what belongs to the way to the service.
func (h *requestHead) dress(m *manner) {
	h.before = m.before()
	h.drop("Connection", "Proxy-Authorization")
	for _, header := range m.headers() {
		value, _ := header.Value.Static()
		h.lines = append(h.lines, []byte(header.Name+": "+value))
	}
}

// toStrangers are the headers that another service than the one that a request
// was meant for may see. What a file gives may be a secret under any name.
var toStrangers = []string{"User-Agent", "Accept", "Accept-Encoding", "Accept-Language"}

// redirect changes the request as RFC 9110, section 15.4, asks for.
func (h *requestHead) redirect(status int, isSame bool) error {
	keeps := status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
	if status == http.StatusSeeOther && h.method != http.MethodHead || h.method == http.MethodPost && !keeps {
		h.method, h.body = http.MethodGet, nil
		h.drop("Content-Length", "Content-Type", "Content-Encoding")
	}
	switch {
	case isSame:
	case len(h.body) > 0:
		return errors.New("redirect of a request with a body to another service")
	default:
		h.lines = slices.DeleteFunc(h.lines, func(line []byte) bool { return !slices.Contains(toStrangers, nameOf(line)) })
	}
	return nil
}

func (h *requestHead) write() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s%s HTTP/1.1\r\nHost: %s\r\n", h.method, h.before, h.path, h.host)
	for _, line := range h.lines {
		b.Write(line)
		b.WriteString("\r\n")
	}
	b.Write(h.cookies)
	b.WriteString("\r\n")
	b.Write(h.body)
	return b.Bytes()
}
