package loader

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// stage is one running stage: what an engine needs to know of it, and where
// outcomes go.
type stage struct {
	ended atomic.Pointer[result.Stage] // what was measured; nil: it is at work

	loader *Loader
	plan   *plan
	load   slo.Workload
	spec   slo.Stage
	seed   uint64
	start  time.Time
	part   *part // nil: the whole stage

	// requests ends when requests in flight are to be given up.
	requests context.Context
	// abort ends the stage with a reason.
	abort context.CancelCauseFunc
	// cancelled is the context that Run was called with.
	cancelled context.Context

	shards     []*shard
	tickets    atomic.Int64 // requests that a counted stage may still start
	iterations atomic.Int64
	inFlight   atomic.Int64
	lastEnd    atomic.Int64 // offset of the latest end of a request
	// arrivalsEnd is the offset at which an open stage's arrivals ended; 0: not yet.
	arrivalsEnd atomic.Int64

	self *selfWatch

	apart apart    // the steps whose slices are kept
	limit *limiter // nil: none

	connections int     // at the same time at most
	rowsBefore  []int64 // rows of data files that the stages before have taken, for each scenario
	numbers     numbering

	mu     sync.Mutex
	slices *sliceSet
	parts  []*sliceSet // of the steps that are kept apart
	passes []*sliceSet // of the iterations of each scenario; nil: they are not counted
	mode   string
}

func newStage(l *Loader, spec slo.Stage, p *part) *stage {
	s := &stage{loader: l, plan: l.plan.of(spec), load: spec.Workload, spec: spec, part: p, seed: stageSeed(l.opts.Seed, spec.Name)}
	s.connections, s.numbers.shard = l.opts.MaxConnections, l.opts.Shard
	for i := range l.rowsTaken {
		s.rowsBefore = append(s.rowsBefore, l.rowsTaken[i].Load())
	}
	planned := spec.Workload.Duration
	if spec.Workload.Requests > 0 {
		planned = 0
	}
	s.slices = newSliceSet(planned)
	s.shards = newShards(len(l.plan.steps), s.slices.width, &sampler{mask: l.mask, longest: l.sessions.longest()})
	if p == nil { // a part of a stage is one slice, and has its limiter
		s.apart = newApart(l.plan, spec.Apart)
		s.parts = s.apart.sets(planned)
		s.limit = l.limiter(spec)
	} else {
		s.limit, s.connections = p.limit, max(s.connections-p.busy, 0)
	}
	for _, sh := range s.shards {
		sh.keep(s.apart, s.parts)
	}
	s.keepPasses(planned)
	for _, set := range slices.Concat([]*sliceSet{s.slices}, s.parts, s.passes) {
		set.fine = l.opts.Shard.count() > 1
	}
	s.tickets.Store(s.own().Requests)
	s.self = watchSelf()
	s.start = time.Now()
	return s
}

// own is the workload of this generator, a part of the stage's where it is a
// shard.
func (s *stage) own() slo.Workload {
	if s.part != nil {
		return s.load
	}
	return s.loader.opts.Shard.Part(s.load)
}

// stageSeed gives each stage its own random numbers.
func stageSeed(seed uint64, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return mix(seed ^ h.Sum64())
}

// run loads the stage to its end.
func (s *stage) run(ctx context.Context) *result.Stage {
	requests, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	s.requests, s.cancelled = requests, ctx
	ctx, stop := context.WithCancelCause(untimed{ctx})
	defer stop(nil)
	s.abort = stop

	// The grace begins when the stage is cancelled, from outside or as dead.
	grace := make(chan struct{})
	defer close(grace)
	stopGrace := context.AfterFunc(ctx, func() {
		wait := time.NewTimer(s.loader.opts.Grace)
		defer wait.Stop()
		select {
		case <-wait.C:
			giveUp()
		case <-grace:
		}
	})
	defer stopGrace()

	monitored := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(monitored)
		s.monitor(done, stop)
	}()
	s.loader.engine.load(ctx, s)
	end := time.Now()
	s.takeRows()
	how := endingOf(ctx, s.spec.Name)
	close(done)
	<-monitored
	s.inStep(ctx)
	return s.finish(end, how)
}

