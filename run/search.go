package run

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// A search goes up in steps of one half until a rate misses the objectives,
// halves what lies between on the ln scale down to 5 %, and tries the answer
// once more. An answer that does not hold then is lowered by 5 %, twice at most.
const (
	ascent    = 1.5
	precision = 1.05
	answers   = 3
)

const (
	// longestSettling is for how long a rate is loaded before it is judged: what
	// the step up disturbed has settled then. Short steps spend a tenth of their
	// time on it.
	longestSettling = 3 * time.Second
	// longestDrain is the silence between two rates: the one must not inherit
	// the other's queue. Short steps are followed by a fifth of their time.
	longestDrain = 2 * time.Second
)

// SearchTime is how long a search takes at least and at most, where the service
// keeps up: one rate, and every one with its repetition.
func SearchTime(w slo.Workload, repeats bool) (least, most time.Duration) {
	least = settling(w.Duration) + w.Duration
	up := math.Ceil(math.Log(w.RateTo/w.RateFrom)/math.Log(ascent)) + 1
	down := math.Ceil(math.Log2(math.Log(ascent) / math.Log(precision)))
	each := drain(w.Duration) + settling(w.Duration) + w.Duration
	if repeats {
		each += w.Duration
	}
	return least, time.Duration(up+down+answers) * each
}

func settling(hold time.Duration) time.Duration { return min(longestSettling, hold/10) }

func drain(hold time.Duration) time.Duration { return min(longestDrain, hold/5) }

// searcher looks for the highest rate at which a stage meets its objectives.
type searcher struct {
	stage   slo.Stage
	settle  func(context.Context, slo.Stage)
	load    func(context.Context, slo.Stage) *result.Stage
	note    func(string)
	spare   func(context.Context) time.Duration
	repeats bool // rates that are met or missed near a bound

	found       result.Search
	met, missed *result.Stage // what was measured at the highest rate met and the lowest one missed
	over        *result.Stage // what ended the search before its answer
	best        float64       // the highest rate met
	dead        int           // rates in a row, of those that were met before, at which the target stopped answering
}

// conductSearch loads a stage at one rate after the other. What it returns are
// the measurements of the rate that was found, of the lowest one where none met
// the objectives.
func conductSearch(ctx context.Context, stage slo.Stage, repeats bool, l Loader, m *meter, opts Options) *result.Stage {
	s := &searcher{
		stage:  stage,
		settle: func(ctx context.Context, at slo.Stage) { l.RunTogether(ctx, []slo.Stage{at}) },
		load: func(ctx context.Context, at slo.Stage) *result.Stage {
			return conductStages(ctx, []slo.Stage{at}, l, m, opts)[0]
		},
		note:    opts.Observer.Note,
		spare:   opts.spare,
		repeats: repeats,
	}
	s.search(ctx)
	return s.result()
}

// outcome is what a rate that was tried says.
type outcome int

const (
	met    outcome = iota + 1
	missed         // the objectives
	halted         // the search, as searcher.over tells
)

// search finds the capacity, or why there is none.
func (s *searcher) search(ctx context.Context) {
	low, high, ok := s.ascend(ctx)
	for ok && low > 0 && high > precision*low {
		rate := readable(math.Sqrt(low * high))
		if rate <= low || rate >= high {
			break
		}
		switch s.try(ctx, rate, false) {
		case met:
			low = rate
		case missed:
			high = rate
		case halted:
			ok = false
		}
	}
	s.found.Below = high
	if ok && low > 0 {
		s.confirm(ctx, low)
	}
}

// ascend raises the rate until one misses the objectives, or to the end. A
// high of 0 is none that missed them.
func (s *searcher) ascend(ctx context.Context) (low, high float64, ok bool) {
	w := s.stage.Workload
	for rate := w.RateFrom; ; rate = min(readable(ascent*rate), w.RateTo) {
		switch s.try(ctx, rate, false) {
		case missed:
			return low, rate, true
		case halted:
			return low, 0, false
		}
		low = rate
		if rate >= w.RateTo {
			return low, 0, true
		}
	}
}

// confirm tries an answer once more, and a lower one where it does not hold.
func (s *searcher) confirm(ctx context.Context, rate float64) {
	for range answers {
		switch s.try(ctx, rate, true) {
		case met:
			s.found.Capacity = rate
			return
		case halted:
			return
		}
		s.found.Below = rate
		if rate = readable(rate / precision); rate < s.stage.Workload.RateFrom {
			break
		}
	}
	s.found.Unclear = "what the search found did not hold when it was tried again: the service or the machine is not steady enough"
}

