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
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Loader loads one stage after the other, or several at the same time.
type Loader interface {
	// RunTogether loads stages at the same time, each to its end. When ctx is
	// cancelled it returns what was measured until then.
	RunTogether(ctx context.Context, stages []slo.Stage) []*result.Stage
	// Snapshots returns what the running stages have measured so far, none
	// between stages.
	Snapshots() []*result.Stage
}

// Observer is told how the run goes, always from one goroutine. Several stages
// may run at the same time: Update is told of one after the other.
type Observer interface {
	StageStart(name string, w result.Workload, idle time.Duration)
	Update(now time.Time, live *result.Stage)
	Replicas(s result.ClusterSample) // the last that was seen of them; before Update
	StageEnd(stage *result.Stage)
	Note(text string) // something that a stage does besides
}

// nobody is the observer of a run that is not looked at.
type nobody struct{}

func (nobody) StageStart(string, result.Workload, time.Duration) {}
func (nobody) Update(time.Time, *result.Stage)                   {}
func (nobody) Replicas(result.ClusterSample)                     {}
func (nobody) StageEnd(*result.Stage)                            {}
func (nobody) Note(string)                                       {}

// Options says what else takes part in a run.
type Options struct {
	Cluster  Cluster  // nil: replicas are not watched
	Observer Observer // nil: nobody looks on
	Pair     Comparer // nil: there is nothing to compare with in this run

	// Shard says which part of the run this is. A part is not judged: no stage is
	// aborted by its objectives nor loaded once more to confirm them.
	Shard loader.Shard

	// Restart starts both sides of a comparison anew and returns when they are
	// ready. Its error may be a [*loader.StopError]. Nil: slogate has not started
	// them.
	Restart func(context.Context) error
	// Ended gives the reason to stop when a service that slogate has started
	// ends by itself; nil: it has started none.
	Ended <-chan *loader.StopError

	Series Series // asks the file's Prometheus server; nil: it is not asked
	// Profile and BaseProfile take CPU profiles of both sides; nil: none is taken.
	Profile, BaseProfile Profiler
	Cost                 Cost // of the target
	BaseCost             Cost // of the base target

	later time.Duration // that the stages after the running ones are planned to last
}

