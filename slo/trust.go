package slo

import (
	"net/url"
	"strings"
)

// sentValue is a place of the file that puts the value of a variable into what
// is sent.
type sentValue struct {
	inside string // of ${…}
	pos    Pos
	width  int
}

// noteSent remembers a value of the environment that stands in what is sent. A
// default does not: it stands in the file.
func (p *parser) noteSent(n *node, s segment) {
	name, isSecret := strings.CutPrefix(s.text, "secret.")
	if !isSecret {
		inside, isVariable := strings.CutPrefix(s.text, "env.")
		if !isVariable {
			return
		}
		name, _, _ = strings.Cut(inside, ":-")
	}
	if value, _ := p.lookup(name); value == "" {
		return
	}
	pos, width := p.place(n, s.offset, width(s.text)+3)
	p.sent = append(p.sent, sentValue{inside: s.text, pos: pos, width: width})
}

// checkSent refuses to send values of the environment to hosts that may not get
// them: the file may come from a stranger.
func (p *parser) checkSent() {
	if p.opts.Trusted == nil {
		return
	}
	what := ""
	switch {
	case !p.trusts(p.file.Target):
		what = "the target"
	case !p.trusts(p.file.Baseline.BaseTarget):
		what = "the base target"
	default:
		return
	}
	for _, s := range p.sent {
		p.fail(s.pos, s.width, CodeUntrusted, "the value of "+quote("${"+s.inside+"}")+" must not be sent to "+what+", whose host the workflow does not name",
			"it is named in the input target, base-target or allowed-hosts of the action; localhost and the job's services need no name")
	}
}

// trusts reports whether a target may get values of the environment. No target
// gets none.
func (p *parser) trusts(target string) bool {
	u, err := url.Parse(target)
	return target == "" || err == nil && p.opts.Trusted(u.Hostname())
}
