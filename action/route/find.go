package route

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	// lookupTimeout bounds the search for one name.
	lookupTimeout = time.Second
	// connectTimeout bounds one TCP connect: a firewall that drops it never
	// answers.
	connectTimeout = 2 * time.Second
	// holdFor is how long a connection must stay open. A proxy closes it within a
	// millisecond or two when nothing listens behind; no server closes it so
	// early, because it waits for the request.
	holdFor = 100 * time.Millisecond
	// retryAfter is short against any service's start and long enough not to be
	// a load.
	retryAfter = 200 * time.Millisecond
	// courtesy is how long candidates that are preferred to one that answered may
	// still do so. It keeps the route of a service the same from run to run.
	courtesy = time.Second
)

// Try says why a candidate is not the target, nil when it is.
type Try func(ctx context.Context, c Candidate) error

// Attempt is the last try of a candidate.
type Attempt struct {
	Candidate
	Err error
}

// Find tries the candidates until one answers, all at the same time and again
// and again, and returns the first in order of those that do. It tells
// progress once for each round that differs from the one before. The error is
// a [*NotFoundError], or ctx's.
func Find(ctx context.Context, candidates []Candidate, within time.Duration, try Try, progress func(string)) (Candidate, error) {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tried, last := make([]Attempt, len(candidates)), ""
	for i, c := range candidates {
		tried[i].Candidate = c
	}
	for {
		winner, errs := round(limited, candidates, try)
		if winner >= 0 {
			return candidates[winner], nil
		}
		for i, err := range errs {
			if limited.Err() == nil || tried[i].Err == nil {
				tried[i].Err = err // not one that the deadline cut short
			}
		}
		if now := summary(tried); now != last && limited.Err() == nil {
			last = now
			progress(now)
		}
		if !sleep(limited, retryAfter) {
			break
		}
	}
	if ctx.Err() != nil {
		return Candidate{}, context.Cause(ctx)
	}
	return Candidate{}, &NotFoundError{Target: candidates[0].Address, Within: within, Tried: tried}
}

// round tries each candidate once and returns the index of the first in order
// that answered, -1 when none did.
func round(ctx context.Context, candidates []Candidate, try Try) (winner int, errs []error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		index int
		err   error
	}
	answers := make(chan answer, len(candidates))
	for i, c := range candidates {
		go func() { answers <- answer{i, try(ctx, c)} }()
	}
	winner, errs = -1, make([]error, len(candidates))
	for range candidates {
		a := <-answers
		errs[a.index] = a.err
		if a.err == nil && (winner < 0 || a.index < winner) {
			winner = a.index
			defer time.AfterFunc(courtesy, cancel).Stop()
		}
		if winner >= 0 && !slices.Contains(errs[:winner], nil) {
			cancel() // all that are preferred have answered: they failed
		}
	}
	return winner, errs
}

func summary(tried []Attempt) string {
	parts := make([]string, len(tried))
	for i, a := range tried {
		parts[i] = fmt.Sprintf("%s (%s)", a.Address, reason(a.Err))
	}
	return "waiting for " + strings.Join(parts, ", ")
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

// Connect says why no TCP connection to an address can be opened and held for
// a moment, nil when one can.
func Connect(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	c.SetReadDeadline(time.Now().Add(holdFor))
	_, err = c.Read(make([]byte, 1))
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, io.EOF):
		return errors.New("connected, but closed at once: a proxy with nothing behind it")
	}
	return fmt.Errorf("connected, but %s", reason(err))
}
