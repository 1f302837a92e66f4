package loader

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/loader/http1"
)

// readSize is how much one read of a connection takes in at most.
const readSize = 16 << 10

// client sends requests over a pool of connections, one request at a time on
// each. It retries nothing. A connection that is found closed before anything
// is written is left out; one that closes while a request is under way ends
// that request as reset.
type client struct {
	scheme  string
	address string // host and port of the target
	dial    string // host and port to connect to
	socket  string // path of a unix socket to connect to instead; empty: none
	way     way    // to the target
	guard   Guard
	barred  atomic.Pointer[AddressError] // the latest address that the guard refused
	behind  atomic.Pointer[permission]   // the latest for the service behind a proxy
	dialer  *dialer                      // asks the guard
	proxy   *url.URL                     // nil: none
	// proxyTLS is how the proxy is spoken to; nil: in clear text.
	proxyTLS *tls.Config
	tunnel   string      // host and port that the proxy connects to; empty: it passes requests on
	beyond   error       // what the epoll engine cannot do of it
	tls      *tls.Config // of HTTP/1.1
	http2    *http2      // nil: HTTP/1.1 is spoken
	grpc     *http2      // of gRPC, which speaks nothing else
	lives    *lives      // of its connections; nil: they stay

	mu      sync.Mutex
	idle    []*conn // the most recently used last: it is taken first
	closed  bool
	reached []string // addresses, in the order in which they were first connected to
}

// conn is one connection to the target. It belongs to one exchange at a time.
type conn struct {
	net.Conn // speaks HTTP: wire, or TLS over it
	wire     *wire
	parser   http1.Parser
	buffer   []byte
	since    time.Time // when it became idle
	dies     time.Time // it carries no request after this
	expires  time.Time // the other side's certificate; zero: there is none
	version  string    // of TLS

	watch   sync.Mutex
	watched context.Context // ends what is under way
	unwatch func() bool
}

// wire counts the bytes on a connection, as long as nobody takes them.
// Reader and writer may be two goroutines.
type wire struct {
	net.Conn
	in, out atomic.Int64
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.in.Add(int64(n))
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.out.Add(int64(n))
	return n, err
}

// newClient makes a client for a manner's target. Wherever it connects to, the
// name in Host and TLS stays the target's.
func newClient(m *manner) (*client, error) {
	config, err := m.tls()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c := &client{
		scheme: m.target.Scheme, address: addressOf(m.target), dial: m.dial(), socket: m.socket, way: m.way,
		proxy: m.proxy(), proxyTLS: m.proxyTLS(config), tunnel: m.tunnel(), beyond: m.beyondEpoll(), tls: config, lives: newLives(m.http.ConnectionAge),
	}
	c.guard = m.guard.watched(&c.barred)
	c.dialer = m.dialer(c.guard)
	return c, c.speak(m.http)
}

// permission is what the guard has said of the service behind a proxy.
type permission struct {
	at      time.Time
	refusal error
}

// askAgain is how long a permission holds: no connection has to wait for a name
// server that only the guard asks.
const askAgain = 5 * time.Second

// permitted asks the guard for the service that a proxy connects to: the dialer
// sees the proxy alone.
func (c *client) permitted(ctx context.Context) error {
	if c.proxy == nil || c.guard == nil {
		return nil
	}
	if last := c.behind.Load(); last != nil && time.Since(last.at) < askAgain {
		return last.refusal
	}
	host, _, _ := net.SplitHostPort(c.address)
	err := c.guard.checkBehind(ctx, host)
	if refused, is := errors.AsType[*AddressError](err); is {
		c.barred.Store(refused)
	}
	if ctx.Err() == nil { // else nobody was asked to the end
		c.behind.Store(&permission{time.Now(), err})
	}
	return err
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
	connect time.Duration // of a new connection, without TLS
	secured time.Duration // its TLS handshake; 0: none
	resumed bool          // the handshake took a session up again
	streams int           // requests on the HTTP/2 connection, with this one; 0: another protocol
	opened  bool
	reused  bool
	in, out int64 // bytes

	redirects int // that were followed
	reply
	headDone bool // status and headers have been read
	err      error
}

