// Package kube speaks to a Kubernetes cluster's API server: it watches the
// autoscaler and the pods of a service while that is loaded.
//
// In come the ways to a cluster and the name of what to watch; out come samples
// of its state as plain data of the result. What a server answers is bounded in
// time and size and is nothing but text here: who prints it escapes it. The
// package knows nothing of load and verdicts.
//
// The kubeconfig, its contexts and its credentials, also those that a program of
// a cloud provider fetches, are read by k8s.io/client-go. That makes the program
// larger by a quarter, so only a build with the tag kubernetes can connect.
// Questions to the API are plain requests: the types of client-go would cost
// several times as much, and its readers know no limit of size.
package kube

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/secret"
)

// Options say which cluster to speak to, and as whom.
type Options struct {
	// Kubeconfig is the files with contexts and credentials, the first one wins
	// where several say the same. None: the service account of the pod that the
	// program runs in.
	Kubeconfig []string
	Text       []byte // a kubeconfig, instead of files
	Context    string // one of the kubeconfig; empty: its current one
	Namespace  string // empty: the context's or the service account's, else "default"

	// OwnNamespace refuses a Namespace that is not the context's own: a file that
	// may be a stranger's does not choose what is looked at.
	OwnNamespace bool
}

const (
	// callTimeout is what one question may take. A busy API server answers within
	// one or two seconds; later than this the answer is of another time.
	callTimeout = 5 * time.Second
	// maxAnswer is above a list of 500 large pods.
	maxAnswer = 8 << 20
	// maxSaid is how much of what a server says goes into an error.
	maxSaid = 300
	// maxStuck is after how many requests that do not end no other is sent.
	maxStuck = 10
)

// Client asks one API server.
type Client struct {
	Namespace string // to ask about
	Server    string // base URL of the API server

	// Mask takes out what must not be repeated of what the server says: an
	// admission webhook may quote what it refuses. Nil: nothing.
	Mask *secret.Mask

	http  *http.Client // with the credentials
	stuck atomic.Int32 // requests that go on although their time is up
}

// Call is one request to the API.
type Call struct {
	Method string // GET by default
	Path   string // such as /api/v1/namespaces/default/pods
	Query  url.Values
	Type   string        // media type of Body; application/json by default
	Body   any           // sent as JSON; nil: none
	Most   int64         // bytes of the answer; 0: 8 MiB
	Within time.Duration // 0: 5 s
}

// StatusError is an answer that says that the call was not done.
type StatusError struct {
	Status  int    // of HTTP
	Reason  string // machine's word, such as "Forbidden" or "NotFound"; may be empty
	Message string // what the server said, cut
	Call    string // "GET /api/v1/pods"
}

// Error gives the answer in one line.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: status %d: %q", e.Call, e.Status, cmp.Or(e.Message, http.StatusText(e.Status)))
}

// Status gives the HTTP status of an answer that is an error, else 0.
func Status(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status
	}
	return 0
}

// IsPassing reports an error that may be gone the next time: there was no answer,
// or that of a server with too much to do.
func IsPassing(err error) bool {
	status := Status(err)
	return err != nil && (status == 0 || status == http.StatusTooManyRequests || status >= 500)
}

// Path is where the API has an object, such as a pod of /api/v1, or all of a
// kind where the name is empty.
func Path(group, namespace, kind, name string) string {
	path := group + "/namespaces/" + url.PathEscape(namespace) + "/" + kind
	if name != "" {
		path += "/" + url.PathEscape(name)
	}
	return path
}