// try loads one rate and judges it.
func (s *searcher) try(ctx context.Context, rate float64, confirms bool) outcome {
	at := s.at(rate)
	if len(s.found.Steps) > 0 {
		at.IdleBefore = drain(at.Workload.Duration)
	}
	if idle(ctx, at.IdleBefore) {
		at.IdleBefore = 0
		before := at
		before.Workload.Duration = settling(at.Workload.Duration)
		s.settle(ctx, before)
	}
	got := s.load(ctx, at)
	held := gate.Holds(s.stage, got)
	if s.repeats && held.Near && got.State == result.Completed && s.spare(ctx) >= got.Duration {
		if again := s.load(ctx, at); again.State != result.NotRun {
			got = pooled(got, again)
			judged := *got
			judged.InFlight = again.InFlight // the first run's has been looked at
			held = gate.Holds(s.stage, &judged)
		}
	}
	return s.learn(rate, got, held, confirms)
}

// at is the stage with a constant rate. What would stop a stage early would
// stop the search: a rate that is too high is an answer here.
func (s *searcher) at(rate float64) slo.Stage {
	at := s.stage
	at.Name = s.stage.Name + " at " + quantity.Rate(rate)
	at.Workload.Search = false
	at.Workload.RateFrom, at.Workload.RateTo = rate, rate
	at.Objectives = nil
	return at
}

// learn keeps what a rate has shown.
func (s *searcher) learn(rate float64, got *result.Stage, held gate.Held, confirms bool) outcome {
	switch got.State {
	case result.Completed:
		s.dead = 0
	case result.Dead:
		held = gate.Held{Verdict: result.Fail, Reason: got.Reason}
		// Beyond what was met a collapse is an answer; at what was met it is none.
		if rate <= s.best {
			s.dead++
		}
		if s.dead > 1 {
			s.over = got
		}
	default:
		s.over = got
		return halted
	}
	step := searchStep(rate, got)
	step.Met, step.Reason, step.Confirms = held.Verdict == result.Pass, held.Reason, confirms
	s.found.Steps = append(s.found.Steps, step)
	switch {
	case s.over != nil:
		return halted
	case held.Verdict == result.Pass:
		s.note(fmt.Sprintf("%s met the objectives", quantity.Rate(rate)))
		s.met, s.best = got, max(s.best, rate)
		return met
	case held.Verdict == result.Fail:
		s.note(fmt.Sprintf("%s missed them: %s", quantity.Rate(rate), held.Reason))
		s.missed = got
		return missed
	}
	s.found.Unclear = fmt.Sprintf("at %s nothing can be said: %s", quantity.Rate(rate), held.Reason)
	if s.met == nil {
		s.missed = got
	}
	return halted
}

func searchStep(rate float64, got *result.Stage) result.SearchStep {
	step := result.SearchStep{Rate: rate, Runs: got.Runs}
	if seconds := got.Duration.Seconds(); seconds > 0 {
		step.Throughput = float64(got.Counters.Finished()) / seconds
	}
	if n := got.Counters.Judged(); n > 0 {
		step.Success = float64(got.Counters.Success) / float64(n)
	}
	step.P95, _ = got.Response.Quantile(95, 100)
	return step
}

// result is the stage as the search leaves it.
func (s *searcher) result() *result.Stage {
	var out result.Stage
	switch {
	case s.over != nil:
		out = *s.over
		if out.State == result.Dead {
			out.Reason = fmt.Sprintf("at %d rates, one lower than the other: %s", s.dead, out.Reason)
		}
	case s.met != nil:
		out = *s.met
	case s.missed != nil:
		out = *s.missed
	}
	out.Name, out.Judged = s.stage.Name, s.stage.Judge
	out.Workload = loader.Describe(s.stage.Workload)
	out.Search = &s.found
	if s.over != nil && s.found.Unclear == "" {
		s.found.Unclear = "the search did not come to its end"
	}
	return &out
}

// readable rounds a rate down to three digits.
func readable(rate float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(rate))-2)
	const rounding = 1e-9
	return math.Floor(rate/scale*(1+rounding)) * scale
}