// reply is what the other side said.
type reply struct {
	status int // 0: nothing
	header http.Header
	// setCookie are the lines of Set-Cookie, where cookies were asked for.
	setCookie []string
	encoding  string    // Content-Encoding, where it was asked for
	expires   time.Time // the certificate; zero: there is none
	version   string    // of TLS
	body      []byte    // the whole body where it was asked for, else its beginning
	size      int64     // of the body
	events    *events   // nil: it was no stream
	said      string    // of gRPC, beside the status
}

// service is the time from the write to the last byte.
func (a *answer) service() time.Duration {
	if a.wrote.IsZero() {
		return a.end.Sub(a.start)
	}
	return a.end.Sub(a.wrote)
}

// request is what do needs to know of one.
type request struct {
	message []byte
	isHead  bool
	closes  bool // it asks the other side to close the connection
	keep    int  // bytes of the answer's body
	headers bool // of the answer are kept
	cookies bool // of the answer are kept
	coding  bool // of the answer's body is kept
	timeout time.Duration
	events  *events // of the answer, where it is a stream
	// speak does the step in the place of an HTTP request; nil: it is one.
	speak  speaker
	callee callee // nil: no method of gRPC is called
	call   caller
}

// requestOf is the request that a user's step sends now. What has to be
// written for it is appended to buffer.
func requestOf(st *step, u *user, buffer []byte) (request, error) {
	if st.message == nil {
		if u != nil && u.session != nil && u.session.rowless != nil {
			return request{}, u.session.rowless
		}
		return request{timeout: st.timeout(), speak: speakerOf(st, u)}, nil
	}
	r := request{
		message: st.message.whole, isHead: st.message.method == http.MethodHead, closes: st.message.closes,
		keep: st.kept, headers: st.sees.header, cookies: st.sees.cookies, coding: st.sees.coding, timeout: st.timeout(),
		events: eventsOf(st, u), speak: speakerOf(st, u), callee: st.callee,
	}
	if r.message != nil {
		return r, nil
	}
	message, err := st.message.render(buffer, u)
	r.message = message
	return r, err
}

// exchanged is an answer, and the connection whose buffer holds its body.
type exchanged struct {
	answer
	client  *client
	over    *http2 // nil: HTTP/1.1 is spoken
	conn    *conn  // nil: none could be opened, or trunk is set
	trunk   *trunk // the HTTP/2 connection
	surplus bool   // more came than belongs to the answer
	unsent  bool   // the request was not written to its end
	cut     bool   // the rest of the answer is not waited for
}

// do sends one request and reads its answer to the end, all within its
// timeout. The answer's body is valid until done is called, which must be.
func (c *client) do(ctx context.Context, r request) *exchanged {
	x := &exchanged{client: c, answer: answer{start: time.Now()}}
	deadline := x.start.Add(r.timeout)
	if r.speak != nil {
		x.speak(ctx, &r, deadline)
		return x
	}
	if r.callee != nil {
		if r.call, x.err = r.callee.call(ctx, c, &r); x.err != nil {
			x.finish(ctx)
			return x
		}
	}
	if x.over = c.http2; r.call != nil {
		x.over = c.grpc
	}
	for {
		if x.err = x.connect(ctx, deadline); x.err != nil {
			break
		}
		if x.trunk != nil {
			x.converse(ctx, r, deadline)
		} else {
			x.exchange(ctx, r, deadline)
		}
		if !x.leftOut() {
			break
		}
		x.drop()
		*x = exchanged{client: c, over: x.over, answer: answer{start: x.start}}
	}
	x.finish(ctx)
	return x
}

// finish notes the end of an exchange.
func (x *exchanged) finish(ctx context.Context) {
	if x.end.IsZero() {
		x.end = time.Now()
	}
	if x.err == nil {
		x.events.finish(x.status, x.end)
	}
	if x.err != nil && ctx.Err() != nil {
		x.err = fmt.Errorf("%w: %w", ctx.Err(), x.err)
	}
}

// leftOut reports whether the connection turned out to be closed before the
// request reached the other side.
func (x *exchanged) leftOut() bool {
	if x.err == nil {
		return false
	}
	if x.trunk != nil {
		// Others may have had all that a new connection serves.
		return (x.reused || x.trunk.shared.Load()) && isUnprocessed(x.err)
	}
	if !x.reused || x.conn.parser.Started() {
		return false
	}
	return x.out == 0 && isAny(x.err, closed) || errors.Is(x.err, io.EOF) && isUnread(x.conn.wire.Conn, x.out)
}

