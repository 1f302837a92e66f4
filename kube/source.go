package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// source is one of the things that are asked for, each at its own pace. One that
// does not answer takes nothing from the others.
type source struct {
	name  string                      // "pods", as Missing has it
	rule  string                      // what a role must permit for it, as YAML
	every time.Duration               // 0: with each sample
	read  func(context.Context) error // what it finds goes into the watcher

	next     time.Time // when it is due
	answered int       // how often
	failed   int       // likewise
	last     error     // why it failed last
}

// retry is after what time a source is asked again that has never answered, or
// refused: what is forbidden or not there is so in a second, too.
const retry = 10 * time.Second

// ask reads a source if that is due.
func (s *source) ask(ctx context.Context, now time.Time) {
	if now.Before(s.next) {
		return
	}
	err := s.read(ctx)
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errWaiting):
		s.next = time.Time{}
	case err != nil:
		s.failed, s.last = s.failed+1, err
		if s.next = now.Add(s.every); s.answered == 0 || !IsPassing(err) {
			s.next = now.Add(max(s.every, retry))
		}
	default:
		s.answered++
		s.next = now.Add(s.every)
	}
}

// errWaiting says that a source cannot be asked before another one has
// answered.
var errWaiting = errors.New("what comes before it has not answered")

// missing says what a source did not tell and why; empty where it always
// answered.
func (s *source) missing() string {
	switch {
	case s.failed == 0:
		return ""
	case s.answered == 0:
		return s.name + ": " + s.reason()
	}
	return fmt.Sprintf("%s, %d of %d times: %s", s.name, s.failed, s.failed+s.answered, s.reason())
}

// reason says why it failed last, and what would help.
func (s *source) reason() string {
	switch Status(s.last) {
	case http.StatusForbidden:
		return "forbidden, the role lacks the rule - " + s.rule
	case http.StatusUnauthorized:
		return "the credentials are not accepted, or have expired"
	case http.StatusNotFound:
		if s.name == usageSource {
			return "the cluster has no metrics server (metrics.k8s.io)"
		}
	case http.StatusServiceUnavailable:
		if s.name == usageSource {
			return "the metrics server does not answer (metrics.k8s.io)"
		}
	}
	return s.last.Error()
}