func (o Options) isPart() bool { return o.Shard.Count > 1 }

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
	var both *compared
	if opts.Pair != nil {
		both = newCompared(file, opts)
		r.Base = &result.Base{Target: file.Baseline.BaseTarget}
	}
	whole := ctx
	ctx, stop := limited(ctx, r.Start, file.Limits.Duration)
	defer stop()
	pods := watch(ctx, opts.Cluster)
	head, base := &meter{Cost: opts.Cost, pods: pods}, &meter{Cost: opts.BaseCost}
	if both != nil {
		both.costs = [2]*meter{base, head}
	}
	why := ""
	together := file.Together()
	for i, stages := range together {
		opts.later = PlannedTime(together[i+1:], file.Confirm)
		if why == "" && ctx.Err() != nil {
			why = stopped(ctx)
		}
		if why != "" {
			r.Stages = append(r.Stages, notRun(stages, why)...)
			continue
		}
		var measured []*result.Stage
		switch {
		case both != nil && gate.Alone(stages[0]) == "":
			measured = []*result.Stage{both.stage(ctx, stages[0], opts, r)}
		case stages[0].Workload.Search:
			measured = []*result.Stage{conductSearch(ctx, stages[0], file.Confirm, l, head, opts)}
		default:
			measured = conductStages(ctx, stages, l, head, opts)
			measured = confirm(ctx, file, stages, measured, l, head, opts)
		}
		for _, s := range measured {
			r.Stages = append(r.Stages, *s)
			why = cmp.Or(why, endsRun(s))
		}
	}
	pods.finish(r)
	askMetrics(whole, file.Metrics.Prometheus, opts, r)
	if both != nil && opts.Restart != nil {
		r.Base.Starts = 1 + both.restarts
	}
	warnOfProfiles(r, "", r.Stages)
	r.Cost = head.describe()
	head.warn(r, "")
	if r.Base != nil {
		r.Base.Cost = base.describe()
		base.warn(r, "base: ")
		warnOfProfiles(r, "base: ", r.Base.Stages)
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
		State: result.Limited, Reason: fmt.Sprintf("the limits permit a run of %s", quantity.Duration(most)),
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

// PlannedTime is how long stages last that run one group after the other, as
// far as that is known before the run: a count of requests takes as long as the
// service makes it take. Of a search it is the least.
func PlannedTime(together [][]slo.Stage, repeats bool) time.Duration {
	var sum time.Duration
	for _, stages := range together {
		sum += stages[0].IdleBefore
		if w := stages[0].Workload; w.Search {
			least, _ := SearchTime(w, repeats)
			sum += least
			continue
		}
		sum += Longest(stages)
	}
	return sum
}

// Longest is how long stages that run at the same time last.
func Longest(together []slo.Stage) time.Duration {
	var longest time.Duration
	for _, s := range together {
		longest = max(longest, s.Workload.Duration)
	}
	return longest
}

// spare is the time that the limits leave a run besides its later stages; all
// there is where they do not limit it.
func (o Options) spare(ctx context.Context) time.Duration {
	end, limited := ctx.Deadline()
	if !limited {
		return math.MaxInt64
	}
	return time.Until(end) - o.later
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

func notRun(stages []slo.Stage, why string) []result.Stage {
	var all []result.Stage
	for _, stage := range stages {
		all = append(all, result.Stage{
			Name:     stage.Name,
			Workload: loader.Describe(stage.Workload),
			Judged:   stage.Judge,
			State:    result.NotRun,
			Reason:   why,
		})
	}
	return all
}

// conductStages idles, loads one stage, or those that run at the same time, and
// looks on.
func conductStages(ctx context.Context, stages []slo.Stage, l Loader, m *meter, opts Options) []*result.Stage {
	o := opts.Observer
	for _, stage := range stages {
		o.StageStart(stage.Name, loader.Describe(opts.Shard.Part(stage.Workload)), stage.IdleBefore)
	}
	if !idle(ctx, stages[0].IdleBefore) {
		return ended(pointers(notRun(stages, stopped(ctx))), o)
	}
	stageCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	charge := m.during(ctx, stages)
	profile := beginProfile(ctx, stages[0], opts.Profile)
	done := make(chan []*result.Stage, 1)
	go func() { done <- l.RunTogether(stageCtx, stages) }()
	all := lookOn(done, stages, l.Snapshots, m.pods, opts, stop)
	m.pods.charge(all)
	charge(all[0])
	profile.end(all[0])
	if opts.Series != nil {
		for _, s := range all {
			noteLoaded(s, s.Start, s.Start.Add(s.Duration))
		}
	}
	return ended(all, o)
}

// ended tells the observer how stages ended.
func ended(all []*result.Stage, o Observer) []*result.Stage {
	for _, s := range all {
		o.StageEnd(s)
	}
	return all
}

func pointers(all []result.Stage) []*result.Stage {
	var out []*result.Stage
	for i := range all {
		out = append(out, &all[i])
	}
	return out
}

// confirm loads what ran at the same time once more where a stage fails near a
// bound, so that both together decide. Where one of them did not run to its end
// the run ends: a dead target is not loaded again.
func confirm(ctx context.Context, file *slo.File, stages []slo.Stage, first []*result.Stage, l Loader, m *meter, opts Options) []*result.Stage {
	if !file.Confirm || opts.isPart() || ctx.Err() != nil || slices.ContainsFunc(first, isCutShort) {
		return first
	}
	text, near := nearMiss(stages, first)
	if !near || opts.spare(ctx) < stages[0].IdleBefore+longest(first) {
		return first
	}
	opts.Observer.Note(text + " fails near its bound, the stage is loaded once more")
	again := conductStages(ctx, stages, l, m, opts)
	if again[0].State == result.NotRun {
		return first
	}
	for i := range again {
		again[i] = pooled(first[i], again[i])
	}
	return again
}

// pooled is a stage that was loaded twice.
func pooled(first, again *result.Stage) *result.Stage {
	both := result.Append(first, again)
	both.Runs = 2
	return &both
}

func isCutShort(s *result.Stage) bool { return s.State != result.Completed }

// nearMiss gives the first objective that fails near its bound.
func nearMiss(stages []slo.Stage, measured []*result.Stage) (text string, near bool) {
	for i, stage := range stages {
		if objective, near := gate.NearFail(stage, measured[i]); near {
			return stage.Name + ": " + objective.Text, true
		}
	}
	return "", false
}

// longest is how long the longest of some stages took.
func longest(all []*result.Stage) time.Duration {
	var d time.Duration
	for _, s := range all {
		d = max(d, s.Duration)
	}
	return d
}

// lookOn shows the running stages to the observer and stops them when an
// objective with abort is lost or a service has ended by itself, until the
// loader returns them.
func lookOn[T any](done <-chan T, stages []slo.Stage, snapshots func() []*result.Stage, pods *watcher, opts Options, stop context.CancelCauseFunc) T {
	update := time.NewTicker(updateEvery)
	defer update.Stop()
	abort := time.NewTicker(abortEvery)
	defer abort.Stop()
	for {
		select {
		case s := <-done:
			return s
		case now := <-update.C:
			if sample, ok := pods.latest(); ok {
				opts.Observer.Replicas(sample)
			}
			for _, live := range snapshots() {
				opts.Observer.Update(now, live)
			}
		case why := <-opts.Ended:
			stop(why)
		case <-abort.C:
			if opts.isPart() || !slices.ContainsFunc(stages, mayAbort) {
				continue
			}
			for i, live := range snapshots() {
				if objective, why, lost := gate.Hopeless(stages[i], live); lost {
					stop(&loader.StopError{
						State: result.Aborted, Reason: objective.Text + ": " + why,
						Stage: stages[i].Name, Lost: objective.Text,
					})
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
