package slo

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTP says how all requests are sent.
type HTTP struct {
	Timeout time.Duration // of one request, connecting included; 10 s by default
	Headers []Header

	Compression    bool              // compressed answers are asked for, and decoded
	Redirects      int               // how many are followed for one request; 0: none
	NewConnections bool              // each request opens one, which is closed after it
	ConnectionAge  time.Duration     // how long a connection carries requests, at most; 0: it stays open
	Resolve        map[string]string // host in lower case to the IP address and perhaps port that it is connected to
	Source         string            // IP address that connections are opened from; empty: the system's choice
	Proxy          string            // URL of a proxy, with its user and password; empty: none
	Protocol       Protocol
	Streams        int // of one HTTP/2 connection at the same time, at most; 0: 100
	TLS            TLS
}

// Sent is how many requests one of a step can cause: itself, and those of its
// redirects.
func (h HTTP) Sent() float64 { return 1 + float64(h.Redirects) }

// The lives of a connection: it carries one request after the other, or is
// closed after the first.
const (
	keepConnections = "keep"
	newConnections  = "new"
)

// TLS says how connections are secured, whom https trusts and what it shows.
// Files have been read.
type TLS struct {
	MinVersion uint16 // as crypto/tls numbers them; 0: TLS 1.2
	MaxVersion uint16 // 0: the newest one
	ServerName string // in the place of the target's host; empty: the host

	SkipVerify bool
	CA         []byte // PEM; empty: the system's authorities
	Cert, Key  []byte // PEM; empty: none is shown
}

// maxRedirects is what browsers follow.
const maxRedirects = 20

// http reads the defaults of every step.
func (p *parser) http(n *node) {
	o := objectOf[httpDoc](p, n, "http")
	h := &p.file.HTTP
	h.Timeout = p.duration(o.get("timeout"), "the timeout", defaultTimeout, maxTimeout)
	h.Headers = p.headers(o.get("headers"))
	if h.Compression = p.isOn(o.get("compression"), "compression", false); h.Compression && !hasHeader(h.Headers, "Accept-Encoding") {
		h.Headers = append(h.Headers, Header{Name: "Accept-Encoding", Value: Template{{Literal: "gzip"}}})
	}
	h.Redirects = int(p.count(o.get("redirects"), "redirects", 0, maxRedirects))
	p.connections(o.get("connections"))
	h.Resolve = p.resolve(o.get("resolve"))
	h.Source, _ = scalarOf(p, o.get("source"), "the source", parseSource)
	h.Proxy = p.proxy(o.get("proxy"))
	h.TLS = p.tls(o.get("tls"))
	p.protocol(o)
	p.whose = p.auth(o.get("auth"), auth{})
}

// How long a connection may live: below, most of what is measured is connecting;
// above, nothing would be told apart from keeping it.
const (
	shortestLife = 100 * time.Millisecond
	longestLife  = time.Hour
)

// connections reads how long connections live.
func (p *parser) connections(n *node) {
	h := &p.file.HTTP
	text, ok := p.fixed(n, "connections")
	if !ok {
		return
	}
	if text != "" && isDigit(text[0]) {
		h.ConnectionAge = p.duration(n, "the life of connections", 0, longestLife)
		if h.ConnectionAge > 0 && h.ConnectionAge < shortestLife {
			p.failNode(n, CodeRange, "connections that live "+quote(text)+" do little but connect", "at least "+writeDuration(shortestLife)+", or new: one request each")
		}
		return
	}
	h.NewConnections = choice(p, n, "connections", keepConnections, newConnections) == newConnections
	p.keeps = true
}

const resolveExample = "for example resolve: {api.local: 127.0.0.1:8080}"

// resolve reads where hosts are connected to. The limits hold for both.
func (p *parser) resolve(n *node) map[string]string {
	switch {
	case n == nil:
		return nil
	case n.kind != mapNode:
		p.failNode(n, CodeKind, "resolve must be a map, this is "+n.describe(), resolveExample)
		return nil
	case len(n.entries) > maxHosts:
		p.failNode(n, CodeTooMany, "more than "+strconv.Itoa(maxHosts)+" hosts", "")
		return nil
	}
	all := map[string]string{}
	for _, e := range n.entries {
		if !isHost(e.key) {
			p.fail(e.pos, width(e.key), CodeAddress, quote(e.key)+" is not a host", resolveExample)
			continue
		}
		if address, ok := scalarOf(p, e.value, "an address", parseAddress); ok {
			host, _ := splitPort(address)
			p.leadsTo(e.value, "the address of "+quote(e.key), "http://"+net.JoinHostPort(host, "80"))
			all[strings.ToLower(e.key)] = address
		}
	}
	return all
}

