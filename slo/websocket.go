package slo

import (
	"slices"
	"strings"
	"time"
)

// WebSocket is a connection of its own: it is opened, the messages are sent and
// waited for in order, and it is closed.
type WebSocket struct{ Messages []Message }

// Message is something to send, something to wait for, or first the one and
// then the other.
type Message struct {
	Send   Template
	Sends  bool          // Send is to be sent, empty or not
	Expect *Check        // a message that meets it is waited for; nil: none
	Within time.Duration // how long
	Times  int           // how often all of this is done, ≥ 1
}

// Limits of messages.
const (
	maxMessages = 100
	maxTimes    = 100_000
)

// IsHTTP reports whether the step begins with an HTTP request.
func (r *Request) IsHTTP() bool { return r.TCP == "" && r.DNS == nil }

// kinds are the keys that say what a step sends. It has one of them.
var kinds = []string{"request", "websocket", "grpc", "tcp", "dns"}

// sends reads what a step sends. It reports false where nothing says it.
func (p *parser) sends(o *object, r *Request, hint string) bool {
	at := slices.IndexFunc(kinds, o.isWritten)
	if at < 0 && slices.Contains(o.meant, "steps") {
		return false
	}
	if at < 0 {
		o.need(p, "request", hint)
		return false
	}
	kind := kinds[at]
	o.exclude(p, kind, kinds[at+1:], "a step does one of them")
	if kind != "websocket" {
		o.exclude(p, kind, []string{"messages"}, "messages belong to a websocket")
	}
	if kind != "grpc" {
		o.exclude(p, kind, []string{"proto", "import_paths"}, "a .proto file belongs to grpc: PACKAGE.SERVICE/METHOD")
	}
	n := o.get(kind)
	if n == nil {
		return false
	}
	r.Pos = n.pos
	switch kind {
	case "request":
		p.requestLine(n, r)
	case "websocket":
		p.webSocket(o, n, r)
	case "grpc":
		p.grpc(o, n, r)
	case "tcp":
		o.exclude(p, kind, append([]string{"headers", "checks", "capture"}, bodyKeys...), "the step opens a connection and closes it")
		p.tcp(n, r)
	case "dns":
		o.exclude(p, kind, append([]string{"headers"}, bodyKeys...), "the step asks a name server")
		p.dns(n, r)
	}
	return true
}

// bodyKeys are those that only a request has.
var bodyKeys = []string{"json", "form", "body", "body_file", "stream", "accept"}

func (p *parser) webSocket(o *object, n *node, r *Request) {
	o.exclude(p, "websocket", bodyKeys, "what is sent stands in messages: [{send: hello, expect: event == \"hello\"}]")
	p.refuseProxy(n, "a WebSocket")
	r.Accept = []StatusRange{{switching, switching}}
	r.WebSocket = &WebSocket{Messages: p.messages(o.get("messages"), r.Timeout)}
	text, ok := p.raw(n, "a websocket")
	path := strings.TrimSpace(text)
	switch {
	case !ok:
	case !strings.HasPrefix(path, "/"):
		p.failNode(n, CodeRequest, "the path "+quote(path)+" does not begin with /", "websocket: /chat; the host stands in target")
	default:
		r.Method, r.Name = "GET", defaultName("WS", path)
		r.Path = p.path(n, text, path)
	}
}

// switching is the status with which a server agrees to a WebSocket.
const switching = 101

func (p *parser) messages(n *node, timeout time.Duration) []Message {
	var all []Message
	for _, item := range p.list(n, "messages", maxMessages) {
		o := objectOf[messageDoc](p, item, "a message")
		m := Message{Within: p.duration(o.get("within"), "within", timeout, maxTimeout), Times: int(p.count(o.get("repeat"), "repeat", 1, maxTimes))}
		o.exclude(p, "send", []string{"json"}, "a message is sent once; repeat: 2 sends it again")
		switch send, json := o.get("send"), o.get("json"); {
		case send != nil:
			text, ok := p.raw(send, "a message")
			if m.Sends = true; ok {
				m.Send, _ = p.template(send, text, plainText)
			}
		case json != nil:
			var b builder
			p.json(&b, json)
			m.Send, m.Sends = b.template(), true
		}
		if expect := o.get("expect"); expect != nil {
			if c, ok := p.check(expect); ok {
				m.Expect = &c
			}
		} else if o.has("within") {
			p.failNode(o.get("within"), CodeCombination, `"within" needs "expect"`, `expect: event == "hello"`)
		}
		if item.kind == mapNode && !o.isWritten("send") && !o.isWritten("json") && !o.isWritten("expect") {
			p.fail(item.pos, 0, CodeMissing, "the message neither sends nor expects anything", "- {send: hello, expect: event == \"hello\"}")
		}
		all = append(all, m)
	}
	return all
}
