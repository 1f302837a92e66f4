package slo

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultTimeout is the time limit of a request: longer than any user waits,
// short enough that a dead target does not stall a build.
const defaultTimeout = 10 * time.Second

// target reads the base URL, from the options before the file.
func (p *parser) target(o *object) {
	if p.opts.Target != "" {
		p.file.Target = p.overriding("target", p.opts.Target)
		p.checkHost(nil, "the target that overrides the file's", p.file.Target)
		return
	}
	if p.opts.Plan && o.has("service") && !p.isPlaced(o.get("target")) {
		p.file.Target = ownTarget + ":$" + portVariable
		p.checkHost(nil, "the service that slogate starts", ownTarget)
		return
	}
	n := o.need(p, "target", "target: http://localhost:8000, or the flag --target")
	p.file.Target = p.baseURL(n, "the target")
	p.checkHost(n, "the target", p.file.Target)
}

// ownTarget is where a service listens that slogate starts, without its port.
const ownTarget = "http://127.0.0.1"

// portReference is how a target names the port of such a service.
var portReference = regexp.MustCompile(`\$(` + portVariable + `\b|\{(env\.)?` + portVariable + `\})`)

// isPlaced reports whether a target says by itself where the service is.
func (p *parser) isPlaced(n *node) bool {
	if n == nil {
		return false
	}
	port := portReference.FindString(n.text)
	if port == "${env."+portVariable+"}" {
		_, set := p.lookup(portVariable)
		return set
	}
	return port == ""
}

// overriding reads a base URL that stands in the place of the file's.
func (p *parser) overriding(key, value string) string {
	if path, isSocket := Socket(value); isSocket && path != "" {
		return socketScheme + path
	}
	target, err := parseTarget(value)
	if err != nil {
		f := asFault(err)
		p.errs = append(p.errs, &Error{Code: f.code, Msg: "the " + key + " that overrides the file's: " + f.msg, Hint: f.hint})
	}
	return target
}

// baseURL reads the address of a service, which may come from the environment.
func (p *parser) baseURL(n *node, what string) string {
	text, ok := p.raw(n, what)
	if !ok {
		return ""
	}
	slot := fixed(what)
	slot.secret = true
	sent := len(p.sent)
	t, ok := p.template(n, text, slot)
	if !ok {
		return ""
	}
	if isOneValue(text) {
		p.sent = p.sent[:sent] // the host gets its own name
	}
	resolved, _ := t.Static()
	if path, isSocket := Socket(resolved); isSocket {
		return p.socketWithin(n, path)
	}
	target, err := parseTarget(resolved)
	if err != nil {
		f := asFault(err)
		if strings.Contains(text, "${secret.") {
			f = &fault{code: f.code, msg: "the target with its secret is not a base URL", hint: targetHint}
		}
		p.failTarget(n, resolved, f)
	}
	if strings.Contains(text, "${") {
		p.hideHost(target)
	}
	return target
}

// hideHost makes a host that is a part of a secret one by itself: routes and
// errors name it without the rest. That it is this machine is none.
func (p *parser) hideHost(target string) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || !slices.ContainsFunc(p.file.Secrets, func(s string) bool { return strings.Contains(s, u.Host) }) {
		return
	}
	name := u.Hostname()
	if u.Port() != "" {
		p.keepSecret(u.Host)
	}
	if address, err := netip.ParseAddr(name); err == nil && !address.IsLoopback() || err != nil && strings.Contains(name, ".") {
		p.keepSecret(name)
	}
}

// socketScheme begins a target that is a unix socket.
const socketScheme = "unix:"

// Socket gives the path of the unix socket that a target is, and whether it is
// one.
func Socket(target string) (path string, isSocket bool) {
	path, isSocket = strings.CutPrefix(target, socketScheme)
	return strings.TrimPrefix(path, "//"), isSocket
}

// socketWithin gives a target that is a socket of the workspace. Others belong
// to the machine: who may connect to one of those can be more than the file may.
func (p *parser) socketWithin(n *node, name string) string {
	const hint = "a socket is relative to the SLO file and lies within the workspace: unix:run/app.sock; the flag --target may name any"
	path, err := p.within(name)
	if err == nil {
		err = p.leadsWithin(path)
	}
	if err != nil {
		p.failNode(n, CodeTarget, "the socket cannot be used: "+err.Error(), hint)
		return ""
	}
	return socketScheme + filepath.Join(p.workspace(), path)
}

