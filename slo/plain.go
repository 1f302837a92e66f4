package slo

import (
	"net"
	"net/netip"
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
	text, ok := p.fixed(n, "the address")
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
	text, ok := p.fixed(server, "the server")
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
	if !ok {
		return
	}
	if name, static := t.Static(); static && !isHost(strings.TrimSuffix(name, ".")) {
		p.failNode(n, CodeServiceName, quote(name)+" is not a name", "such as api.example.com")
	}
	r.DNS.Name, r.Name = t, defaultName("DNS", text+" "+string(r.DNS.Type))
}

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
