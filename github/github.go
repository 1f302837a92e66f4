// Package github is a small client of GitHub's REST API: what comes in is a
// token and a repository, what goes out are sticky comments, look-ups of pull
// requests, commits and files, and the artifacts of workflow runs. It also
// serves GitHub Enterprise Server (base URL …/api/v3) and, but for commits and
// artifacts, Gitea and Forgejo (…/api/v1).
//
// Calls are bounded: each attempt has a timeout, failures that pass are
// retried with jitter, rate limits are waited for, the waiting of one call
// together has an end, and so has that of all calls for a server that does not
// answer. Answers are bounded in size and never trusted: a page or
// a redirect that leads to another host gets no token, and the server's words
// are cleaned before they enter an [Error].
//
// The package knows nothing of results and verdicts, and nothing of the
// environment: callers pass what the runner gave them.
package github

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// apiVersion is the newest one that GitHub Enterprise Server knows too.
	apiVersion = "2022-11-28"
	// callTimeout is for one attempt, its answer included.
	callTimeout = 20 * time.Second
	// maxWait is for all pauses of one call: above the minute that GitHub asks
	// to wait at a secondary limit, and little against a job.
	maxWait = 90 * time.Second
	// attempts of one call.
	attempts = 5
	// mostUnanswered is for all attempts of a client that end without an answer:
	// a server that is gone holds its job no longer, however much is asked.
	mostUnanswered = time.Minute
	// answersAgain is how long after them the server is given a new chance: a run
	// lies between what is read before it and the comment after it.
	answersAgain = 5 * time.Minute
	// largestAnswer in bytes; the largest page of 100 comments has 7 MB.
	largestAnswer = 32 << 20
)

// Config says whom to ask, and as whom.
type Config struct {
	// APIURL is the base of the REST API, GITHUB_API_URL; empty means
	// https://api.github.com.
	APIURL string
	// GraphQLURL is GITHUB_GRAPHQL_URL. Where it is empty nobody is asked who
	// the token belongs to.
	GraphQLURL string
	// Token may be empty: public repositories can be read without.
	Token string
	// Repository as owner/name.
	Repository string
	// UserAgent names the program; GitHub refuses calls without.
	UserAgent string
}

// Client makes calls for one repository. It may be used by several goroutines.
type Client struct {
	base       *url.URL
	graphQL    string
	token      string
	repository string
	userAgent  string

	api *http.Client
	// unanswered is the time, in nanoseconds, of the attempts without an answer,
	// and silence when the last of them ended.
	unanswered, silence atomic.Int64

	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)

// New returns a client. Proxies are those of the environment.
func New(config Config) (*Client, error) {
	if !repositoryName.MatchString(config.Repository) {
		return nil, fmt.Errorf("repository %q is not owner/name", cleaned(config.Repository))
	}
	address := config.APIURL
	if address == "" {
		address = "https://api.github.com"
	}
	base, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("address of the API %q is not a URL", cleaned(address))
	}
	base.User, base.RawQuery, base.Fragment = nil, "", ""
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyFromEnvironment
	c := &Client{
		base: base, graphQL: config.GraphQLURL, token: strings.TrimSpace(config.Token), userAgent: config.UserAgent,
		repository: config.Repository, now: time.Now, sleep: Sleep,
	}
	c.api = &http.Client{Transport: transport, CheckRedirect: c.stayAtHome}
	return c, nil
}

// stayAtHome follows the redirect of a renamed repository, and leaves any that
// leads away from the API to the caller: the token must not go there. (The
// standard library would send it to a subdomain.)
func (c *Client) stayAtHome(next *http.Request, via []*http.Request) error {
	if len(via) > 5 || !c.home(next.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

// home reports whether an address belongs to the API.
func (c *Client) home(u *url.URL) bool {
	return u.Scheme == c.base.Scheme && u.Host == c.base.Host && u.User == nil && strings.HasPrefix(u.Path, c.base.Path+"/")
}

// gitea reports whether the API is that of Gitea or Forgejo, which resembles
// GitHub's.
func (c *Client) gitea() bool { return strings.HasSuffix(c.base.Path, "/api/v1") }

// Sleep waits, unless ctx ends before.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// call is one request to the API.
type call struct {
	method string
	url    string // absolute
	body   any    // JSON; nil is none
	again  bool   // may be repeated when its answer was lost
	away   bool   // an answer that leads to another host is the wanted one
	needs  string // permission of the token, for errors
}

// in returns a call in the client's repository; path begins with a slash and
// is escaped.
func (c *Client) in(method, path string, query url.Values, needs string) call {
	u := c.base.String() + "/repos/" + c.repository + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	// All but POST can be repeated without harm: here PATCH replaces a text.
	return call{method: method, url: u, again: method != http.MethodPost, needs: needs}
}

// do makes a call and decodes its answer; out may be nil.
func (c *Client) do(ctx context.Context, r call, out any) (http.Header, error) {
	header, body, err := c.answer(ctx, r)
	if err != nil || out == nil {
		return header, err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return nil, fmt.Errorf("%s: answer of the API: %s", c.name(r), c.quote(err.Error()))
	}
	return header, nil
}

// answer repeats a call until it succeeds, cannot succeed, or has waited
// enough.
func (c *Client) answer(ctx context.Context, r call) (http.Header, []byte, error) {
	payload, err := encode(r.body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.name(r), err)
	}
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		header, body, err := c.once(ctx, r, payload)
		if err == nil {
			return header, body, nil
		}
		pause, retry := c.pause(r, err, attempt)
		if !retry || attempt == attempts || pause > maxWait-waited || !c.lasts(ctx, pause) {
			return nil, nil, fmt.Errorf("%s: %w", c.name(r), err)
		}
		waited += pause
		if c.sleep(ctx, pause) != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.name(r), err)
		}
	}
}