// splitPort parts an address from its port, which is empty where it has none.
func splitPort(address string) (host, port string) {
	if host, port, err := net.SplitHostPort(address); err == nil {
		return host, port
	}
	return strings.Trim(address, "[]"), ""
}

// parseAddress reads an IP address, with or without a port. A name would have
// to be looked up again.
func parseAddress(s string) (string, error) {
	host, port := splitPort(s)
	if _, err := netip.ParseAddr(host); err != nil {
		return "", notA(CodeAddress, "numeric address", s, "127.0.0.1, 127.0.0.1:8080, ::1 or [::1]:8080")
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return "", &fault{code: CodeAddress, msg: "the port " + quote(port) + " is not between 1 and 65535"}
	}
	return s, nil
}

func parseSource(s string) (string, error) {
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return "", notA(CodeAddress, "numeric address", s, "192.0.2.7 or 2001:db8::7")
	}
	return ip.String(), nil
}

const proxyHint = "a proxy is http:// or https:// with a host and a port, such as http://proxy:3128; its user and password may be values: http://${env.USER}:${secret.PASSWORD}@proxy:3128"

// proxy reads the URL of a proxy. Its password is a secret, also in the form
// that is sent.
func (p *parser) proxy(n *node) string {
	text, ok := p.raw(n, "the proxy")
	if !ok {
		return ""
	}
	slot := fixed("the proxy")
	slot.secret, slot.static = true, escapeUserinfo
	if !strings.Contains(text, "@") {
		slot.static = asIs
	}
	t, ok := p.template(n, text, slot)
	if !ok {
		return ""
	}
	resolved, _ := t.Static()
	u, err := url.Parse(resolved)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u.Hostname()) || u.Port() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		p.failTarget(n, resolved, &fault{code: CodeProxy, msg: "not a proxy", hint: proxyHint})
		return ""
	}
	if password, has := u.User.Password(); has {
		p.keepSecret(password)
		p.keepSecret(basicCredentials(u.User.Username(), password))
	}
	p.leadsTo(n, "the proxy", u.Scheme+"://"+u.Host)
	return resolved
}

// escapeUserinfo writes a value so that it ends neither user nor password.
func escapeUserinfo(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// basicCredentials are what RFC 7617 sends of a user and a password.
func basicCredentials(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// tls reads the files that https needs, so that a wrong one is found before
// anything is sent.
func (p *parser) tls(n *node) TLS {
	o := objectOf[tlsDoc](p, n, "tls")
	t := TLS{
		SkipVerify: p.isOn(o.get("insecure_skip_verify"), "insecure_skip_verify", false),
		CA:         p.pem(o.get("ca_file"), "ca_file"),
		Cert:       p.pem(o.get("cert_file"), "cert_file"),
		Key:        p.pem(o.get("key_file"), "key_file"),
	}
	p.tlsNames(o, &t)
	cert, key := o.get("cert_file"), o.get("key_file")
	switch {
	case t.CA != nil && !x509.NewCertPool().AppendCertsFromPEM(t.CA):
		p.failNode(o.get("ca_file"), CodeCertificate, "the file holds no certificate in PEM", "")
	case (cert == nil) != (key == nil):
		p.failNode(n, CodeCombination, "cert_file and key_file go together", "")
	case t.Cert != nil && t.Key != nil:
		if _, err := tls.X509KeyPair(t.Cert, t.Key); err != nil {
			p.failNode(cert, CodeCertificate, strings.TrimPrefix(err.Error(), "tls: "), "both are PEM files, the key belongs to the certificate")
		}
	}
	return t
}

// pem reads a file of the workspace.
func (p *parser) pem(n *node, what string) []byte {
	name, ok := p.fixed(n, what)
	if !ok {
		return nil
	}
	content, err := p.readWithin(name)
	if err != nil {
		p.failNode(n, CodeCertificate, err.Error(), "the file is relative to the SLO file and lies within the workspace")
		return nil
	}
	return content
}
