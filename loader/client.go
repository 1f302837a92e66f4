package loader

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBody bounds an answer's body. A larger one is more likely endless than
	// meant, and a thousand connections may hold one each.
	maxBody = 64 << 20
	// maxHeader bounds the headers of one answer, 1xx answers included.
	maxHeader = 1 << 20
	// keptBuffer is the largest body buffer that a user holds on to.
	keptBuffer = 256 << 10
)

var errBodyTooLarge = fmt.Errorf("the body is larger than %d MiB", maxBody>>20)

// client sends requests over a pool of connections. Each connection is one of
// net/http's ClientConns: unlike Transport's own pool they retry nothing, dial
// only when told to, and say which connection a request went over. A
// connection that is found closed before anything is written is left out; one
// that closes while a request is under way ends that request as reset.
type client struct {
	transport *http.Transport
	scheme    string
	address   string // host and port of the target
	dial      string // host and port to connect to

	mu      sync.Mutex
	idle    []*conn // the most recently used last: it is taken first
	closed  bool
	reached []string // addresses, in the order in which they were first connected to
}

// conn is one connection to the target.
type conn struct {
	*http.ClientConn
	wire *wire
}

// wire counts the bytes on a connection. Its reader and its user are different
// goroutines.
type wire struct {
	net.Conn
	in, out atomic.Int64
	ended   atomic.Bool // by the other side
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.in.Add(int64(n))
	if err != nil && isAny(err, closed) {
		w.ended.Store(true)
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.out.Add(int64(n))
	return n, err
}

// dialing is what a connection's making reports through its context.
type dialing struct {
	wire *wire
	took time.Duration
	err  error
}

type dialingKey struct{}

// newClient makes a client for a target. It connects to dial where that is not
// empty; the name in Host and TLS stays the target's.
func newClient(target *url.URL, dial string) *client {
	c := &client{scheme: target.Scheme, address: addressOf(target), dial: cmp.Or(dial, addressOf(target))}
	dialer := &net.Dialer{}
	c.transport = &http.Transport{
		// No Proxy: HTTP_PROXY is not meant for the service under test.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d, _ := ctx.Value(dialingKey{}).(*dialing)
			start := time.Now()
			raw, err := dialer.DialContext(ctx, network, c.dial)
			d.took, d.err = time.Since(start), err
			if err != nil {
				return nil, err
			}
			c.note(raw.RemoteAddr().String())
			d.wire = &wire{Conn: raw}
			return d.wire, nil
		},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		TLSClientConfig:        &tls.Config{},
	}
	return c
}

// addressOf is the host and port that a URL names.
func addressOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// answer is how one exchange ended, in times of the wall and monotonic clock.
type answer struct {
	start   time.Time     // before a connection was taken or made
	wrote   time.Time     // the request was handed to the connection; zero: never
	first   time.Time     // first byte; zero: none came
	end     time.Time     // last byte, or the error
	connect time.Duration // of a new connection
	opened  bool
	reused  bool
	in, out int64 // bytes

	reply
	err   error
	ended bool // with err: the other side closed the connection before it had sent the headers
}

// reply is what the other side said.
type reply struct {
	status int // 0: nothing
	header http.Header
	body   []byte // the whole body where it was asked for, else its beginning
	size   int64  // of the body
}

// service is the time from the write to the last byte.
func (a *answer) service() time.Duration {
	if a.wrote.IsZero() {
		return a.end.Sub(a.start)
	}
	return a.end.Sub(a.wrote)
}