// untimed is a context that is cancelled when its parent is and tells no
// deadline: engines take one for the end of the stage's own time. The deadline
// of a run may have passed a moment before the run is cancelled by it.
type untimed struct{ context.Context }

// Deadline says that there is none.
func (untimed) Deadline() (time.Time, bool) { return time.Time{}, false }

// ending is how a stage ended.
type ending struct {
	state  result.State
	reason string
	lost   string // the objective that ended it
}

func endingOf(ctx context.Context, stage string) ending {
	if ctx.Err() == nil {
		return ending{state: result.Completed}
	}
	cause := context.Cause(ctx)
	var stop *StopError
	if errors.As(cause, &stop) {
		return stop.of(stage)
	}
	if errors.Is(cause, context.Canceled) {
		return ending{state: result.Cancelled, reason: "cancelled while it ran"}
	}
	return ending{state: result.Cancelled, reason: cause.Error()}
}

// write makes it the stage's.
func (e ending) write(s *result.Stage) { s.State, s.Reason, s.Lost = e.state, e.reason, e.lost }

// monitor collects the slices as they end and stops a stage whose target is
// dead, until done is closed.
func (s *stage) monitor(done <-chan struct{}, stop context.CancelCauseFunc) {
	tick := time.NewTicker(max(s.slices.width, 10*time.Millisecond))
	defer tick.Stop()
	watch := deadWatch{rule: s.loader.dead}
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		elapsed := time.Since(s.start)
		s.collect(elapsed)
		if !s.spec.StopOnDead {
			continue
		}
		if reason, dead := watch.look(elapsed, s.counters()); dead {
			stop(&StopError{State: result.Dead, Reason: reason})
		}
	}
}

// collect moves the shards' slices into the stage's.
func (s *stage) collect(elapsed time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slices.mark(elapsed, int(s.inFlight.Load()))
	widen := s.slices.planned == 0 && s.slices.width == fineWidth && elapsed >= sliceCount*sliceWidth
	for _, sh := range s.shards {
		sh.mu.Lock()
		defer sh.mu.Unlock()
		s.slices.collect(&sh.slices)
		for i, part := range s.parts {
			part.collect(&sh.parts[i])
		}
		for i, set := range s.passes {
			set.collect(&sh.passes[i].slices)
		}
		if widen {
			sh.widen()
		}
	}
	if widen {
		s.slices.widen()
		for _, part := range slices.Concat(s.parts, s.passes) {
			part.widen()
		}
	}
}

// counters sums the stage's counters.
func (s *stage) counters() result.Counters {
	var sum result.Counters
	for _, sh := range s.shards {
		sh.mu.Lock()
		for i := range sh.steps {
			sum.Add(sh.steps[i].counters)
		}
		sh.mu.Unlock()
	}
	return sum
}

// record takes the outcome of a request.
func (s *stage) record(sh *shard, o *outcome) {
	end := int64(o.due + o.response)
	for {
		last := s.lastEnd.Load()
		if end <= last || s.lastEnd.CompareAndSwap(last, end) {
			break
		}
	}
	sh.record(o)
}

// missed records an arrival that was due and never started.
func (s *stage) missed(iteration int64, due time.Duration, class result.Class, own bool) {
	sc := s.plan.scenarioOf(s.seed, iteration)
	sh := s.shards[int(iteration)%len(s.shards)]
	sh.record(&outcome{step: sc.firstStep(), class: class, due: due, unsent: own})
	p := enter(due)
	p.failed = class
	s.passed(sh, sc, &p, true)
}

// missedAs is the class of what was due and is not started any more: of the
// cancelled run, or unsent when the stage ended, by itself or with its target.
func (s *stage) missedAs() result.Class {
	if s.cancelled.Err() != nil {
		return result.CancelledBy
	}
	return result.UnsentDue
}

// offset is the time from the stage's start.
func (s *stage) offset(t time.Time) time.Duration { return t.Sub(s.start) }

// ticket takes the permission to start a request. Stages bounded by time have
// no end of them.
func (s *stage) ticket() bool {
	return s.load.Requests == 0 || s.tickets.Add(-1) >= 0
}

// isSpent reports that a counted stage may start no further request.
func (s *stage) isSpent() bool { return s.load.Requests > 0 && s.tickets.Load() <= 0 }

