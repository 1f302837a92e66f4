package loader

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// basic is the value of a header with a user and a password (RFC 7617).
func basic(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

// proxyError is what a proxy answered that did not connect.
type proxyError struct{ status string }

func (e *proxyError) Error() string { return fmt.Sprintf("the proxy answered %q", e.status) }

// maxProxyHead bounds what a proxy may say before the tunnel is open.
const maxProxyHead = 64 << 10

// open connects to the service, or to the proxy and through it.
func (c *client) open(ctx context.Context) (net.Conn, error) {
	if c.socket != "" {
		return c.dialer.DialContext(ctx, "unix", c.socket)
	}
	if err := c.permitted(ctx); err != nil {
		return nil, err
	}
	raw, err := c.dialer.DialContext(ctx, "tcp", c.dial)
	if err == nil && c.proxyTLS != nil {
		raw, err = secure(ctx, raw, c.proxyTLS)
	}
	if err != nil || c.tunnel == "" {
		return raw, err
	}
	if err := throughProxy(ctx, raw, c.tunnel, c.proxy); err != nil {
		raw.Close()
		return nil, err
	}
	return raw, nil
}

// secure speaks TLS with a proxy.
func secure(ctx context.Context, raw net.Conn, config *tls.Config) (net.Conn, error) {
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, fmt.Errorf("the proxy: %w", &handshakeError{ended(ctx, err)})
	}
	return secured, nil
}

// throughProxy asks a proxy for a tunnel (RFC 9110, section 9.3.6).
func throughProxy(ctx context.Context, raw net.Conn, to string, proxy *url.URL) error {
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(longPast) })
	defer stop()
	ask := "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n"
	if proxy.User != nil {
		ask += "Proxy-Authorization: " + basic(proxy.User) + "\r\n"
	}
	if _, err := raw.Write([]byte(ask + "\r\n")); err != nil {
		return ended(ctx, netError("write", raw.RemoteAddr(), err))
	}
	head, err := readHead(raw)
	if err != nil {
		return ended(ctx, netError("read", raw.RemoteAddr(), err))
	}
	answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return fmt.Errorf("the proxy's answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return &proxyError{answer.Status}
	}
	return nil
}

// ended prefers the end of the request's time to the error that it caused.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// readHead reads up to the empty line and not a byte more: what follows belongs
// to the tunnel.
func readHead(c net.Conn) (string, error) {
	var head strings.Builder
	var b [1]byte
	for head.Len() < maxProxyHead {
		if _, err := c.Read(b[:]); err != nil {
			return "", err
		}
		head.WriteByte(b[0])
		if b[0] == '\n' && strings.HasSuffix(head.String(), "\r\n\r\n") {
			return head.String(), nil
		}
	}
	return "", fmt.Errorf("the proxy's headers are larger than %d bytes", maxProxyHead)
}