// leadsWithin refuses a path that symbolic links lead out of the workspace. It
// may not be there yet.
func (p *parser) leadsWithin(path string) error {
	root, err := os.OpenRoot(p.workspace())
	if err != nil {
		return fmt.Errorf("open the workspace: %w", err)
	}
	defer root.Close()
	if _, err := root.Stat(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.New(reason(err))
	}
	return nil
}

// failTarget reports a target without showing a password that it may hold.
func (p *parser) failTarget(n *node, resolved string, f *fault) {
	e := &Error{Code: f.code, Line: n.pos.Line, Column: n.pos.Column, Width: width(n.text), Msg: f.msg, Hint: f.hint}
	p.add(e)
	if strings.Contains(resolved, "@") {
		e.Source = ""
	}
}

// hostName is a name of the DNS or of a container; underscores occur in the
// latter.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

const targetHint = "a target is http:// or https:// with a host and perhaps a port, such as http://localhost:8000, or a unix socket: unix:run/app.sock"

// parseTarget reads a base URL and gives it without a slash at its end.
func parseTarget(s string) (string, error) {
	wrong := func(msg string) error {
		return &fault{code: CodeTarget, msg: msg, hint: targetHint}
	}
	if strings.Contains(s, "@") {
		return "", &fault{code: CodeTarget, msg: "a user or password in the target is not accepted", hint: `send it as a header: authorization: "Basic ${secret.NAME}"`}
	}
	scheme, rest, found := strings.Cut(s, "://")
	switch scheme = strings.ToLower(scheme); {
	case s == "":
		return "", wrong("the target is empty")
	case !found:
		return "", &fault{code: CodeTarget, msg: "the target " + quote(s) + " has no scheme", hint: "write it as " + quote("http://"+s)}
	case scheme != "http" && scheme != "https":
		return "", wrong("the target has the scheme " + quote(scheme))
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil {
		return "", wrong("the target " + quote(s) + " is not a URL" + portProblem(rest))
	}
	return checkTarget(u, s, wrong)
}

// IsTarget reports a base URL that a file may name as its target.
func IsTarget(s string) bool {
	_, err := parseTarget(s)
	return err == nil
}

func checkTarget(u *url.URL, s string, wrong func(string) error) (string, error) {
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#"):
		return "", wrong("the target " + quote(s) + " has a query or a fragment, which belong to the requests")
	case strings.Trim(u.Path, "/") != "":
		return "", &fault{code: CodeTarget, msg: "the target " + quote(s) + " has a path", hint: "write the path in each request: GET " + u.EscapedPath() + "/…"}
	case !isHost(u.Hostname()):
		return "", wrong("the target " + quote(s) + " has no valid host")
	case strings.HasSuffix(u.Host, ":"):
		return "", wrong("the target " + quote(s) + " has no port after the colon")
	case u.Port() != "":
		if port, err := strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return "", wrong(fmt.Sprintf("the port %s is not between 1 and 65535", quote(u.Port())))
		}
	}
	return u.Scheme + "://" + u.Host, nil
}

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostName.MatchString(host)
}

// portProblem says that a port is no number, which a URL parser refuses. It does
// not repeat it: in a target that is a secret it is a part of one.
func portProblem(rest string) string {
	host, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return ": the port is not between 1 and 65535"
	}
	return ""
}

// waitFor reads the readiness request.
func (p *parser) waitFor(n *node) {
	if n == nil {
		return
	}
	o := objectOf[waitForDoc](p, n, "wait_for")
	if n.kind != mapNode {
		return
	}
	w := &WaitFor{Timeout: p.duration(o.get("timeout"), "the timeout", defaultWait, maxDuration)}
	own := p.headers(o.get("headers"))
	w.Request = Request{
		Name: "wait_for", Timeout: p.file.HTTP.Timeout, Pos: n.pos,
		Accept:  p.accept(o.get("accept")),
		Headers: override(p.defaultHeaders(), own),
	}
	o.exclude(p, "tcp", []string{"request", "dns", "headers", "accept"}, "the target is ready when a connection can be opened")
	o.exclude(p, "dns", []string{"request", "headers", "accept"}, "the target is ready when a name server has a record")
	switch tcp, dns := o.get("tcp"), o.get("dns"); {
	case tcp != nil:
		p.tcp(tcp, &w.Request)
	case dns != nil:
		p.dns(dns, &w.Request)
	default:
		p.authorize(&w.Request, p.whose, own)
		p.requestLine(o.need(p, "request", "wait_for: {request: GET /health}"), &w.Request)
	}
	p.file.WaitFor = w
}
