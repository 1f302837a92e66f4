package slo

import (
	"fmt"
	"strings"
	"time"
)

// ServiceCommands say how slogate builds and starts the service under test itself.
// Nothing in this package runs it: only `slogate compare BASE..HEAD` and
// `slogate run --allow-commands` do.
type ServiceCommands struct {
	Build string     // shell command; empty: there is nothing to build
	Start string     // shell command that stays in the foreground; its port is $PORT
	Ready *WaitFor   // nil: the file's wait_for, else a TCP connect within 30 s
	Env   []Variable // for both commands, in the order of the file; empty without [Options.Service]
	Pos   Pos
}

// Variable is an environment variable.
type Variable struct{ Name, Value string }

const (
	// portVariable is how a service is told where to listen.
	portVariable = "PORT"
	// maxCommand is far above what a person writes in one line, and what else a
	// script is for.
	maxCommand   = 10_000
	maxVariables = 100
	// maxVariable is what Linux takes for one string of an environment
	// (MAX_ARG_STRLEN of execve(2)), and some less.
	maxVariable = 128_000
	defaultWait = time.Minute
)

// service reads how the service is built and started.
func (p *parser) service(n *node) {
	if n == nil {
		return
	}
	o := objectOf[serviceDoc](p, n, "the service")
	if n.kind != mapNode {
		return
	}
	p.file.Service = &ServiceCommands{
		Build: p.command(o.get("build"), "build"),
		Start: p.command(o.need(p, "start", "start: ./bin/server -port $PORT"), "start"),
		Ready: p.serviceReady(o.get("ready")),
		Env:   p.variables(o.get("env")),
		Pos:   n.pos,
	}
}

// command reads a shell command. What is in it is the shell's: no value of
// slogate is put in, so that none can become a command.
func (p *parser) command(n *node, key string) string {
	text, ok := p.raw(n, key)
	switch {
	case !ok:
		return ""
	case strings.TrimSpace(text) == "":
		p.failNode(n, CodeService, key+" is empty", "")
	case len(text) > maxCommand:
		p.failNode(n, CodeService, fmt.Sprintf("%s has more than %d bytes", key, maxCommand), "put it into a script")
	case strings.ContainsRune(text, 0):
		p.failNode(n, CodeService, key+" holds a zero byte", "")
	default:
		p.refuseValues(n, text, key)
	}
	return text
}

// refuseValues refuses ${env.NAME} and ${secret.NAME} in a command, which the
// shell would not understand either.
func (p *parser) refuseValues(n *node, text, key string) {
	for _, kind := range []string{"${env.", "${secret."} {
		if before, after, found := strings.Cut(text, kind); found {
			name, _, _ := strings.Cut(after, "}")
			p.failText(n, &fault{
				code: CodePlace, msg: "values in ${…} cannot stand in " + key + ", which is for the shell",
				hint:   fmt.Sprintf("give it to the commands, env: {%s: \"%s%s}\"}, and write $%[1]s", variableOf(name), kind, name),
				offset: width(before), width: width(kind) + width(name) + 1,
			})
			return
		}
	}
}

// variableOf is the name before a default, or a harmless one.
func variableOf(inside string) string {
	name, _, _ := strings.Cut(inside, ":-")
	if !variableName.MatchString(name) {
		return "NAME"
	}
	return name
}

// serviceReady reads the request whose success means that the service is
// ready.
func (p *parser) serviceReady(n *node) *WaitFor {
	if n == nil {
		return nil
	}
	w := &WaitFor{Timeout: defaultWait, Request: Request{
		Name: "ready", Timeout: p.file.HTTP.Timeout, Pos: n.pos,
		Accept: p.accept(nil), Headers: p.defaultHeaders(),
	}}
	p.requestLine(n, &w.Request)
	return w
}

// variables reads the environment variables of the commands. Their values are
// read only where the service will be started: elsewhere none of them needs to
// be set, nor may be seen.
func (p *parser) variables(n *node) []Variable {
	if n == nil {
		return nil
	}
	if n.kind != mapNode {
		p.failNode(n, CodeKind, "env must be a map, this is "+n.describe(), "env: {LOG_LEVEL: warn}")
		return nil
	}
	if len(n.entries) > maxVariables {
		p.failNode(n, CodeTooMany, fmt.Sprintf("env has %d variables, at most %d are accepted", len(n.entries), maxVariables), "")
		return nil
	}
	var all []Variable
	for _, e := range n.entries {
		if v, ok := p.environment(e); ok && p.opts.Service {
			all = append(all, v)
		}
	}
	return all
}

func (p *parser) environment(e entry) (Variable, bool) {
	switch {
	case !variableName.MatchString(e.key):
		p.fail(e.pos, width(e.key), CodeService, quote(e.key)+" is not the name of an environment variable", "a name has letters, digits and _, and does not begin with a digit")
		return Variable{}, false
	case e.key == portVariable:
		p.fail(e.pos, width(e.key), CodeService, "the port is chosen by slogate, which sets PORT itself", "")
		return Variable{}, false
	}
	text, ok := p.raw(e.value, e.key)
	if !ok {
		return Variable{}, false
	}
	slot := fixed("env")
	slot.secret, slot.unread = true, !p.opts.Service
	t, ok := p.template(e.value, text, slot)
	value, _ := t.Static()
	switch {
	case !ok:
		return Variable{}, false
	case strings.ContainsRune(value, 0):
		p.failNode(e.value, CodeService, e.key+" holds a zero byte", "")
		return Variable{}, false
	case len(value) > maxVariable:
		p.failNode(e.value, CodeService, fmt.Sprintf("%s has more than %d bytes", e.key, maxVariable), "")
		return Variable{}, false
	}
	return Variable{e.key, value}, true
}