// Do calls and decodes the answer into a value; *[]byte takes it as it is, nil
// drops it. An answer that is no success is a [*StatusError].
func (c *Client) Do(ctx context.Context, call Call, into any) error {
	ctx, stop := context.WithTimeout(ctx, cmp.Or(call.Within, callTimeout))
	defer stop()
	name := cmp.Or(call.Method, http.MethodGet) + " " + call.Path
	request, err := c.request(ctx, call)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	answer, err := c.send(request)
	if err != nil {
		return fmt.Errorf("%s: %w", name, plain(err))
	}
	defer answer.Body.Close()
	body, err := readAtMost(answer.Body, cmp.Or(call.Most, maxAnswer))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return c.statusError(name, answer.StatusCode, body)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return decode(name, body, into)
}

// Get asks for one object or a list of them.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	return c.Do(ctx, Call{Path: path, Query: query}, into)
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	var body io.Reader
	if call.Body != nil {
		text, err := json.Marshal(call.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, cmp.Or(call.Method, http.MethodGet), c.Server+call.Path, body)
	if err != nil {
		return nil, err
	}
	r.URL.RawQuery = call.Query.Encode()
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", cmp.Or(call.Type, "application/json"))
	}
	return r, nil
}

// send waits no longer than the request may take. A transport with credentials
// does: the program that fetches them knows no deadline, and may wait for its
// user.
func (c *Client) send(r *http.Request) (*http.Response, error) {
	type answer struct {
		*http.Response
		err error
	}
	if c.stuck.Load() >= maxStuck {
		return nil, errors.New("earlier requests have not ended: does the program that fetches the credentials answer?")
	}
	done := make(chan answer, 1)
	go func() {
		got, err := c.http.Do(r) // what comes too late is closed by the end of r's context
		done <- answer{got, err}
	}()
	select {
	case a := <-done:
		return a.Response, a.err
	case <-r.Context().Done():
		c.stuck.Add(1)
		go func() {
			<-done
			c.stuck.Add(-1)
		}()
		return nil, r.Context().Err()
	}
}

// The clock of a cluster is not asked to agree with this machine's to the
// second, because a Date has whole ones. One that is a day off is none.
const (
	agreement = 2 * time.Second
	mostAhead = 24 * time.Hour
)

// Ahead asks how far the cluster's clock is ahead of this machine's, to about a
// second: what it tells has its own time. It is 0 where they agree, and where
// that cannot be known.
func (c *Client) Ahead(ctx context.Context) time.Duration {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	request, err := c.request(ctx, Call{Path: "/version"})
	if err != nil {
		return 0
	}
	sent := time.Now()
	answer, err := c.send(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	took := time.Since(sent)
	at, err := http.ParseTime(answer.Header.Get("Date"))
	ahead := at.Add(time.Second / 2).Sub(sent.Add(took / 2))
	if err != nil || ahead.Abs() < agreement+took/2 || ahead.Abs() > mostAhead {
		return 0
	}
	return ahead
}

// plain takes the URL off an error, which is said already.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}

func readAtMost(r io.Reader, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, most+1))
	if int64(len(body)) > most {
		return body[:most], fmt.Errorf("the answer has more than %d bytes", most)
	}
	return body, plain(err)
}

func decode(name string, body []byte, into any) error {
	switch into := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = body
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: not the JSON that was asked for: %w", name, err)
	}
	return nil
}

// statusError reads the Status object that the API answers errors with.
func (c *Client) statusError(name string, status int, body []byte) error {
	var said struct{ Reason, Message string }
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		said.Message = strings.TrimSpace(string(body))
	}
	return &StatusError{Status: status, Reason: cut(said.Reason, 60), Message: c.Mask.Cut(said.Message, maxSaid), Call: name}
}

// cut shortens a text to some characters.
func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// ConnectError is a way to a cluster that cannot be taken; nothing was asked
// yet.
type ConnectError struct {
	Msg  string
	Hint string // what to do instead; may be empty
	Err  error  // may be nil
}

// Error gives the reason in one line, without the hint.
func (e *ConnectError) Error() string {
	if e.Err == nil {
		return "kubernetes: " + e.Msg
	}
	return fmt.Sprintf("kubernetes: %s: %v", e.Msg, e.Err)
}

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Err }
