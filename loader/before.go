package loader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
)

// SetupError says that a step of before did not succeed that has to, so that
// nothing could be loaded.
type SetupError struct {
	Step   string
	Detail string // safe to print
}

func (e *SetupError) Error() string { return fmt.Sprintf("before: step %s: %s", e.Step, e.Detail) }

// setup is what runs once around the stages: the steps of before and after,
// and the user that does them.
type setup struct {
	before, after scenario
	every         []time.Duration // by the element of before; 0: once

	begun    bool // Before has
	user     *user
	mu       sync.Mutex // held while a step runs
	warnings []string
	stop     context.CancelFunc
	renewing sync.WaitGroup
}

// Before gets the tokens of the file and does its before steps, whose captures
// all users see from then on. It renews both until After or Close. The error is
// a [*TokenError], a [*SetupError] or ctx's.
func (l *Loader) Before(ctx context.Context) error {
	s := &l.plan.setup
	if err := l.authorize(ctx); err != nil {
		return err
	}
	s.begun = true
	if len(s.before.steps) > 0 {
		s.user = l.setupUser()
	}
	for _, e := range s.before.steps {
		err := l.prepare(ctx, e)
		if _, failed := errors.AsType[*SetupError](err); failed && e.step.request.GoesOn {
			s.warn(err.Error())
		} else if err != nil {
			return err
		}
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if l.tokens != nil {
		s.renewing.Go(func() { l.keepTokens(ctx) })
	}
	if len(s.every) > 0 && slices.Max(s.every) > 0 {
		s.renewing.Go(func() { l.renew(ctx) })
	}
	return nil
}

// Forget ends what Before began and all sessions of users: nothing of them may
// outlive a service that is started anew. Call it while no stage is loaded;
// Before begins anew.
func (l *Loader) Forget() {
	l.endSetup()
	l.sessions.forget()
}

// setupUser is the user that does before and after. It keeps its cookies.
func (l *Loader) setupUser() *user {
	u := newUser(0, l.opts.Seed, nil)
	u.session = l.sessions.take(setupNumber)
	u.beginWith(&l.plan.setup.before)
	return u
}

// setupNumber is the number of the setup's session: no user has it.
const setupNumber = -1

// prepare does one element of before and shows everybody what it captured.
func (l *Loader) prepare(ctx context.Context, e element) error {
	s := &l.plan.setup
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.step == nil {
		sleep(ctx, s.user.pause(e.pause))
	} else if why := l.answers(ctx, s.user, e.step); why != "" && ctx.Err() == nil {
		return &SetupError{Step: e.step.request.Name, Detail: why}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.publish()
	return nil
}

// publish shows all users what before has captured.
func (l *Loader) publish() {
	values := slices.Clone(l.plan.setup.user.session.now)
	l.sessions.common.Store(&values)
}

// retryRenewal is how soon a step of before is run again that could not be
// renewed.
const retryRenewal = 5 * time.Second

// renew runs the steps of before that have an every again, each at its time.
func (l *Loader) renew(ctx context.Context) {
	s := &l.plan.setup
	due := make([]time.Time, len(s.every))
	for i, every := range s.every {
		due[i] = time.Now().Add(every)
	}
	for {
		next := -1
		for i, every := range s.every {
			if every > 0 && (next < 0 || due[i].Before(due[next])) {
				next = i
			}
		}
		if !sleep(ctx, time.Until(due[next])) {
			return
		}
		wait := s.every[next]
		if err := l.prepare(ctx, s.before.steps[next]); err != nil && ctx.Err() == nil {
			s.warn(fmt.Sprintf("renew %v", err))
			wait = min(wait, retryRenewal)
		}
		due[next] = time.Now().Add(wait)
	}
}

// maxWarnings bounds what a service that refuses every renewal can make a run
// say.
const maxWarnings = 5

func (s *setup) warn(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.warnings) < maxWarnings {
		s.warnings = append(s.warnings, text)
	}
}

// After ends what Before began, also where it did not succeed, and does the file's
// after steps, all of them whatever becomes of one. It returns what did not succeed since Before, for
// the reader of the result: nothing of it changes a verdict.
func (l *Loader) After(ctx context.Context) []string {
	l.endSetup()
	s := &l.plan.setup
	if !s.begun || len(s.after.steps) == 0 {
		return s.warnings
	}
	if s.user == nil {
		s.user = l.setupUser()
	}
	for _, e := range s.after.steps {
		if e.step == nil {
			sleep(ctx, s.user.pause(e.pause))
		} else if why := l.answers(ctx, s.user, e.step); why != "" {
			s.warnings = append(s.warnings, fmt.Sprintf("after: step %s: %s", e.step.request.Name, why))
		}
	}
	return s.warnings
}

// endSetup stops the renewal.
func (l *Loader) endSetup() {
	if s := &l.plan.setup; s.stop != nil {
		s.stop()
		s.renewing.Wait()
	}
}

// failedStart is the outcome of a user's first request when its start did not
// succeed, so that the request was never sent.
func failedStart(first *step, start *outcome) outcome {
	o := *start
	o.step = first
	o.detail = fmt.Sprintf("start step %s: %s", start.step.request.Name, start.detail)
	if start.class == result.CancelledBy {
		o.detail = start.detail
	}
	o.status, o.in, o.out, o.ttfb, o.opened, o.reused = 0, 0, 0, 0, false, false
	o.secured, o.resumed, o.streams, o.events = 0, false, 0, nil
	return o
}
