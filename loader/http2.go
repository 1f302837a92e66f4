package loader

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/loader/http1"
	"github.com/slogate/slogate/slo"
)

// http2 keeps a client's HTTP/2 connections. Each carries several requests at
// the same time, up to the file's streams and to what the server permits; one
// more opens another connection. Frames are the standard library's, of which
// the single connection is used ([http.ClientConn]), not the Transport: that
// one sends requests again by itself, which no measurement may hide.
//
// Requests that come while a connection is being opened wait for it instead of
// opening one each, and that wait is a part of their time, as it is in a browser.
type http2 struct {
	transport *http.Transport
	tls       *tls.Config
	scheme    string
	host      string // in requests without a Host of their own
	streams   int
	once      bool        // a connection carries one request
	chooses   bool        // the server may choose HTTP/1.1
	older     atomic.Bool // it has
	lives     *lives

	mu     sync.Mutex
	trunks []*trunk
	closed bool
}

// trunk is one HTTP/2 connection, open or being opened.
type trunk struct {
	shared  atomic.Bool   // others than who opened it send requests on it
	ready   chan struct{} // closed when it is open, or cannot be
	err     error         // why it cannot be
	conn    *http.ClientConn
	wire    *wire
	settled *settled
	expires time.Time // the service's certificate
	version string    // of TLS
	dies    time.Time // it gets no request after this

	// Guarded by http2.mu.
	taken int  // requests under way on it
	gone  bool // that it is closed has been noticed
}

// speak chooses the protocol of a client.
func (c *client) speak(settings slo.HTTP) error {
	secure := c.scheme == "https"
	protocols := []string{"h2"}
	switch settings.Protocol {
	case slo.HTTP1:
		return nil
	case slo.HTTP2:
		if !secure {
			return errors.New("protocol http2 needs a target with https://")
		}
	case slo.H2C:
		if secure {
			return errors.New("protocol h2c needs a target with http://")
		}
	default:
		if !secure {
			return nil
		}
		protocols = []string{"h2", "http/1.1"}
	}
	c.http2 = c.newHTTP2(settings, protocols)
	return nil
}

// newHTTP2 agrees upon one of some protocols, where TLS is spoken.
func (c *client) newHTTP2(settings slo.HTTP, protocols []string) *http2 {
	var spoken http.Protocols
	spoken.SetUnencryptedHTTP2(true) // TLS, if any, is below
	h := &http2{
		scheme: c.scheme, host: c.address, streams: cmp.Or(settings.Streams, defaultStreams), tls: c.tls.Clone(), lives: c.lives,
		chooses: c.scheme == "https" && len(protocols) > 1,
		transport: &http.Transport{
			Protocols: &spoken, DisableCompression: true, MaxResponseHeaderBytes: http1.MaxHeader, DialContext: opened,
		},
	}
	h.tls.NextProtos = protocols
	if h.once = settings.NewConnections; h.once {
		h.streams = 1
	}
	return h
}

// defaultStreams is the file's default.
const defaultStreams = 100

// openedKey finds the connection that opened hands over.
type openedKey struct{}

// opened gives the library the connection that the client has opened itself,
// so that it is timed and counted like any other.
func opened(ctx context.Context, _, _ string) (net.Conn, error) {
	return ctx.Value(openedKey{}).(net.Conn), nil
}

// settled tells when the server's first frame has been taken in: its settings,
// which say how many requests it permits. Without waiting for it, those that
// follow the first at once might be refused.
type settled struct {
	net.Conn
	done chan struct{}
	once sync.Once
	head [3]byte // the length of the first frame
	came int
}

// frameHead is how long the head of a frame is (RFC 9113, section 4.1).
const frameHead = 9

// Read reads from the connection. The library asks for more only when it has
// taken in all whole frames.
func (s *settled) Read(p []byte) (int, error) {
	length := int(s.head[0])<<16 | int(s.head[1])<<8 | int(s.head[2])
	if s.came >= frameHead+length {
		s.once.Do(func() { close(s.done) })
	}
	n, err := s.Conn.Read(p)
	if s.came < len(s.head) {
		copy(s.head[s.came:], p[:n])
	}
	if s.came += n; err != nil {
		s.once.Do(func() { close(s.done) })
	}
	return n, err
}

// isSpoken reports whether requests go over HTTP/2. It does until the server
// has chosen HTTP/1.1.
func (h *http2) isSpoken() bool { return h != nil && !h.older.Load() }

