// Package docker starts this container's program once more, in the network of
// the container's host, through the Docker socket that a runner mounts into
// container actions.
//
// In come the engine's socket and what this container's system says about
// itself; out go the output and the exit code of its twin: same image, same
// environment and folders, same labels, another network. The twin is removed
// when it ends, and told to end when this process does.
//
// It speaks the Docker Engine API, a dozen lines of HTTP and JSON for six
// calls (https://docs.docker.com/reference/api/engine/). Docker's own client
// would be three times the size of the rest of the program.
//
// The environment of a container holds secrets. It is passed on inside of one
// request and appears in no error.
package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// newest is the version of the API that this client is written for. An older
	// engine is spoken to in its own version, a newer one in this.
	newest = "1.47"
	// oldest knows waiting for a container's removal (Docker 17.06).
	oldest = "1.30"
	// callTimeout bounds every call but those that last as long as the container.
	callTimeout = 30 * time.Second
	// pingTimeout is short: an engine on the same machine answers at once.
	pingTimeout = 3 * time.Second
	// largestReply bounds what is read of a reply.
	largestReply = 4 << 20
)

// Engine is a Docker engine.
type Engine struct {
	http    *http.Client
	version string // of the API, negotiated

	endWithin time.Duration // what a twin gets that was told to end
}

// Connect reaches the engine behind a Unix socket and agrees on a version of
// its API.
func Connect(ctx context.Context, socket string) (*Engine, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		DisableCompression: true,
	}
	e := &Engine{http: &http.Client{Transport: transport}, endWithin: endWithin}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	reply, err := e.send(ctx, http.MethodGet, "/_ping", nil)
	if err != nil {
		return nil, fmt.Errorf("docker socket %s: %w", socket, err)
	}
	reply.Body.Close()
	if e.version, err = negotiate(reply.Header.Get("Api-Version")); err != nil {
		return nil, fmt.Errorf("docker socket %s: %w", socket, err)
	}
	return e, nil
}

// Close closes the connections to the engine.
func (e *Engine) Close() { e.http.CloseIdleConnections() }

// negotiate returns the version of the API to speak with an engine whose
// newest one is given.
func negotiate(theirs string) (string, error) {
	number, ok := minor(theirs)
	ours, _ := minor(newest)
	least, _ := minor(oldest)
	switch {
	case !ok:
		return "", fmt.Errorf("the engine does not name its API version (%q)", cut(theirs))
	case number < least:
		return "", fmt.Errorf("the engine's API %s is older than %s", theirs, oldest)
	case number > ours:
		return newest, nil
	}
	return theirs, nil
}

// minor is the n of the version 1.n, the only ones that there are.
func minor(version string) (int, bool) {
	digits, ok := strings.CutPrefix(version, "1.")
	n, err := strconv.ParseUint(digits, 10, 16)
	return int(n), ok && err == nil
}

// call sends a request of the negotiated version and reads its reply into out,
// where that is not nil.
func (e *Engine) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	reply, err := e.send(ctx, method, "/v"+e.version+path, in)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body := io.LimitReader(reply.Body, largestReply)
	if out == nil {
		_, err = io.Copy(io.Discard, body)
	} else {
		err = json.NewDecoder(body).Decode(out)
	}
	if err != nil {
		return fmt.Errorf("read reply: %w", err)
	}
	return nil
}

// send sends a request and returns a reply of success, whose body the caller
// closes.
func (e *Engine) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if path, _, _ := strings.Cut(path, "?"); strings.HasSuffix(path, "/attach") {
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", "tcp")
	}
	reply, err := e.http.Do(request)
	if err != nil {
		if wrapped, ok := err.(*url.Error); ok {
			err = wrapped.Err // without the URL, which is none of the user's
		}
		return nil, err
	}
	if reply.StatusCode >= http.StatusBadRequest {
		defer reply.Body.Close()
		return nil, refusal(reply)
	}
	return reply, nil
}

// Refusal is an engine's answer that it does not do what it was asked.
type Refusal struct {
	Status  int
	Message string // its own words, on one line, cut
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the engine answered %d: %s", r.Status, r.Message)
}

func refusal(reply *http.Response) error {
	var said struct{ Message string }
	// Without a message the status alone has to do.
	_ = json.NewDecoder(io.LimitReader(reply.Body, largestReply)).Decode(&said)
	return &Refusal{Status: reply.StatusCode, Message: cut(said.Message)}
}

// cut brings text of the engine onto one line of bearable length.
func cut(text string) string {
	const longest = 300
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
