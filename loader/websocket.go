package loader

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/slogate/slogate/loader/http1"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/slo"
)

// converse opens a WebSocket (RFC 6455), sends and awaits the step's messages in
// order, and closes it. All of it is one request; each message that comes is an
// event.
func converse(ctx context.Context, x *exchanged, r *request, st *step, u *user) error {
	open, err := x.upgrade(ctx, r)
	if x.conn != nil {
		defer func() { x.in, x.out = x.conn.wire.in.Load(), x.conn.wire.out.Load() }()
		defer x.hangUp()
	}
	if open == nil {
		return err
	}
	defer open.CloseNow()
	open.SetReadLimit(slo.MaxEvent)
	x.events = r.events
	x.events.begin(x.wrote)
	for i := range st.request.WebSocket.Messages {
		m := &st.request.WebSocket.Messages[i]
		for range m.Times {
			if err := x.pass(ctx, open, m, u); err != nil {
				return err
			}
		}
	}
	// That the other side closes too, is waited for while there is time; that it
	// does not, is no fault: all that was expected has come.
	defer context.AfterFunc(ctx, func() { _ = x.conn.SetDeadline(longPast) })()
	_ = open.Close(websocket.StatusNormalClosure, "")
	return nil
}

// upgrade opens the connection. There is neither one nor an error where the
// server answers with another status, which is then judged.
func (x *exchanged) upgrade(ctx context.Context, r *request) (*websocket.Conn, error) {
	req, err := parseMessage(ctx, r.message, x.client.scheme, x.client.address)
	if err != nil {
		return nil, err
	}
	if err := x.open(ctx, x.client.tls); err != nil {
		return nil, err
	}
	if err := x.conn.SetDeadline(deadlineOf(ctx)); err != nil {
		return nil, netError("set deadline", x.conn.RemoteAddr(), err)
	}
	defer context.AfterFunc(ctx, func() { _ = x.conn.SetDeadline(longPast) })()
	x.wrote = time.Now()
	open, answer, err := websocket.Dial(ctx, req.URL.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: overConn{x.conn}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		HTTPHeader: req.Header, Host: req.Host,
	})
	if answer == nil {
		return nil, err
	}
	x.first, x.headDone, x.status = time.Now(), true, answer.StatusCode
	x.expires, x.version = x.conn.expires, x.conn.version
	if r.headers {
		x.header = answer.Header
	}
	if r.cookies {
		x.setCookie = answer.Header.Values("Set-Cookie")
	}
	if err != nil && x.status != http.StatusSwitchingProtocols {
		x.body, _ = io.ReadAll(io.LimitReader(answer.Body, int64(r.keep))) // the library has read its beginning
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_ = x.conn.SetDeadline(time.Time{}) // from here on it is ctx that ends it
	return open, nil
}

func deadlineOf(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline()
	return deadline
}

// hangUp closes a connection that serves nobody else.
func (x *exchanged) hangUp() {
	x.conn.close()
	x.cut = true
}

// overConn does one request on a connection, which is the answer's body when
// the server switches protocols.
type overConn struct{ conn net.Conn }

// RoundTrip sends the request and reads the head of the answer.
func (o overConn) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(o.conn); err != nil {
		return nil, err
	}
	in := bufio.NewReader(&io.LimitedReader{R: o.conn, N: http1.MaxHeader})
	answer, err := http.ReadResponse(in, r)
	if err != nil {
		return nil, err
	}
	switch status, err := statusOf(answer); {
	case err != nil:
		return nil, err
	case status != http.StatusSwitchingProtocols:
		return answer, nil
	}
	already, _ := in.Peek(in.Buffered())
	answer.Body = struct {
		io.Reader
		io.WriteCloser
	}{io.MultiReader(bytes.NewReader(already), o.conn), o.conn}
	return answer, nil
}

// pass sends a message and awaits another, as far as the file asks for it.
func (x *exchanged) pass(ctx context.Context, open *websocket.Conn, m *slo.Message, u *user) error {
	sent := time.Now()
	if m.Sends {
		text, err := u.written(m.Send)
		if err != nil {
			return err
		}
		if err := open.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	if m.Expect == nil {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, m.Within)
	defer cancel()
	if err := x.await(within, open, m.Expect); err != nil {
		if within.Err() != nil && ctx.Err() == nil {
			return &lateError{m.Expect.Text, m.Within}
		}
		return fmt.Errorf("expect %s: %w", m.Expect.Text, err)
	}
	if m.Sends {
		x.events.trips = append(x.events.trips, x.events.last.Sub(sent))
	}
	return nil
}

// await reads messages until one meets what is expected.
func (x *exchanged) await(ctx context.Context, open *websocket.Conn, expect *slo.Check) error {
	e := x.events
	e.until(expect)
	defer e.until(nil) // the next message may not come before it is sent
	for !e.stopped {
		kind, message, err := open.Read(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		x.body, x.size = message, x.size+int64(len(message))
		word := "text"
		if kind == websocket.MessageBinary {
			word = "binary"
		}
		if e.add(string(message), word, now); e.wrong != nil {
			return e.wrong
		}
	}
	return nil
}

// lateError says that nothing that was expected came in time.
type lateError struct {
	expected string
	within   time.Duration
}

func (e *lateError) Error() string {
	return fmt.Sprintf("no message met %s within %s", e.expected, quantity.Duration(e.within))
}

// Unwrap makes it a timeout.
func (e *lateError) Unwrap() error { return context.DeadlineExceeded }