// join takes a place on an HTTP/2 connection, or on an HTTP/1.1 connection
// where the server chose that.
func (x *exchanged) join(ctx context.Context, deadline time.Time) error {
	h := x.over
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for {
		l, opens, reserved := h.take()
		if l == nil {
			return net.ErrClosed
		}
		if opens {
			reserved = x.dial(ctx, l)
		}
		select {
		case <-l.ready:
		case <-ctx.Done():
			if reserved {
				l.conn.Release()
			}
			h.leave(l)
			return ctx.Err()
		}
		if l.err == nil && l.conn == nil { // HTTP/1.1
			h.leave(l)
			if opens {
				return nil
			}
			return x.connect(ctx, deadline)
		}
		if l.err == nil && !opens && !reserved {
			select {
			case <-l.settled.done:
			case <-ctx.Done():
				h.leave(l)
				return ctx.Err()
			}
		}
		if l.err == nil && (reserved || l.conn.Reserve() == nil) {
			x.trunk, x.reused, x.streams = l, !opens, l.conn.InFlight()
			if !opens {
				l.shared.Store(true)
			}
			return nil
		}
		h.leave(l)
		if err := x.failed(ctx, l, opens); err != nil {
			return err
		}
	}
}

// failed says why a connection could not be had. It is nil where another one
// is to be tried: somebody else gave up opening it, or it is taken.
func (x *exchanged) failed(ctx context.Context, l *trunk, opens bool) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case l.err == nil && opens:
		return fmt.Errorf("the connection was closed at once: %w", io.ErrUnexpectedEOF)
	case l.err != nil && (opens || !errors.Is(l.err, context.Canceled) && !errors.Is(l.err, context.DeadlineExceeded)):
		return l.err
	}
	return nil
}

// take finds a connection with a free place, or one to be opened. reserved
// says that the place is the connection's own already.
func (h *http2) take() (l *trunk, opens, reserved bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, false, false
	}
	h.trunks = slices.DeleteFunc(h.trunks, (*trunk).isClosed)
	for _, l := range h.trunks {
		if h.lives.over(l.dies) {
			l.retire()
			continue
		}
		if l.taken >= h.streams {
			continue
		}
		if reserved = l.isSettled(); reserved && l.conn.Reserve() != nil {
			continue // it has as many as the server permits, or is about to close
		}
		l.taken++
		return l, false, reserved
	}
	l = &trunk{ready: make(chan struct{}), taken: 1, dies: h.lives.until(time.Now())}
	h.trunks = append(h.trunks, l)
	return l, true, false
}

func (l *trunk) isOpen() bool { return isDone(l.ready) }

func (l *trunk) isSettled() bool { return l.isOpen() && l.conn != nil && isDone(l.settled.done) }

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// isClosed reports a connection that carries nothing any more.
func (l *trunk) isClosed() bool {
	return l.isOpen() && (l.conn == nil || l.conn.Err() != nil)
}

// leave gives a place back. It reports whether the other side turns out to have
// closed the connection.
func (h *http2) leave(l *trunk) (closedByPeer bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.taken--
	if (h.closed || h.once || h.lives.over(l.dies)) && l.retire() {
		return false
	}
	if h.closed || l.gone || !l.isOpen() || l.conn == nil || l.conn.Err() == nil {
		return false
	}
	l.gone = true
	return true
}

// retire closes a connection that carries nothing, and reports whether it did.
func (l *trunk) retire() bool {
	if l.taken > 0 || !l.isOpen() || l.conn == nil {
		return false
	}
	l.conn.Close()
	return true
}

// dial opens a connection for all that wait for it. Its first place is taken
// before anybody else has one, and that is what it reports: others may use up
// all that the server permits before who opened it comes to run again.
func (x *exchanged) dial(ctx context.Context, l *trunk) (reserved bool) {
	defer close(l.ready)
	h := x.over
	if l.err = x.open(ctx, h.tls); l.err != nil {
		if x.conn != nil {
			x.conn.close()
			x.conn = nil
		}
		return false
	}
	switch agreed := x.conn.agreed(); {
	case h.scheme == "http" || agreed == "h2":
		l.wire = x.conn.wire
		l.expires, l.version = x.conn.expires, x.conn.version
		l.settled = &settled{Conn: x.conn.Conn, done: make(chan struct{})}
		ctx = context.WithValue(ctx, openedKey{}, l.settled)
		l.conn, l.err = h.transport.NewClientConn(ctx, "http", h.host)
		if l.err != nil {
			x.conn.close()
		}
		x.conn = nil
		return l.err == nil && l.conn.Reserve() == nil
	case h.chooses:
		h.older.Store(true)
	default:
		x.conn.close()
		x.conn, l.err = nil, errors.New("the server does not speak HTTP/2: TLS did not agree upon h2")
	}
	return false
}

