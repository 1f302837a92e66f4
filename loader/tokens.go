package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// TokenError says that a token could not be had, so that nothing can be loaded.
type TokenError struct {
	Step   string // the first one that needs it
	Detail string // safe to print
}

func (e *TokenError) Error() string { return fmt.Sprintf("token of step %s: %s", e.Step, e.Detail) }

const (
	tokenTimeout = 10 * time.Second // of a request for a token
	// maxToken is twice what servers accept of all headers together.
	maxToken = 16 << 10
	// maxTokenAnswer bounds what is read of the answer.
	maxTokenAnswer = 1 << 20
	// renewalShare is the part of a token's life after which it is renewed: what
	// is left suffices for a few tries and for clocks that differ.
	renewalShare = 0.8
)

// tokens are the bearer tokens of a file, which are renewed while its stages
// run.
type tokens struct {
	client *http.Client
	list   []*token
}

// token is what one source gave.
type token struct {
	source slo.TokenSource
	step   string // the first one that needs it
	now    atomic.Pointer[string]
	before atomic.Pointer[string] // requests under way may still carry it
	due    time.Time              // of the renewal; zero: never
}

// newTokens returns nil where the file needs none.
func newTokens(file *slo.File, m *manner) *tokens {
	if len(file.Tokens) == 0 {
		return nil
	}
	t := &tokens{client: m.aside()}
	for _, source := range file.Tokens {
		t.list = append(t.list, &token{source: source})
	}
	return t
}

// aside is a client for requests beside the load, such as those for tokens. It
// follows no redirect: what is sent is a secret.
func (m *manner) aside() *http.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := m.dialer(m.guard)
		if m.http.Proxy == "" {
			address = m.resolved(address)
		}
		return d.DialContext(ctx, network, address)
	}
	through := func(r *http.Request) (*url.URL, error) {
		if m.proxy() == nil {
			return nil, nil
		}
		return m.proxy(), m.guard.checkBehind(r.Context(), r.URL.Hostname())
	}
	transport := &http.Transport{DialContext: dial, Proxy: through, DisableKeepAlives: true}
	if config, err := m.tls(); err == nil {
		config.ServerName = "" // the transport's
		transport.TLSClientConfig = config
		if toProxy := m.proxyTLS(config); toProxy != nil {
			transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				raw, err := dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return secure(ctx, raw, toProxy)
			}
		}
	}
	return &http.Client{
		Transport: boundedTransport{transport}, Timeout: tokenTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// boundedTransport cuts answers.
type boundedTransport struct{ http.RoundTripper }

// RoundTrip does a request.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxTokenAnswer), answer.Body}
	}
	return answer, err
}

// get is a token, empty where there is none.
func (t *tokens) get(number int) string {
	if now := t.list[number].now.Load(); now != nil {
		return *now
	}
	return ""
}

// secrets are all that may stand in what is written.
func (t *tokens) secrets() []string { return t.append(nil) }

// append appends them to a list.
func (t *tokens) append(all []string) []string {
	if t == nil {
		return all
	}
	for _, one := range t.list {
		for _, text := range []*string{one.now.Load(), one.before.Load()} {
			if text != nil {
				all = append(all, *text)
			}
		}
	}
	return all
}

// longest is how long a spelling of a token may be.
func (t *tokens) longest() int {
	if t == nil {
		return 0
	}
	return secret.LongestSpelling * maxToken
}

// needs notes which step needs a token, and gives the tokens to those that do.
func (t *tokens) needs(r *slo.Request) *tokens {
	if t == nil {
		return nil
	}
	var found *tokens
	for _, h := range r.Headers {
		for _, part := range h.Value {
			if part.Value != slo.Token {
				continue
			}
			if one := t.list[part.Number]; one.step == "" {
				one.step = r.Name
			}
			found = t
		}
	}
	return found
}

// authorize gets the tokens that are not there yet. The error is a
// [*TokenError], or ctx's.
func (l *Loader) authorize(ctx context.Context) error {
	if l.tokens == nil {
		return nil
	}
	for _, one := range l.tokens.list {
		if one.now.Load() != nil {
			continue
		}
		if err := l.tokens.renew(ctx, one, time.Now); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &TokenError{Step: one.step, Detail: clean(l.mask, []byte(err.Error()), detailBytes)}
		}
	}
	return nil
}

// renew gets a token.
func (t *tokens) renew(ctx context.Context, one *token, now func() time.Time) error {
	s := one.source
	config := clientcredentials.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, TokenURL: s.URL, Scopes: s.Scopes, EndpointParams: url.Values{},
	}
	for _, p := range s.Params {
		config.EndpointParams.Add(p[0], p[1])
	}
	got, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return tokenProblem(err)
	}
	text := got.AccessToken
	if len(text) > maxToken || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("the access token is no printable text of one word")
	}
	if old := one.now.Swap(&text); old != nil {
		one.before.Store(old)
	}
	if one.due = (time.Time{}); !got.Expiry.IsZero() {
		life := got.Expiry.Sub(now())
		one.due = now().Add(max(time.Duration(float64(life)*renewalShare), minRenewal))
	}
	return nil
}

// minRenewal keeps a token that has expired when it comes from being fetched
// again and again.
const minRenewal = time.Second

// tokenProblem says what went wrong without what was sent.
func tokenProblem(err error) error {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if e, isURL := errors.AsType[*url.Error](err); isURL {
			err = e.Err
		}
		return fmt.Errorf("token_url: %w", err)
	}
	text := "token_url answered " + answered.Response.Status
	if answered.ErrorCode != "" {
		text += ": " + answered.ErrorCode
	}
	if answered.ErrorDescription != "" {
		text += ": " + answered.ErrorDescription
	}
	return errors.New(text)
}

// keepTokens renews tokens before they expire.
func (l *Loader) keepTokens(ctx context.Context) {
	for {
		var next *token
		for _, one := range l.tokens.list {
			if !one.due.IsZero() && (next == nil || one.due.Before(next.due)) {
				next = one
			}
		}
		if next == nil || !sleep(ctx, time.Until(next.due)) {
			return
		}
		if err := l.tokens.renew(ctx, next, time.Now); err != nil && ctx.Err() == nil {
			l.plan.setup.warn(clean(l.mask, fmt.Appendf(nil, "renew the token of step %s: %v", next.step, err), detailBytes))
			next.due = time.Now().Add(retryRenewal)
		}
	}
}
