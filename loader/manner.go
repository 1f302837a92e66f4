package loader

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/slogate/slogate/slo"
)

// manner is how all requests of a loader are written and connected.
type manner struct {
	target  *url.URL
	socket  string // path of the unix socket that the target is; empty: it is none
	way     way    // to the target
	version string // of the program, for User-Agent
	http    slo.HTTP
	guard   Guard
	tokens  *tokens // nil: none
}

// targetOf is the URL of a file's target. A unix socket speaks for localhost.
func targetOf(file *slo.File) (target *url.URL, socket string, err error) {
	if path, isSocket := slo.Socket(file.Target); isSocket {
		return &url.URL{Scheme: "http", Host: "localhost"}, path, nil
	}
	target, err = url.Parse(file.Target)
	switch {
	case err != nil:
		// The error of url.Parse quotes the whole target, password included.
		return nil, "", errors.New("target: not a URL")
	case target.Scheme != "http" && target.Scheme != "https" || target.Host == "":
		return nil, "", errors.New("target: want http:// or https:// and a host")
	}
	return target, "", nil
}

// proxy is the proxy's URL, nil for none.
func (m *manner) proxy() *url.URL {
	if m.http.Proxy == "" || m.socket != "" {
		return nil
	}
	u, err := url.Parse(m.http.Proxy)
	if err != nil {
		panic("loader: the proxy must have been checked")
	}
	return u
}

// proxyTLS is how a proxy with https:// is spoken to, nil for another one: by
// the authorities that the file trusts. What else it says of TLS is about the
// service, and a proxy is verified in any case: it gets a password.
func (m *manner) proxyTLS(service *tls.Config) *tls.Config {
	proxy := m.proxy()
	if proxy == nil || proxy.Scheme != "https" {
		return nil
	}
	return &tls.Config{ServerName: proxy.Hostname(), RootCAs: service.RootCAs, ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions)}
}

// of is the manner for another service than the target, which a redirect leads
// to. The file's name in TLS is the target's host's.
func (m *manner) of(target *url.URL) *manner {
	other := *m
	other.target, other.socket = target, ""
	if !strings.EqualFold(target.Hostname(), m.target.Hostname()) {
		other.http.TLS.ServerName = ""
	}
	return &other
}

// dial is the host and port to connect to for the target's. The way does not
// lead to a proxy.
func (m *manner) dial() string {
	if proxy := m.proxy(); proxy != nil {
		return proxy.Host
	}
	return m.resolved(addressOf(m.target))
}

// resolved is the address that a host and port are reached at: over the way, or
// where the file says.
func (m *manner) resolved(address string) string {
	if over := m.way.of(address); over != address {
		return over
	}
	host, port, err := net.SplitHostPort(address)
	to, ok := m.http.Resolve[strings.ToLower(host)]
	if err != nil || !ok {
		return address
	}
	if _, _, err := net.SplitHostPort(to); err == nil {
		return to
	}
	return net.JoinHostPort(strings.Trim(to, "[]"), port)
}

// dialer opens the connections that the guard does not refuse.
func (m *manner) dialer(guard Guard) *dialer {
	return &dialer{guarded: guard.Dialer(), source: net.ParseIP(m.http.Source)}
}

// dialer opens connections from the file's address of this machine.
type dialer struct {
	guarded *net.Dialer
	source  net.IP // nil: the system chooses
}

// DialContext connects to an address of a network. A unix socket has no address
// of this machine.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	from := *d.guarded
	switch {
	case d.source == nil:
	case network == "tcp":
		from.LocalAddr = &net.TCPAddr{IP: d.source}
	case network == "udp":
		from.LocalAddr = &net.UDPAddr{IP: d.source}
	}
	return from.DialContext(ctx, network, address)
}

// tlsSessions is how many TLS sessions are kept to be resumed: a few for each
// address behind the target's name.
const tlsSessions = 64

// tls says whom https trusts and what it shows.
func (m *manner) tls() (*tls.Config, error) {
	from := m.http.TLS
	c := &tls.Config{
		ServerName: cmp.Or(from.ServerName, m.target.Hostname()), MinVersion: from.MinVersion, MaxVersion: from.MaxVersion,
		InsecureSkipVerify: from.SkipVerify, ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
	}
	if len(from.CA) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(from.CA) {
			return nil, errors.New("ca_file: no certificate in PEM")
		}
	}
	if len(from.Cert) > 0 {
		pair, err := tls.X509KeyPair(from.Cert, from.Key)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// beyondEpoll says what the epoll engine cannot do for the file, nil for
// nothing.
func (m *manner) beyondEpoll() error {
	switch needs := m.needsPortable(); {
	case m.target.Scheme != "http":
		return errors.New("it speaks clear-text HTTP/1.1 only")
	case needs != "":
		return errors.New(needs + " need the portable engine")
	}
	return nil
}

// needsPortable names the keys of the file that keep clear text from the epoll
// engine.
func (m *manner) needsPortable() string {
	switch {
	case m.http.Redirects > 0:
		return "redirects"
	case m.http.Source != "":
		return "source addresses"
	case m.socket != "":
		return "unix sockets"
	case m.proxy() != nil && m.proxy().Scheme == "https":
		return "proxies with https://"
	}
	return ""
}

// before is what stands in the request line before the path: with a proxy the
// service's address.
func (m *manner) before() string {
	if m.proxy() == nil || m.target.Scheme != "http" {
		return ""
	}
	return "http://" + m.target.Host
}

// headers are those that every request has besides the file's.
func (m *manner) headers() []slo.Header {
	var all []slo.Header
	add := func(name, value string) {
		all = append(all, slo.Header{Name: name, Value: slo.Template{{Literal: value}}})
	}
	if m.http.NewConnections {
		add("Connection", "close")
	}
	if proxy := m.proxy(); proxy != nil && m.before() != "" && proxy.User != nil {
		add("Proxy-Authorization", basic(proxy.User))
	}
	return all
}

// tunnel is the service that a proxy connects to for https, empty for none.
func (m *manner) tunnel() string {
	if m.proxy() == nil || m.target.Scheme != "https" {
		return ""
	}
	return addressOf(m.target)
}