// converse sends a request as one stream of the connection and reads its
// answer.
func (x *exchanged) converse(ctx context.Context, r request, deadline time.Time) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	// Bytes of a connection that several requests share are counted with the one
	// that ends next: their sum is exact.
	defer func() { x.in, x.out = x.trunk.wire.in.Swap(0), x.trunk.wire.out.Swap(0) }()
	req, err := parseMessage(ctx, r.message, x.client.scheme, x.client.address)
	if err == nil && r.call != nil {
		err = r.call.prepare(req)
	}
	if err != nil {
		x.trunk.conn.Release()
		x.err = err
		return
	}
	x.wrote = time.Now()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	req = req.WithContext(reading)
	if x.events = r.events; r.events != nil {
		r.events.begin(x.wrote)
	}
	answer, err := x.trunk.conn.RoundTrip(req)
	if x.err = err; err != nil {
		return
	}
	defer answer.Body.Close()
	x.first, x.headDone = time.Now(), true
	if x.status, x.err = statusOf(answer); x.err != nil {
		return
	}
	if r.headers {
		x.header = answer.Header
	}
	x.expires, x.version = x.trunk.expires, x.trunk.version
	if r.coding {
		x.encoding = answer.Header.Get("Content-Encoding")
	}
	if r.cookies {
		x.setCookie = answer.Header.Values("Set-Cookie")
	}
	if over := x.events.over(); !over.IsZero() {
		defer time.AfterFunc(time.Until(over), stop).Stop()
	}
	if r.call != nil {
		x.err = r.call.read(x, answer)
	} else {
		x.body, x.size, x.err = readBody(answer.Body, r.keep, func(piece []byte) (bool, error) {
			x.events.take(x.status, piece, time.Now())
			return x.events.ended()
		})
	}
	x.end = time.Now()
	if x.err != nil && ctx.Err() == nil && x.events.isOver(x.end) {
		x.err = nil
	}
}

// statusOf is the status of an answer that the standard library has read, which
// takes other numbers too. The results hold three digits, as the parser does.
func statusOf(answer *http.Response) (int, error) {
	if answer.StatusCode < 100 || answer.StatusCode > 999 {
		return 0, fmt.Errorf("malformed HTTP status %d", answer.StatusCode)
	}
	return answer.StatusCode, nil
}

var errBodyTooLarge = fmt.Errorf("the body is larger than %d MiB", http1.MaxBody>>20)

// readBody reads a body to its end, or until each has seen enough of it, and
// keeps its beginning.
func readBody(from io.Reader, keep int, each func(piece []byte) (stop bool, err error)) (kept []byte, size int64, err error) {
	buffer := make([]byte, readSize)
	for {
		n, err := from.Read(buffer)
		if size += int64(n); size > http1.MaxBody {
			return kept, size, errBodyTooLarge
		}
		kept = append(kept, buffer[:min(n, max(keep-len(kept), 0))]...)
		if stop, wrong := each(buffer[:n]); stop || wrong != nil {
			return kept, size, wrong
		}
		if err == io.EOF {
			return kept, size, nil
		}
		if err != nil {
			return kept, size, err
		}
	}
}

// parseMessage makes a request of what would be written to an HTTP/1.1
// connection. A library may still read the body when the message's buffer is
// used again, so it gets its own.
func parseMessage(ctx context.Context, message []byte, scheme, host string) (*http.Request, error) {
	before, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	first, head, _ := strings.Cut(string(before), "\r\n")
	method, rest, _ := strings.Cut(first, " ")
	u, err := url.ParseRequestURI(strings.TrimSuffix(rest, " HTTP/1.1"))
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	u.Scheme, u.Host = scheme, host
	r := &http.Request{Method: method, URL: u, Host: host, Header: make(http.Header), ContentLength: int64(len(body))}
	for line := range strings.SplitSeq(head, "\r\n") {
		switch name, value, _ := strings.Cut(line, ": "); name {
		case "Host":
			r.Host = value
		case "Content-Length", "Connection", "": // the frames say it
		default:
			r.Header.Add(name, value)
		}
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(bytes.Clone(body)))
	}
	return r.WithContext(ctx), nil
}

// disconnect closes the connections that carry nothing.
func (h *http2) disconnect() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trunks = slices.DeleteFunc(h.trunks, func(l *trunk) bool {
		idle := l.taken == 0 && l.isOpen()
		if idle && l.conn != nil {
			l.conn.Close()
		}
		return idle
	})
}

func (h *http2) close() {
	h.disconnect()
	if h == nil {
		return
	}
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
}

// unprocessed are the library's words for a request that the other side has
// promised not to have looked at, because it closes the connection in an orderly
// way (RFC 9113, section 6.8). There is no type to ask for.
var unprocessed = []string{
	"http2: Transport received Server's graceful shutdown GOAWAY",
	"http2: client conn not usable",
}

func isUnprocessed(err error) bool { return slices.Contains(unprocessed, err.Error()) }

// streamError has the shape of the library's error of a stream, which fills it
// in.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return fmt.Sprintf("stream reset with code %d", e.Code) }

// isResetStream recognises a stream, or its connection, that the other side
// ended. What the library ends by itself is the other side's fault against the
// protocol.
func isResetStream(err error) bool {
	if e, ok := errors.AsType[streamError](err); ok {
		return e.Cause != nil && e.Cause.Error() == "received from peer"
	}
	text := err.Error()
	return strings.Contains(text, "GOAWAY") || strings.HasPrefix(text, "http2: client conn")
}

// agreed is the protocol that TLS agreed upon; empty without one.
func (cn *conn) agreed() string {
	if secured, ok := cn.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		return secured.ConnectionState().NegotiatedProtocol
	}
	return ""
}