// drop gives a connection up that was closed.
func (x *exchanged) drop() {
	if x.trunk != nil {
		x.over.leave(x.trunk)
	} else {
		x.conn.close()
	}
}

// done lets the next request have the connection, or closes it. It reports
// whether the other side ended it.
func (x *exchanged) done() (closedByPeer bool) {
	if x.trunk != nil {
		return x.over.leave(x.trunk)
	}
	if x.conn == nil {
		return false
	}
	if x.err == nil && x.client.lives.over(x.conn.dies) {
		x.conn.close()
		return false
	}
	if x.err == nil && x.conn.parser.Reusable() && !x.surplus && !x.unsent && !x.cut && x.client.giveBack(x.conn) {
		return false
	}
	x.conn.close()
	return !x.cut && (x.err == nil || isAny(x.err, closed))
}

// exchange writes the request and reads the answer.
func (x *exchanged) exchange(ctx context.Context, r request, deadline time.Time) {
	cn := x.conn
	// With https the handshake belongs to the request that caused it.
	defer func() { x.in, x.out = cn.wire.in.Swap(0), cn.wire.out.Swap(0) }()
	if x.err = cn.until(ctx, deadline); x.err != nil {
		return
	}
	cn.parser.Begin(r.isHead, r.keep, r.headers || r.cookies || r.coding)
	x.wrote = time.Now()
	if r.events != nil {
		x.follow(r.events)
	}
	endWrite := cn.write(r.message)
	x.err = x.read(deadline)
	x.unsent = endWrite() != nil || r.closes
	x.status, x.headDone = cn.parser.Status(), cn.parser.HeaderDone()
	x.body, x.size = cn.parser.Body(), cn.parser.Size()
	x.expires, x.version = cn.expires, cn.version
	if r.headers {
		x.header = headerOf(&cn.parser)
	}
	if r.cookies {
		x.setCookie = setCookieOf(&cn.parser)
	}
	if r.coding {
		x.encoding = encodingOf(&cn.parser)
	}
}

func encodingOf(p *http1.Parser) string {
	for name, value := range p.Header() {
		if strings.EqualFold(name, "Content-Encoding") {
			return value
		}
	}
	return ""
}

func setCookieOf(p *http1.Parser) []string {
	var lines []string
	for name, value := range p.Header() {
		if strings.EqualFold(name, "Set-Cookie") {
			lines = append(lines, value)
		}
	}
	return lines
}

func headerOf(p *http1.Parser) http.Header {
	h := make(http.Header)
	for name, value := range p.Header() {
		h.Add(name, value)
	}
	return h
}

// read reads the answer to its end.
func (x *exchanged) read(deadline time.Time) error {
	cn := x.conn
	begun := false
	for {
		n, err := cn.Read(cn.buffer)
		if n > 0 {
			now := time.Now()
			if x.first.IsZero() {
				x.first = now
			}
			used, done, wrong := cn.parser.Feed(cn.buffer[:n])
			if wrong != nil {
				return wrong
			}
			if done {
				x.end, x.surplus = now, used < n
				return nil
			}
			if stop, wrong := x.events.ended(); stop || wrong != nil {
				x.end, x.cut = now, stop
				return wrong
			}
			if x.events != nil && !begun && cn.parser.HeaderDone() {
				begun = true
				x.listen(deadline)
			}
		}
		if errors.Is(err, io.EOF) {
			if err = cn.parser.End(); err == nil {
				return nil
			}
		}
		if begun && errors.Is(err, os.ErrDeadlineExceeded) && x.events.isOver(time.Now()) {
			x.cut = true
			return nil
		}
		if err != nil {
			return netError("read", cn.RemoteAddr(), err)
		}
	}
}