// do sends one request and reads its answer to the end, all within timeout. It
// keeps the first keep bytes of the body in u's buffer, which the next call
// overwrites.
func (c *client) do(u *user, r *http.Request, timeout time.Duration, keep int) *answer {
	a := &answer{start: time.Now()}
	ctx, cancel := context.WithDeadline(u.ctx, a.start.Add(timeout))
	defer cancel()
	defer func() {
		// What net/http says about a connection that it closed itself at the
		// deadline depends on where it was.
		if a.err != nil && ctx.Err() != nil {
			a.err = fmt.Errorf("%w: %w", ctx.Err(), a.err)
		}
	}()
	cn, err := c.take(ctx, a)
	if err != nil {
		a.err, a.end = err, time.Now()
		return a
	}
	in, out := cn.wire.in.Load(), cn.wire.out.Load()
	if a.opened {
		in, out = 0, 0 // with https the handshake belongs to the request that caused it
	}
	u.first.Store(0)
	a.wrote = time.Now()
	reusable := c.exchange(cn, u, r.WithContext(ctx), a, keep)
	a.end = time.Now()
	if first := u.first.Load(); first != 0 {
		a.first = u.born.Add(time.Duration(first))
	}
	a.in, a.out = cn.wire.in.Load()-in, cn.wire.out.Load()-out
	a.ended = a.status == 0 && cn.wire.ended.Load()
	c.giveBack(cn, reusable)
	return a
}

// exchange writes the request, reads the answer, and reports whether the
// connection may be used again.
func (c *client) exchange(cn *conn, u *user, r *http.Request, a *answer, keep int) bool {
	resp, err := cn.RoundTrip(r)
	if err != nil {
		a.err = err
		return false
	}
	a.status, a.header = resp.StatusCode, resp.Header
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body.Close() // it is the connection itself, in the other protocol
		return false
	}
	a.body, a.size, a.err = readBody(resp.Body, u.buffer[:0], keep)
	if cap(a.body) <= keptBuffer {
		u.buffer = a.body
	}
	if a.err != nil {
		return false
	}
	resp.Body.Close()
	return !resp.Close && !r.Close
}

// readBody reads to the end and returns the first keep bytes.
func readBody(r io.Reader, buffer []byte, keep int) ([]byte, int64, error) {
	for len(buffer) < keep {
		buffer = slices.Grow(buffer, min(512, keep-len(buffer)))
		n, err := r.Read(buffer[len(buffer):min(cap(buffer), keep)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer, int64(len(buffer)), nil
		}
		if err != nil {
			return buffer, int64(len(buffer)), err
		}
	}
	size := int64(len(buffer))
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxBody-size+1))
	size += n
	if err == nil && size > maxBody {
		err = errBodyTooLarge
	}
	return buffer, size, err
}

// take returns an idle connection or a new one.
func (c *client) take(ctx context.Context, a *answer) (*conn, error) {
	if cn := c.takeIdle(); cn != nil {
		a.reused = true
		return cn, nil
	}
	var d dialing
	cc, err := c.transport.NewClientConn(context.WithValue(ctx, dialingKey{}, &d), c.scheme, c.address)
	if d.wire != nil {
		a.opened, a.connect = true, d.took
	}
	if err != nil {
		if d.wire != nil {
			a.in, a.out = d.wire.in.Load(), d.wire.out.Load()
		}
		if d.err == nil && c.scheme == "https" {
			err = &handshakeError{err}
		}
		return nil, err
	}
	return &conn{ClientConn: cc, wire: d.wire}, nil
}

func (c *client) takeIdle() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.idle) > 0 {
		last := len(c.idle) - 1
		cn := c.idle[last]
		c.idle[last] = nil
		c.idle = c.idle[:last]
		if cn.Available() > 0 {
			return cn
		}
		cn.Close()
	}
	return nil
}

func (c *client) giveBack(cn *conn, reusable bool) {
	c.mu.Lock()
	reusable = reusable && !c.closed
	if reusable {
		c.idle = append(c.idle, cn)
	}
	c.mu.Unlock()
	if !reusable {
		cn.Close()
	}
}

func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, cn := range c.idle {
		cn.Close()
	}
	c.idle = nil
}

// maxReached bounds the list of addresses: a name behind a large load balancer
// may have any number.
const maxReached = 16

func (c *client) note(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.reached) < maxReached && !slices.Contains(c.reached, address) {
		c.reached = append(c.reached, address)
	}
}

func (c *client) hasReached(address string) bool { return slices.Contains(c.route(), address) }

func (c *client) route() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.reached)
}

// decodeJSON returns nil for what is not JSON.
func decodeJSON(body []byte) any {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}
