package slo

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// DNS is a question to a name server.
type DNS struct {
	Name   Template
	Type   DNSType
	Server string // host and port
}

// DNSType is the type of the records that are asked for.
type DNSType string

// The types of records.
const (
	TypeA     DNSType = "A"
	TypeAAAA  DNSType = "AAAA"
	TypeCNAME DNSType = "CNAME"
	TypeMX    DNSType = "MX"
	TypeNS    DNSType = "NS"
	TypeSRV   DNSType = "SRV"
	TypeTXT   DNSType = "TXT"
)

// dnsPort is where name servers listen (RFC 1035, section 4.2).
const dnsPort = "53"

// noStatus is what a step has that is no HTTP.
var noStatus = []StatusRange{{0, 0}}

// tcp reads a step that opens a connection and closes it.
func (p *parser) tcp(n *node, r *Request) {
	r.Accept = noStatus
	text, ok := p.serviceText(n, "the address")
	if !ok {
		return
	}
	address, err := addressWith(text, "")
	if err != nil {
		p.failText(n, err)
		return
	}
	p.leadsTo(n, "the step", "tcp://"+address)
	r.TCP, r.Name = address, defaultName("TCP", address)
}

// dns reads a step that asks a name server.
func (p *parser) dns(n *node, r *Request) {
	r.Accept = noStatus
	d := objectOf[dnsDoc](p, n, "dns")
	if n.kind != mapNode {
		return
	}
	r.DNS = &DNS{Type: TypeA}
	if kind := d.get("type"); kind != nil {
		r.DNS.Type = choice(p, kind, "type", TypeA, TypeAAAA, TypeCNAME, TypeMX, TypeNS, TypeSRV, TypeTXT)
	}
	if name := d.need(p, "name", "name: api.example.com"); name != nil {
		p.dnsName(name, r)
	}
	server := d.need(p, "server", "server: 10.0.0.2, a name server that is asked directly")
	text, ok := p.serviceText(server, "the server")
	if !ok {
		return
	}
	address, err := addressWith(text, dnsPort)
	if err != nil {
		p.failText(server, err)
		return
	}
	p.leadsTo(server, "the step", "dns://"+address)
	r.DNS.Server = address
}

// dnsName reads the name that is asked for.
func (p *parser) dnsName(n *node, r *Request) {
	text, ok := p.raw(n, "the name")
	if !ok {
		return
	}
	// A secret must not go from name server to name server.
	t, ok := p.template(n, text, slot{name: "the name", dynamic: true, literal: asIs, static: asIs})
	if !ok || !p.staysHere(n, text) {
		return
	}
	if name, static := t.Static(); static && !isHost(strings.TrimSuffix(name, ".")) {
		p.failNode(n, CodeServiceName, quote(name)+" is not a name", "such as api.example.com")
	}
	r.DNS.Name, r.Name = t, defaultName("DNS", text+" "+string(r.DNS.Type))
}

// staysHere refuses values of the environment in a name that a workflow's run
// asks for: the name server that the file names passes them on to those of a
// stranger's domain.
func (p *parser) staysHere(n *node, name string) bool {
	if p.opts.Trusted == nil {
		return true
	}
	segments, _ := splitValues(name) // its errors have been reported
	for _, s := range segments {
		if s.value && p.given(s.text) != "" {
			p.failText(n, &fault{
				code: CodeUntrusted, offset: s.offset, width: width(s.text) + 3,
				msg:  "the value of " + quote("${"+s.text+"}") + " must not be asked for: the question goes on to name servers that the workflow does not name",
				hint: "in a workflow, the name is written in the file, or comes from rows or captures",
			})
			return false
		}
	}
	return true
}

// serviceText reads HOST or HOST:PORT. A host that is one value alone has its
// own name; else the value would be a part of a name that is looked up.
func (p *parser) serviceText(n *node, what string) (string, bool) {
	if n != nil && isOneValue(servicePort.ReplaceAllString(n.text, "")) {
		return p.fixed(n, what)
	}
	return p.sentText(n, what)
}

var servicePort = regexp.MustCompile(`:\d+$`)

// addressWith reads HOST:PORT, or a host alone where there is a default port.
func addressWith(text, port string) (string, error) {
	host, own, err := net.SplitHostPort(text)
	if err != nil && port != "" {
		host, own, err = strings.Trim(text, "[]"), port, nil
	}
	number, _ := strconv.Atoi(own)
	_, notIP := netip.ParseAddr(host)
	if err != nil || number < 1 || number > 65535 || notIP != nil && !isHost(host) {
		return "", &fault{code: CodeServiceName, msg: quote(text) + " is not HOST:PORT", hint: "such as db.local:5432 or [::1]:5432"}
	}
	return net.JoinHostPort(host, own), nil
}