// connect takes an idle connection or opens one.
func (x *exchanged) connect(ctx context.Context, deadline time.Time) error {
	if x.over.isSpoken() {
		return x.join(ctx, deadline)
	}
	if x.conn = x.client.takeIdle(); x.conn != nil {
		x.reused = true
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return x.open(ctx, x.client.tls)
}

// open opens a connection, TLS included.
func (x *exchanged) open(ctx context.Context, config *tls.Config) error {
	start := time.Now()
	raw, err := x.client.open(ctx)
	if err != nil {
		return err
	}
	x.opened, x.answer.connect = true, time.Since(start)
	x.client.note(raw.RemoteAddr().String())
	w := &wire{Conn: raw}
	x.conn = &conn{Conn: w, wire: w, buffer: make([]byte, readSize), dies: x.client.lives.until(start)}
	if x.client.scheme != "https" {
		return nil
	}
	start = time.Now()
	secured := tls.Client(w, config)
	x.conn.Conn = secured
	if err := secured.HandshakeContext(ctx); err != nil {
		x.in, x.out = w.in.Load(), w.out.Load()
		return &handshakeError{err}
	}
	x.secured, x.resumed = time.Since(start), secured.ConnectionState().DidResume
	x.conn.look(secured.ConnectionState())
	return nil
}

// look notes what checks may ask of a connection.
func (cn *conn) look(s tls.ConnectionState) {
	cn.version = strings.TrimPrefix(tls.VersionName(s.Version), "TLS ")
	if len(s.PeerCertificates) > 0 {
		cn.expires = s.PeerCertificates[0].NotAfter
	}
}

// longPast is a deadline that ends what is under way.
var longPast = time.Unix(1, 0)

// until gives an exchange its time: it ends with ctx or at the deadline.
func (cn *conn) until(ctx context.Context, deadline time.Time) error {
	if cn.watched != ctx {
		if cn.unwatch != nil {
			cn.unwatch()
		}
		cn.watch.Lock()
		cn.watched = ctx
		cn.watch.Unlock()
		cn.unwatch = context.AfterFunc(ctx, func() { cn.giveUp(ctx) })
	}
	if err := cn.SetDeadline(deadline); err != nil {
		return netError("set deadline", cn.RemoteAddr(), err)
	}
	return ctx.Err() // it may have ended just before the deadline was set
}

// giveUp ends what is under way when the stage that watches has ended, but not
// what the next stage has begun meanwhile.
func (cn *conn) giveUp(ctx context.Context) {
	cn.watch.Lock()
	defer cn.watch.Unlock()
	if cn.watched == ctx {
		_ = cn.SetDeadline(longPast)
	}
}

// write writes a request, and returns a function that ends the writing. A large
// one is written beside the reading: the other side may answer, and stop to
// listen, before it has read all. The rest is then not waited for: the next
// request would.
func (cn *conn) write(message []byte) (end func() error) {
	if len(message) <= readSize {
		_, err := cn.Write(message)
		return func() error { return err }
	}
	result := make(chan error, 1)
	go func() {
		_, err := cn.Write(message)
		result <- err
	}()
	return func() error {
		_ = cn.SetDeadline(longPast) // ends only a write that waits to be read
		return <-result
	}
}

func (cn *conn) close() {
	if cn.unwatch != nil {
		cn.unwatch()
	}
	cn.Close()
}

// fresh is how recently a connection must have been used to need no look at
// whether the other side has closed it.
const fresh = time.Millisecond

func (c *client) takeIdle() *conn {
	for {
		c.mu.Lock()
		last := len(c.idle) - 1
		if last < 0 {
			c.mu.Unlock()
			return nil
		}
		cn := c.idle[last]
		c.idle[last] = nil
		c.idle = c.idle[:last]
		c.mu.Unlock()
		if c.lives.over(cn.dies) { // while it was idle
			cn.close()
			continue
		}
		if time.Since(cn.since) < fresh || !isStale(cn.wire.Conn, c.scheme == "https" || c.proxyTLS != nil) {
			return cn
		}
		cn.close()
	}
}

// giveBack makes a connection idle, and reports false where the client is
// closed.
func (c *client) giveBack(cn *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	cn.since = time.Now()
	c.idle = append(c.idle, cn)
	return true
}

func (c *client) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.disconnect()
	c.http2.close()
	c.grpc.close()
}

// disconnect closes the idle connections.
func (c *client) disconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cn := range c.idle {
		cn.close()
	}
	c.idle = nil
	c.http2.disconnect()
	c.grpc.disconnect()
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
