// Package run conducts a run: it takes the stages of an SLO file in order,
// lets the loader do each, watches the service's replicas and cost meanwhile, and stops
// early when an objective is lost, the target is dead or the user cancels.
//
// In come a file, a loader and whatever watches; out comes a [result.Run] that
// always holds what was measured until then. It sends no request and writes no
// file itself, and judges nothing: it asks gate whether an objective can still
// be met.
package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Loader loads one stage at a time.
type Loader interface {
	// Run loads a stage to its end. When ctx is cancelled it returns what was
	// measured until then.
	Run(ctx context.Context, stage slo.Stage) *result.Stage
	// Snapshot returns what the running stage has measured so far, nil between
	// stages.
	Snapshot() *result.Stage
}

// Cluster tells the state of the service's replicas.
type Cluster interface {
	Source() string // "demo", "kubernetes"
	Name() string
	Limits() result.ClusterLimits
	Sample(ctx context.Context) (result.ClusterSample, error)
}

// Observer is told how the run goes, always from one goroutine.
type Observer interface {
	StageStart(name string, w result.Workload, idle time.Duration)
	Update(now time.Time, live *result.Stage)
	StageEnd(stage *result.Stage)
	Note(text string) // something that a stage does besides
}

// nobody is the observer of a run that is not looked at.
type nobody struct{}

func (nobody) StageStart(string, result.Workload, time.Duration) {}
func (nobody) Update(time.Time, *result.Stage)                   {}
func (nobody) StageEnd(*result.Stage)                            {}
func (nobody) Note(string)                                       {}

// Options says what else takes part in a run.
type Options struct {
	Cluster  Cluster  // nil: replicas are not watched
	Observer Observer // nil: nobody looks on
	Pair     Comparer // nil: there is nothing to compare with in this run

	// Restart starts both sides of a comparison anew and returns when they are
	// ready. Its error may be a [*loader.StopError]. Nil: slogate has not started
	// them.
	Restart func(context.Context) error
	// Ended gives the reason to stop when a service that slogate has started
	// ends by itself; nil: it has started none.
	Ended <-chan *loader.StopError

	Cost     Cost // of the target
	BaseCost Cost // of the base target
}

// Cost is where the cost of a service is read.
type Cost struct {
	Source  cost.Source // nil: nowhere
	Missing string      // why it is not read at another place
}

const (
	// updateEvery is how often the observer sees the running stage: four times a
	// second reads as live and costs a thousandth of a core.
	updateEvery = 250 * time.Millisecond
	// abortEvery is how often objectives with abort are looked at. Slices are a
	// second long, so more often would see nothing new.
	abortEvery = time.Second
	// sampleEvery is how often the cluster is asked.
	sampleEvery = time.Second
)

// Conduct runs the stages of a file in order and returns what was measured:
// also when ctx is cancelled, a stage is aborted or the target dies. Stages
// that were not reached are in the result with the reason.
func Conduct(ctx context.Context, file *slo.File, l Loader, opts Options) *result.Run {
	r := &result.Run{
		Version: result.Version,
		Name:    file.Name,
		SLO:     result.SLO{Path: file.Path, Digest: file.Digest, Profile: file.Profile},
		Target:  file.Target,
		Start:   time.Now(),
	}
	if opts.Observer == nil {
		opts.Observer = nobody{}
	}
	head, base := &meter{Cost: opts.Cost}, &meter{Cost: opts.BaseCost}
	var both *compared
	if opts.Pair != nil {
		both = newCompared(file, opts)
		both.costs = [2]*meter{base, head}
		r.Base = &result.Base{Target: file.Baseline.BaseTarget}
	}
	whole := ctx
	ctx, stop := limited(ctx, r.Start, file.Limits.Duration)
	defer stop()
	stopWatch := watch(ctx, opts.Cluster, r)
	why := ""
	for _, stage := range file.Stages {
		if why == "" && ctx.Err() != nil {
			why = stopped(ctx)
		}
		if why != "" {
			r.Stages = append(r.Stages, notRun(stage, why))
			continue
		}
		var s *result.Stage
		switch {
		case both != nil && gate.Alone(stage) == "":
			s = both.stage(ctx, stage, opts, r)
		case stage.Workload.Search:
			s = conductSearch(ctx, stage, file.Confirm, l, head, opts)
		default:
			s = conductStage(ctx, stage, l, head, opts)
			s = confirm(ctx, file, stage, s, l, head, opts)
		}
		r.Stages = append(r.Stages, *s)
		why = endsRun(s)
	}
	stopWatch()
	if both != nil && opts.Restart != nil {
		r.Base.Starts = 1 + both.restarts
	}
	r.Cost = head.describe()
	head.warn(r, "")
	if r.Base != nil {
		r.Base.Cost = base.describe()
		base.warn(r, "base: ")
	}
	r.Cancelled = whole.Err() != nil
	r.End = time.Now()
	return r
}

