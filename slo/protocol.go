package slo

import (
	"crypto/tls"
	"slices"
	"strings"
)

// Protocol says which version of HTTP is spoken.
type Protocol string

// The protocols. The zero value is AutoProtocol.
const (
	AutoProtocol Protocol = "auto"  // what TLS agrees upon; HTTP/1.1 without it
	HTTP1        Protocol = "http1" // HTTP/1.1 with and without TLS
	HTTP2        Protocol = "http2" // HTTP/2 over TLS
	H2C          Protocol = "h2c"   // HTTP/2 without TLS, with prior knowledge (RFC 9113, section 3.3)
)

// maxStreams is how many requests a connection may carry at the same time at
// most: what a client may number of streams makes no sense beyond.
const maxStreams = 10_000

// defaultStreams is what servers and browsers commonly permit, and the least
// that RFC 9113, section 6.5.2, recommends.
const defaultStreams = 100

// protocol reads which version of HTTP is spoken, and whether the target can
// be.
func (p *parser) protocol(o *object) {
	h := &p.file.HTTP
	h.Protocol = AutoProtocol
	n := o.get("protocol")
	if n != nil {
		h.Protocol = choice(p, n, "protocol", AutoProtocol, HTTP1, HTTP2, H2C)
	}
	secure := strings.HasPrefix(p.file.Target, "https:")
	switch {
	case p.file.Target == "":
	case h.Protocol == HTTP2 && !secure:
		p.failNode(n, CodeProtocol, "protocol http2 needs TLS, and the target is "+quote(p.file.Target), "without TLS it is protocol: h2c")
	case h.Protocol == H2C && secure:
		p.failNode(n, CodeProtocol, "protocol h2c goes without TLS, and the target is "+quote(p.file.Target), "with TLS it is protocol: http2")
	}
	if h.Protocol == H2C {
		p.refuseProxy(n, "protocol h2c")
	}
	h.Streams = int(p.count(o.get("streams"), "streams", defaultStreams, maxStreams))
	if o.has("streams") && h.Protocol == HTTP1 {
		e := o.values["streams"]
		p.fail(e.pos, width(e.key), CodeProtocol, "streams are a part of HTTP/2, which is not spoken here", "protocol: http2 or h2c")
	}
}

// refuseProxy refuses what a proxy would not pass on without TLS: it reads
// HTTP/1.1 requests.
func (p *parser) refuseProxy(n *node, what string) {
	if p.file.HTTP.Proxy != "" && !strings.HasPrefix(p.file.Target, "https:") {
		p.failNode(n, CodeProtocol, what+" does not go through a proxy without TLS", "remove http.proxy, or load a target with https://")
	}
}

// tlsVersions are those that are still secure (RFC 8996).
var tlsVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// tlsNames reads the versions of TLS and the name that is asked for.
func (p *parser) tlsNames(o *object, t *TLS) {
	t.MinVersion, t.MaxVersion = p.tlsVersion(o.get("min_version")), p.tlsVersion(o.get("max_version"))
	if t.MaxVersion > 0 && t.MinVersion > t.MaxVersion {
		p.failNode(o.get("max_version"), CodeTLS, "max_version lies below min_version", "")
	}
	name, ok := p.sentText(o.get("server_name"), "the server name")
	if ok && !isHost(name) {
		p.failNode(o.get("server_name"), CodeTLS, quote(name)+" is not the name of a host", "the name that the certificate holds, such as api.example.com")
	}
	if t.ServerName = name; ok {
		// Behind one address there may be many hosts, of which this name chooses.
		p.sendsTo("the host of tls.server_name", Template{{Literal: name}})
	}
}

// tlsVersion reads a version of TLS; 0 stands for none.
func (p *parser) tlsVersion(n *node) uint16 {
	text, ok := p.fixed(n, "the version of TLS")
	if !ok {
		return 0
	}
	version, known := tlsVersions[text]
	if !known {
		words := []string{"1.2", "1.3"}
		hint := "the versions are 1.2 and 1.3"
		if slices.Contains([]string{"1.0", "1.1", "1"}, text) {
			hint += "; older ones are not secure (RFC 8996)"
		}
		p.failNode(n, CodeTLS, "unknown version of TLS "+quote(text)+didYouMean(text, words), hint)
	}
	return version
}
