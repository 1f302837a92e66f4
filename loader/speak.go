package loader

import (
	"context"
	"net/http"
	"time"

	"github.com/slogate/slogate/slo"
)

// speaker does a step that is not an HTTP request and an answer. It notes on
// the exchange when what happened; ctx ends with the step's time.
type speaker func(ctx context.Context, x *exchanged, r *request) error

// callee is a method of gRPC that a step calls.
type callee interface {
	call(ctx context.Context, c *client, r *request) (caller, error)
}

// caller makes a call of a request over HTTP/2, and reads its answer.
type caller interface {
	prepare(r *http.Request) error
	read(x *exchanged, answer *http.Response) error
}

// speakerOf returns nil for a step that is an HTTP request.
func speakerOf(st *step, u *user) speaker {
	switch r := st.request; {
	case r.WebSocket != nil:
		return func(ctx context.Context, x *exchanged, r *request) error { return converse(ctx, x, r, st, u) }
	case r.TCP != "":
		return func(ctx context.Context, x *exchanged, _ *request) error { return knock(ctx, x, r.TCP) }
	case r.DNS != nil:
		return func(ctx context.Context, x *exchanged, _ *request) error { return ask(ctx, x, r.DNS, u) }
	}
	return nil
}

// speak does a step that is no HTTP request.
func (x *exchanged) speak(ctx context.Context, r *request, deadline time.Time) {
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	x.err = r.speak(limited, x, r)
	if x.err != nil && limited.Err() != nil && ctx.Err() == nil {
		x.err = limited.Err() // and not what the end of the time led to
	}
	x.finish(ctx)
}

// written puts a user's values into a template that is sent by itself.
func (u *user) written(t slo.Template) (string, error) {
	if u.session != nil && u.session.rowless != nil {
		return "", u.session.rowless
	}
	text := u.text(t)
	if name := u.lacks; name != "" {
		u.lacks = ""
		return "", &lackError{name}
	}
	return text, nil
}

// knock opens a TCP connection and closes it.
func knock(ctx context.Context, x *exchanged, address string) error {
	raw, err := x.client.dialer.DialContext(ctx, "tcp", x.client.way.of(address))
	if err != nil {
		return err
	}
	x.end = time.Now()
	x.opened, x.answer.connect = true, x.end.Sub(x.start)
	return raw.Close()
}