// limited ends a run when it has lasted as long as the limits permit.
func limited(ctx context.Context, start time.Time, most time.Duration) (context.Context, context.CancelFunc) {
	if most <= 0 {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, start.Add(most), &loader.StopError{
		State: result.Limited, Reason: fmt.Sprintf("the limits permit a run of %v", most),
	})
}

// stopped says why a run goes on no more.
func stopped(ctx context.Context) string {
	var limit *loader.StopError
	if errors.As(context.Cause(ctx), &limit) {
		return limit.Reason
	}
	return "the run was cancelled"
}

// permits reports whether the limits leave a run so much time.
func permits(ctx context.Context, d time.Duration) bool {
	end, limited := ctx.Deadline()
	return !limited || time.Until(end) >= d
}

// endsRun says why no further stage is run after this one, or nothing.
func endsRun(s *result.Stage) string {
	switch s.State {
	case result.Cancelled:
		return "the run was cancelled"
	case result.Aborted:
		return fmt.Sprintf("the run was stopped in stage %q: %s", s.Name, s.Reason)
	case result.Limited:
		return s.Reason
	case result.Dead:
		return fmt.Sprintf("the target had stopped answering in stage %q", s.Name)
	}
	return ""
}

func notRun(stage slo.Stage, why string) result.Stage {
	return result.Stage{
		Name:     stage.Name,
		Workload: loader.Describe(stage.Workload),
		Judged:   stage.Judge,
		State:    result.NotRun,
		Reason:   why,
	}
}

// conductStage idles, loads one stage and looks on.
func conductStage(ctx context.Context, stage slo.Stage, l Loader, m *meter, opts Options) *result.Stage {
	o := opts.Observer
	o.StageStart(stage.Name, loader.Describe(stage.Workload), stage.IdleBefore)
	if !idle(ctx, stage.IdleBefore) {
		s := notRun(stage, stopped(ctx))
		o.StageEnd(&s)
		return &s
	}
	stageCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	charge := m.during(ctx)
	done := make(chan *result.Stage, 1)
	go func() { done <- l.Run(stageCtx, stage) }()
	s := lookOn(done, stage, l.Snapshot, opts, stop)
	charge(s)
	o.StageEnd(s)
	return s
}

// confirm loads a stage once more that fails near a bound, so that both
// together decide.
func confirm(ctx context.Context, file *slo.File, stage slo.Stage, first *result.Stage, l Loader, m *meter, opts Options) *result.Stage {
	if !file.Confirm || ctx.Err() != nil {
		return first
	}
	objective, near := gate.NearFail(stage, first)
	if !near || !permits(ctx, stage.IdleBefore+first.Duration) {
		return first
	}
	opts.Observer.Note(fmt.Sprintf("%s: %s fails near its bound, the stage is loaded once more", stage.Name, objective.Text))
	again := conductStage(ctx, stage, l, m, opts)
	if again.State == result.NotRun {
		return first
	}
	pooled := result.Append(first, again)
	pooled.Runs = 2
	return &pooled
}

// lookOn shows the running stage to the observer and stops it when an
// objective with abort is lost or a service has ended by itself, until the
// loader returns it.
func lookOn[T any](done <-chan T, stage slo.Stage, snapshot func() *result.Stage, opts Options, stop context.CancelCauseFunc) T {
	update := time.NewTicker(updateEvery)
	defer update.Stop()
	abort := time.NewTicker(abortEvery)
	defer abort.Stop()
	for {
		select {
		case s := <-done:
			return s
		case now := <-update.C:
			if live := snapshot(); live != nil {
				opts.Observer.Update(now, live)
			}
		case why := <-opts.Ended:
			stop(why)
		case <-abort.C:
			if !mayAbort(stage) {
				continue
			}
			if live := snapshot(); live != nil {
				if objective, why, lost := gate.Hopeless(stage, live); lost {
					stop(&loader.StopError{State: result.Aborted, Reason: objective.Text + ": " + why})
				}
			}
		}
	}
}

func mayAbort(stage slo.Stage) bool {
	for _, o := range stage.Objectives {
		if o.Abort {
			return true
		}
	}
	return false
}

// idle waits, and reports false when ctx ended first.
func idle(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watch samples the cluster into r.Timeline until the returned function is
// called. A cluster that cannot be asked is one warning, not a failed run.
func watch(ctx context.Context, c Cluster, r *result.Run) (stop func()) {
	if c == nil {
		return func() {}
	}
	timeline := &result.Timeline{Source: c.Source(), Name: c.Name(), Limits: c.Limits()}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		every := time.NewTicker(sampleEvery)
		defer every.Stop()
		for ctx.Err() == nil {
			s, err := c.Sample(ctx)
			if err == nil {
				timeline.Samples = append(timeline.Samples, s)
			} else if ctx.Err() == nil {
				failed = err
			}
			select {
			case <-ctx.Done():
			case <-every.C:
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		r.Timeline = timeline
		if failed != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("watch %s %s: %v", c.Source(), c.Name(), failed))
		}
	}
}
