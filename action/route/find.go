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
	"sync"
	"time"
)

const (
	// lookupTimeout bounds the search for one name. The engine itself answers for
	// those that are looked for, within milliseconds; a name server that is far or
	// gone has nothing to say of them.
	lookupTimeout = 500 * time.Millisecond
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

// Find tries the candidates, each again and again beside the others, until one
// answers, and returns the first in order of those that do. It tells progress
// whenever the reasons for waiting change. The error is a [*NotFoundError], or
// ctx's.
func Find(ctx context.Context, candidates []Candidate, within time.Duration, try Try, progress func(string)) (Candidate, error) {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	s := newSearch(candidates)
	for o := range tries(limited, candidates, try) {
		before := s.winner
		told := s.take(o, limited.Err() == nil)
		if told != "" {
			progress(told)
		}
		if before < 0 && s.winner >= 0 {
			time.AfterFunc(courtesy, cancel)
		}
		if s.settled() {
			cancel()
		}
	}
	switch {
	case ctx.Err() != nil:
		return Candidate{}, context.Cause(ctx)
	case s.winner < 0:
		return Candidate{}, &NotFoundError{Target: candidates[0].Address, Within: within, Tried: s.tried}
	}
	return candidates[s.winner], nil
}

// outcome is how one try of a candidate ended.
type outcome struct {
	index int // of the candidate
	start time.Time
	err   error
}

// tries runs a loop of tries for each candidate until it answers or ctx ends.
// The channel is closed when the last loop has ended.
func tries(ctx context.Context, candidates []Candidate, try Try) <-chan outcome {
	all := make(chan outcome)
	var loops sync.WaitGroup
	for i, c := range candidates {
		loops.Go(func() {
			for {
				o := outcome{index: i, start: time.Now()}
				o.err = try(ctx, c)
				all <- o
				if o.err == nil || !sleep(ctx, retryAfter) {
					return
				}
			}
		})
	}
	go func() {
		loops.Wait()
		close(all)
	}()
	return all
}

// search is what is known of the candidates so far.
type search struct {
	tried  []Attempt
	starts []time.Time // of the last try of each that has ended
	winner int         // the first in order that answered; -1: none
	won    time.Time   // when it did
	told   string
}

func newSearch(candidates []Candidate) *search {
	s := &search{tried: make([]Attempt, len(candidates)), starts: make([]time.Time, len(candidates)), winner: -1}
	for i, c := range candidates {
		s.tried[i].Candidate = c
	}
	return s
}

// take notes an outcome. It returns what there is to tell, if that is new. An
// outcome that came too late says only that the time was over, so it does not
// replace an earlier one.
func (s *search) take(o outcome, inTime bool) string {
	s.starts[o.index] = o.start
	if o.err == nil {
		if s.winner < 0 || o.index < s.winner {
			s.winner, s.won = o.index, time.Now()
		}
		return ""
	}
	if inTime || s.tried[o.index].Err == nil {
		s.tried[o.index].Err = o.err
	}
	if now := s.waiting(); inTime && s.winner < 0 && now != s.told {
		s.told = now
		return now
	}
	return ""
}

// settled reports whether a candidate answered and each preferred one has been
// tried since, in vain.
func (s *search) settled() bool {
	return s.winner >= 0 && !slices.ContainsFunc(s.starts[:s.winner], func(start time.Time) bool { return start.Before(s.won) })
}

// waiting says what is waited for, empty until every candidate was tried.
func (s *search) waiting() string {
	parts := make([]string, len(s.tried))
	for i, a := range s.tried {
		if a.Err == nil {
			return s.told
		}
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
func Connect(ctx context.Context, dialer *net.Dialer, address string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c, err := dialer.DialContext(ctx, "tcp", address)
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