// lasts reports whether there is time for something after a pause: one that ends
// in nothing is not waited for.
func (c *Client) lasts(ctx context.Context, pause time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() == nil && (!limited || c.now().Add(pause).Before(deadline))
}

func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return json.Marshal(body)
}

// errNoAnswer is an attempt that has taken too long.
var errNoAnswer = errors.New("no answer in time")

// once makes one attempt, and counts the time of one without an answer.
func (c *Client) once(ctx context.Context, r call, payload []byte) (http.Header, []byte, error) {
	left := c.patience()
	if left <= 0 {
		return nil, nil, errNoAnswer
	}
	began := c.now()
	ctx, cancel := context.WithTimeout(ctx, min(callTimeout, left))
	defer cancel()
	header, body, err := c.exchange(ctx, r, payload)
	if err == nil || answered(err) {
		return header, body, err
	}
	ended := c.now()
	c.unanswered.Add(int64(ended.Sub(began)))
	c.silence.Store(ended.UnixNano())
	return nil, nil, Explain(err)
}

// patience is what is left of the time for a server that does not answer.
func (c *Client) patience() time.Duration {
	if c.now().Sub(time.Unix(0, c.silence.Load())) > answersAgain {
		c.unanswered.Store(0)
	}
	return mostUnanswered - time.Duration(c.unanswered.Load())
}

// answered reports an error that is an answer of the server.
func answered(err error) bool {
	_, refused := errors.AsType[*Error](err)
	return refused || errors.Is(err, errRedirected) || errors.Is(err, errTooLarge)
}

// exchange sends a request and reads its answer.
func (c *Client) exchange(ctx context.Context, r call, payload []byte) (http.Header, []byte, error) {
	request, err := c.request(ctx, r, payload)
	if err != nil {
		return nil, nil, err
	}
	response, err := c.api.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 400:
		return nil, nil, c.refusal(r, response)
	case response.StatusCode >= 300 && r.away:
		return response.Header, nil, nil
	case response.StatusCode >= 300:
		return nil, nil, errRedirected
	}
	body, err := read(response.Body, largestAnswer)
	return response.Header, body, err
}

func (c *Client) request(ctx context.Context, r call, payload []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(payload))
	if err != nil {
		return nil, Explain(err)
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", apiVersion)
	request.Header.Set("User-Agent", c.userAgent)
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if payload != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// errTooLarge is an answer that nobody should have sent.
var errTooLarge = errors.New("answer is too large")

// read reads at most limit bytes; more of them are an error.
func read(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return body, err
}

// errRedirected is an answer that leads away from the API.
var errRedirected = errors.New("the API leads to another host, which is refused")

// Explain says in a user's words why there is no answer, without the address: it
// may be signed.
func Explain(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errNoAnswer
	}
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return unknownAuthority{err}
	}
	return err
}

// unknownAuthority is a certificate that no authority known here has signed, as
// that of an Enterprise Server.
type unknownAuthority struct{ error }

func (e unknownAuthority) Error() string {
	way := "SSL_CERT_FILE names a file with it"
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		way = "it belongs into the system's store"
	}
	return "its certificate is signed by an authority that is not known here: " + way
}

func (e unknownAuthority) Unwrap() error { return e.error }

// name says what a call is, for errors: without the host and the query.
func (c *Client) name(r call) string {
	path := r.url
	if u, err := url.Parse(r.url); err == nil {
		path = strings.TrimPrefix(u.EscapedPath(), c.base.Path)
	}
	return r.method + " " + c.quote(path)
}

// pause says whether a failed attempt may be repeated, and after how long.
func (c *Client) pause(r call, err error, attempt int) (time.Duration, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.RateLimited {
			return e.retryAfter, true // refused before anything was done
		}
		retry := r.again && (e.Status >= 500 || e.Status == http.StatusRequestTimeout)
		return max(e.retryAfter, backoff(attempt)), retry
	}
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if distrusted || c.patience() <= 0 || errors.Is(err, errRedirected) || errors.Is(err, errTooLarge) {
		return 0, false
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return backoff(attempt), true // nothing was sent
	}
	return backoff(attempt), r.again
}

// firstPause before a call is repeated.
const firstPause = 500 * time.Millisecond

func backoff(attempt int) time.Duration { return Backoff(firstPause, attempt) }

// Backoff is the pause after a failed attempt, counted from 1: around first, 2,
// 4, 8 times that, each between half and one and a half of it. Jobs that failed
// together do not come back together.
func Backoff(first time.Duration, attempt int) time.Duration {
	middle := first << (attempt - 1)
	return middle/2 + rand.N(middle)
}