// unwritten says why a request could not be written. One without a row ends the
// stage: there is nothing left to send.
func (s *stage) unwritten(o *outcome, err error) {
	o.class, o.detail = result.Local, err.Error()
	_, lacks := errors.AsType[*lackError](err)
	_, unfit := errors.AsType[unfitError](err)
	if lacks || unfit {
		o.class = result.FailedCheck
	}
	if _, rowless := errors.AsType[*rowError](err); rowless {
		s.abort(&StopError{State: result.Aborted, Reason: err.Error()})
	}
}

func (s *stage) setMode(mode string) {
	s.mu.Lock()
	s.mode = mode
	s.mu.Unlock()
}

// snapshot copies what was measured until now.
func (s *stage) snapshot(now time.Time) *result.Stage {
	elapsed := s.offset(now)
	s.collect(elapsed)
	if s.load.Model == slo.Open {
		elapsed = min(elapsed, s.load.Duration)
		if end := time.Duration(s.arrivalsEnd.Load()); end > 0 {
			elapsed = min(elapsed, end)
		}
	}
	return s.publish(elapsed)
}

// finish is the snapshot of an ended stage.
func (s *stage) finish(end time.Time, how ending) *result.Stage {
	out := s.snapshot(end)
	if s.load.Model != slo.Open {
		out = s.publish(s.worked(out, how))
	}
	how.write(out)
	s.loader.hideLate(out.Failures)
	s.loader.hideLate(out.Slowest)
	kept := *out
	s.ended.Store(&kept)
	return out
}

// worked is how long the workers of an ended stage were at work: until their
// last answer, and to the end of its time where nothing else ended it. They may
// have paused until then, and a pause is part of their work.
func (s *stage) worked(out *result.Stage, how ending) time.Duration {
	answered := min(out.Duration, time.Duration(s.lastEnd.Load()))
	spent := s.load.Requests > 0 && out.Counters.Due() >= s.load.Requests
	if how.state != result.Completed || !s.timed() || spent {
		return answered
	}
	return max(answered, s.load.Duration)
}

// publish puts together what was collected of a stage that lasts until elapsed.
func (s *stage) publish(elapsed time.Duration) *result.Stage {
	out := s.merge()
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Duration = elapsed
	out.Slices, out.InFlight = s.slices.result(elapsed)
	for i, number := range s.loaded() {
		if n := s.apart.of(s.plan.steps[number]); n >= 0 {
			out.Steps[i].Slices = s.parts[n].ofStep(elapsed)
		}
	}
	out.Iterations = s.iterationsUntil(elapsed)
	out.Generator.Mode = s.mode
	out.Generator.HeldTo = s.limit.heldTo()
	out.Generator.ConnectionAge = s.loader.file.HTTP.ConnectionAge
	return out
}

// loaded are the numbers of the steps that the stage sends.
func (s *stage) loaded() []int {
	var numbers []int
	for _, st := range s.plan.steps {
		if s.spec.Loads(st.scenario) {
			numbers = append(numbers, st.number)
		}
	}
	return numbers
}

// merge adds what the shards hold.
func (s *stage) merge() *result.Stage {
	out := &result.Stage{
		Name: s.spec.Name, Workload: Describe(s.load), Judged: s.spec.Judge, State: result.Completed, Start: s.start,
		Generator: result.Generator{Engine: s.loader.engine.name()},
	}
	loaded := s.loaded()
	for _, number := range loaded {
		st := s.plan.steps[number]
		out.Steps = append(out.Steps, result.Step{Scenario: st.scenario, Name: st.request.Name})
	}
	parts := make([]*samples, len(s.shards))
	for i, sh := range s.shards {
		sh.mu.Lock()
		for i, n := range loaded {
			out.Steps[i].Requests = addRequests(out.Steps[i].Requests, sh.steps[n].requests(s.loader.plan.all[n].request))
		}
		sh.addTo(&out.Generator)
		parts[i] = sh.samples.clone()
		sh.mu.Unlock()
	}
	for _, st := range out.Steps {
		out.Requests = addRequests(out.Requests, st.Requests)
	}
	out.Failures, out.Slowest = mergeSamples(parts)
	s.self.look(&out.Generator)
	return out
}
