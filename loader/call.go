//go:build grpc

package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/loader/grpc"
	"github.com/slogate/slogate/loader/http1"
	"github.com/slogate/slogate/slo"
)

// grpcMethod is the callee of a step.
type grpcMethod struct {
	spec  *slo.GRPC
	reads bool // checks, captures or measures look at the messages

	mu     sync.Mutex
	method *grpc.Method
	asked  *question // under way
}

// question is put to a server once for all calls that wait for its answer.
type question struct {
	done chan struct{}
	err  error
}

// newCallee reads what the .proto file says; without one, the server is asked
// with the first call.
func newCallee(r *slo.Request) (callee, error) {
	spec := r.GRPC
	if spec == nil {
		return nil, nil
	}
	m := &grpcMethod{spec: spec, reads: len(r.Checks) > 0 || len(r.Captures) > 0 || len(r.Measures) > 0 || r.Stream.Until != nil}
	if spec.Files == nil {
		return m, nil
	}
	var err error
	m.method, err = grpc.Load(spec.Files, spec.Service, spec.Method)
	return m, err
}

// call prepares a call.
func (m *grpcMethod) call(ctx context.Context, c *client, r *request) (caller, error) {
	method, err := m.known(ctx, c, r)
	if err != nil {
		return nil, err
	}
	return &grpcCall{method, m.reads}, nil
}

// known returns the method, for which the server may have to be asked: all of
// its questions are answered within the call's time.
func (m *grpcMethod) known(ctx context.Context, c *client, r *request) (*grpc.Method, error) {
	m.mu.Lock()
	method, q := m.method, m.asked
	asks := method == nil && q == nil
	if asks {
		q = &question{done: make(chan struct{})}
		m.asked = q
	}
	m.mu.Unlock()
	if method != nil {
		return method, nil
	}
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if asks {
		m.ask(limited, c, r, q)
	}
	select {
	case <-q.done:
	case <-limited.Done():
		return nil, limited.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.method, q.err
}

func (m *grpcMethod) ask(ctx context.Context, c *client, r *request, q *question) {
	found, err := grpc.Reflect(m.spec.Service, m.spec.Method, func(question []byte) ([]byte, error) { return reflects(ctx, c, r, question) })
	m.mu.Lock()
	defer m.mu.Unlock()
	defer close(q.done)
	if m.method, m.asked = found, nil; err != nil {
		q.err = fmt.Errorf("reflection: %w", err)
	}
}

// grpcCall is one call of a method: a request of HTTP/2 whose body and answer
// are messages.
type grpcCall struct {
	method *grpc.Method // nil: the body is a message already, a question of reflection
	reads  bool         // the messages of the answer are looked at
}

// reflects asks a server what it offers, with the head of a request to it.
func reflects(ctx context.Context, c *client, r *request, question []byte) ([]byte, error) {
	head, _, _ := bytes.Cut(r.message, []byte("\r\n\r\n"))
	_, head, _ = bytes.Cut(head, []byte("\r\n"))
	var why error
	for _, path := range grpc.ReflectionPaths {
		message := []byte("POST " + path + " HTTP/1.1\r\n")
		message = append(append(append(message, head...), "\r\n\r\n"...), question...)
		x := c.do(ctx, request{message: message, keep: http1.MaxBody, timeout: r.timeout, headers: true, call: &grpcCall{}})
		x.done()
		answer, err := grpc.Next(bytes.NewReader(x.body), http1.MaxBody) // the body is the call's own
		switch {
		case x.err != nil:
			return nil, x.err
		case err != nil:
			why = errors.New(strings.TrimSpace(fmt.Sprintf("status %d %s", x.status, x.said)))
		default:
			return answer, nil
		}
	}
	return nil, why
}

// prepare makes a call of a request whose body is the message as JSON.
func (c *grpcCall) prepare(r *http.Request) error {
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	if c.method == nil {
		return nil
	}
	json, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	message, err := c.method.Encode(json)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(message)), int64(len(message))
	return nil
}

// read reads the messages of an answer, and its status.
func (c *grpcCall) read(x *exchanged, answer *http.Response) error {
	from := &metered{Reader: answer.Body}
	for x.status == http.StatusOK {
		message, err := grpc.Next(from, c.most())
		x.size = from.read
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if stop, err := c.take(x, message, time.Now()); stop || err != nil {
			return err
		}
	}
	if x.status != http.StatusOK {
		return nil
	}
	status, err := grpc.StatusOf(answer)
	if err != nil {
		return err
	}
	if x.header != nil {
		maps.Copy(x.header, answer.Trailer)
	}
	if x.status = status.HTTP(); status.Code != 0 {
		x.said = status.String()
	}
	return nil
}

// most is how large a message of the answer may be.
func (c *grpcCall) most() int {
	if c.method == nil {
		return http1.MaxBody
	}
	return slo.MaxEvent
}

// take notes a message as an event.
func (c *grpcCall) take(x *exchanged, message []byte, now time.Time) (stop bool, err error) {
	if c.method == nil {
		x.body = grpc.Frame(message)
		return false, nil
	}
	text := ""
	if c.reads {
		if text, err = c.method.Decode(message); err != nil {
			return false, err
		}
		x.body = []byte(text)
	}
	x.events.add(text, "message", now)
	return x.events.ended()
}

// metered counts what is read.
type metered struct {
	io.Reader
	read int64
}

func (c *metered) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += int64(n)
	return n, err
}
