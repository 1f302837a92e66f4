package slo

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// sentValue is a value of a variable that stands in what is sent.
type sentValue struct {
	node *node
	part segment
}

// destination is a host besides the targets that requests are sent to.
type destination struct {
	what string
	host string // and port; empty: not known before the request is made
}

// sendsTo remembers a host, and perhaps a port, that requests are sent to. What
// says where the file names it.
func (p *parser) sendsTo(what string, host Template) {
	text, _ := host.Static()
	p.hosts = append(p.hosts, destination{what, text})
}

// leadsTo holds a service that the file names besides the targets to the limits
// and, as what is sent may go there, to the rules of trust. A stranger's file
// names none that the workflow does not: it could lie in a private network.
func (p *parser) leadsTo(n *node, what, service string) {
	p.checkHost(n, what, service)
	u, err := url.Parse(service)
	if err != nil {
		return
	}
	p.hosts = append(p.hosts, destination{what, u.Host})
	if p.opts.Stranger && p.opts.Trusted != nil && !p.opts.Trusted(u.Hostname()) {
		p.failNode(n, CodeUntrusted, "the workflow does not name the host of "+what+", and the change may be a stranger's", "name it in the input allowed-hosts of the action")
	}
}

// given is the value of the variable that the inside of a ${…} puts in, empty
// where there is none: a default stands in the file.
func (p *parser) given(inside string) string {
	name, isSecret := strings.CutPrefix(inside, "secret.")
	if !isSecret {
		var isVariable bool
		if name, isVariable = strings.CutPrefix(inside, "env."); !isVariable {
			return ""
		}
		name, _, _ = strings.Cut(name, ":-")
	}
	value, _ := p.lookup(name)
	return value
}

// noteSent remembers a value of the environment that stands in what is sent.
func (p *parser) noteSent(n *node, s segment) {
	if p.opts.Trusted != nil && p.given(s.text) != "" {
		p.sent = append(p.sent, sentValue{n, s})
	}
}

// hideVariable treats a variable as a secret where the file may come from
// anybody: a name or a title would print its value.
func (p *parser) hideVariable(inside string, c slot) error {
	value := p.given(inside)
	switch {
	case !p.opts.Stranger || value == "":
	case !c.secret:
		return &fault{code: CodePlace, msg: "the value of " + quote("${"+inside+"}") + " cannot stand in " + c.name, hint: "in a change that may be a stranger's, variables are sent in requests and stand nowhere else"}
	default:
		p.keepSecret(value)
	}
	return nil
}

// checkSent refuses to send values of the environment to hosts that may not get
// them: the file may come from a stranger.
func (p *parser) checkSent() {
	what := p.untrusted()
	if what == "" {
		return
	}
	for _, s := range p.sent {
		p.failText(s.node, &fault{
			code: CodeUntrusted, offset: s.part.offset, width: width(s.part.text) + 3,
			msg:  "the value of " + quote("${"+s.part.text+"}") + " must not be sent to " + what + ", whose host the workflow does not name",
			hint: "name it in the input target, base-target or allowed-hosts of the action; localhost and the job's services need no name",
		})
	}
}

// untrusted says which host may not get values of the environment, nothing
// where each may. Behind one address there may be many hosts, of which the
// header Host chooses.
func (p *parser) untrusted() string {
	if p.opts.Trusted == nil {
		return ""
	}
	if !p.trusts(p.file.Target) {
		return "the target"
	}
	if !p.trusts(p.file.Baseline.BaseTarget) {
		return "the base target"
	}
	for _, d := range p.hosts {
		if !p.trusts("http://" + d.host) {
			return d.what
		}
	}
	return ""
}

// trusts reports whether a target may get values of the environment. No target
// gets none.
func (p *parser) trusts(target string) bool {
	u, err := url.Parse(target)
	return target == "" || err == nil && p.opts.Trusted(u.Hostname())
}

// sheltered refuses to send a file that steps of a workflow leave in the
// workspace for themselves.
func (p *parser) sheltered(relative string) error {
	if p.opts.Trusted == nil {
		return nil
	}
	if err := Sheltered(relative); err != nil {
		return err
	}
	return Sheltered(Resolved(p.workspace(), relative))
}

// Sheltered refuses a path in the workspace where steps of a workflow leave
// credentials, of which the checkout's is one.
func Sheltered(relative string) error {
	for part := range strings.SplitSeq(filepath.ToSlash(relative), "/") {
		if strings.HasPrefix(part, ".") && part != ".github" && part != "." || strings.HasPrefix(part, "gha-creds-") {
			return fmt.Errorf("%s may hold a credential", quote(part))
		}
	}
	return nil
}

// Resolved is where links lead a path of a workspace to within it, else the path
// itself: whoever opens it there finds out.
func Resolved(workspace, relative string) string {
	workspace, err := filepath.EvalSymlinks(workspace)
	if err != nil {
		return relative
	}
	path, err := filepath.EvalSymlinks(filepath.Join(workspace, relative))
	if err != nil {
		return relative
	}
	if rel, err := filepath.Rel(workspace, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return relative
}
