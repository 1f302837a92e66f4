package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	connectWithin = 30 * time.Second // where the file has no wait_for
	// retryAfter is short against any service's start and long enough not to be
	// a load.
	retryAfter = 200 * time.Millisecond
	// probeTimeout bounds one TCP connect.
	probeTimeout = 2 * time.Second
)

// NotReadyError says that the target was not ready in time.
type NotReadyError struct {
	Host   string        // and port, as the SLO file names it, or the socket; without secrets
	Within time.Duration // the time that the target had
	Last   string        // why the wait_for request failed the last time; empty without one
	Tried  []Attempt     // each address of the host
}

// Attempt is the last try to connect to an address.
type Attempt struct {
	Address string // or the host, where its name could not be resolved
	Err     error  // nil: it could be connected to
}

func (e *NotReadyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "target %q was not ready within %s", e.Host, quantity.Duration(e.Within))
	// Where nothing could be connected to, the request has failed by that.
	if e.Last != "" && slices.ContainsFunc(e.Tried, func(a Attempt) bool { return a.Err == nil }) {
		fmt.Fprintf(&b, ": %s", e.Last)
	}
	for i, a := range e.Tried {
		separator := "; "
		if i == 0 {
			separator = ": tried "
		}
		why := "connected"
		if a.Err != nil {
			why = reason(a.Err)
		}
		fmt.Fprintf(&b, "%s%s (%s)", separator, a.Address, why)
	}
	return b.String()
}

// reason is the end of a network error: what comes before repeats addresses.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return visible(text, false)
}

// Ready waits until the file's wait_for request succeeds or, where there is
// none, until the target can be connected to. It tells progress that it waits,
// and why whenever the reason changes: the error ends with the last one. The
// error is a [*NotReadyError], an [*AddressError] or ctx's.
func (l *Loader) Ready(ctx context.Context, progress func(string)) error {
	try, err := l.attempt()
	if err != nil {
		return err
	}
	within, host := l.Patience(), l.mask.Text(cmp.Or(l.client.socket, addressOf(l.target)))
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	last, failed := "", ""
	for {
		why := try(limited)
		if why == "" {
			return nil
		}
		if barred := l.client.barred.Load(); barred != nil {
			return fmt.Errorf("target %q: %w", host, barred) // waiting would not help
		}
		cut := over(limited)
		if !cut {
			failed = why
		}
		if why != last && !cut && progress != nil {
			note := why
			if last == "" {
				note = fmt.Sprintf("waiting for %q, up to %s", host, quantity.Duration(within))
			}
			progress(note)
		}
		last = why
		if !sleep(limited, retryAfter) {
			break
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e := &NotReadyError{Host: host, Within: within}
	if l.client.socket == "" {
		e.Tried = probe(ctx, l.client)
	}
	for i := range e.Tried {
		e.Tried[i].Address = l.mask.Text(e.Tried[i].Address)
	}
	if l.file.WaitFor != nil || l.client.socket != "" {
		e.Last = failed
	}
	return e
}

// over reports whether a try may have been cut short by its context. What
// connects and reads ends by the same deadline, and may be the first to notice.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// Patience is how long Ready waits.
func (l *Loader) Patience() time.Duration {
	if w := l.file.WaitFor; w != nil {
		return w.Timeout
	}
	return connectWithin
}

// Check makes one attempt at what Ready waits for, and says why it failed.
func (l *Loader) Check(ctx context.Context) error {
	try, err := l.attempt()
	if err != nil {
		return err
	}
	if why := try(ctx); why != "" {
		return errors.New(why)
	}
	return nil
}

// attempt returns what is tried: it says why the target is not ready, nothing
// when it is.
func (l *Loader) attempt() (func(context.Context) string, error) {
	w := l.file.WaitFor
	if w == nil {
		return l.connects, nil
	}
	st, err := compileStep(&w.Request, l.manner, false)
	if err != nil {
		return nil, fmt.Errorf("wait_for: %w", err)
	}
	st.kept = st.keep(l.mask)
	return func(ctx context.Context) string {
		if st.message != nil && st.message.tokens != nil {
			if err := l.authorize(ctx); err != nil {
				return err.Error()
			}
		}
		why := l.answers(ctx, newUser(0, l.opts.Seed, nil), st)
		if why != "" {
			why = st.request.Name + ": " + why
		}
		return why
	}, nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connects says why no TCP connection can be opened, nothing when one can.
func (l *Loader) connects(ctx context.Context) string {
	address := cmp.Or(l.client.socket, l.client.dial)
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c, err := l.client.open(ctx)
	if err != nil {
		return l.mask.Text(fmt.Sprintf("%q: %s", address, reason(err)))
	}
	l.client.note(c.RemoteAddr().String())
	c.Close()
	return ""
}

// answers says why a request of a user does not succeed, nothing when it does.
func (l *Loader) answers(ctx context.Context, u *user, st *step) string {
	r, err := requestOf(st, u, nil)
	if err != nil {
		return clean(l.mask, []byte(err.Error()), detailBytes)
	}
	if r.timeout <= 0 {
		r.timeout = l.file.WaitFor.Timeout
	}
	o := &outcome{step: st, user: u}
	x := l.follow(ctx, st, u, r)
	o.take(&x.answer)
	x.done()
	if o.class == result.Success {
		return ""
	}
	detail := []byte(o.detail)
	return clean(l.mask.With(u.secrets(detail)), detail, detailBytes)
}

// probe tries every address of a client's host once.
func probe(ctx context.Context, c *client) []Attempt {
	host, port, err := net.SplitHostPort(c.dial)
	if err != nil {
		return []Attempt{{c.dial, err}}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return []Attempt{{host, err}}
	}
	slices.Sort(addresses)
	var tried []Attempt
	for _, a := range slices.Compact(addresses)[:min(len(addresses), maxReached)] {
		target := net.JoinHostPort(a, port)
		connection, err := c.dialer.DialContext(ctx, "tcp", target)
		if err == nil {
			connection.Close()
		}
		tried = append(tried, Attempt{target, err})
	}
	return tried
}
