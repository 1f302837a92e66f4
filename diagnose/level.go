package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// level is a stage as the rules see it: one load and what came of it.
type level struct {
	*result.Stage
	inTurns  bool    // base and head were loaded in turn: slices lie apart
	hasLimit bool    // pods are watched that have a CPU limit
	load     float64 // workers of a closed stage, arrivals a second of an open one

	// throughput is in requests a second. Of a closed stage it counts every
	// finished request; of an open one the successful alone, because there
	// everything that is due also finishes, sooner or later.
	throughput float64
	ok         float64 // share of successful requests, 0 to 1

	// mean and p99 are of successful requests: the others count with their
	// timeout, which says nothing of how long they kept a worker busy.
	mean, p99 time.Duration
}

// view is a run in the order in which the rules need it.
type view struct {
	stages   []level // every one that is looked at, in order of time
	series   []series
	timeline *result.Timeline
	samples  []result.ClusterSample // of the timeline, each with its pods
	base     *result.Base           // nil: the run is no comparison
}

// series holds the levels of one model and the same scenarios in ascending order
// of load.
type series []level

func newView(r *result.Run) *view {
	v := &view{timeline: r.Timeline, samples: withPods(r.Timeline), base: r.Base}
	alike := map[string]series{}
	for i := range r.Stages {
		s := &r.Stages[i]
		if !counts(s) {
			continue
		}
		l := newLevel(s)
		l.inTurns = r.TookTurns(s)
		l.hasLimit = r.Timeline != nil && r.Timeline.Limits.LimitMilli > 0
		v.stages = append(v.stages, l)
		switch {
		case ramp(s.Workload) || l.load <= 0 || len(s.Beside) > 0: // it is not all of the load
		case s.Generator.HeldTo > 0: // how it grows is the limit's
		default:
			key := strings.Join(append(s.Scenarios(), s.Workload.Model), "\x00")
			alike[key] = append(alike[key], l)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(alike)) {
		s := alike[key]
		slices.SortStableFunc(s, func(a, b level) int { return cmp.Compare(a.load, b.load) })
		v.series = append(v.series, s)
	}
	return v
}

// counts reports whether a stage says something of the service. One that the
// user cancelled ended in the middle of its requests.
func counts(s *result.Stage) bool {
	ran := s.State != result.NotRun && s.State != result.Cancelled
	return s.Judged && ran && s.Duration > 0 && s.Counters.Finished() > 0
}

func ramp(w result.Workload) bool {
	return w.WorkersFrom != w.WorkersTo || w.RateFrom != w.RateTo
}

func newLevel(s *result.Stage) level {
	l := level{Stage: s, load: float64(s.Workload.WorkersTo), throughput: perSecond(s.Counters.Finished(), s.Duration)}
	if s.Workload.Model == "open" {
		l.load = s.Workload.RateTo
		l.throughput = perSecond(s.Counters.Success, s.Duration)
	}
	l.ok = float64(s.Counters.Success) / float64(s.Counters.Judged())
	l.mean, _ = s.OK.Mean()
	l.p99, _ = s.OK.Quantile(99, 100)
	return l
}

func perSecond(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }

func (l level) open() bool { return l.Workload.Model == "open" }

// offered is the load in words: "10 workers" or "200/s".
func (l level) offered() string {
	if l.open() {
		return quantity.Rate(l.load)
	}
	return plural(l.load, "worker")
}

// between names two loads of one model: "10 and 20 workers".
func between(a, b level) string {
	if a.open() {
		return a.offered() + " and " + b.offered()
	}
	return quantity.Number(a.load) + " and " + b.offered()
}

// highest is the highest throughput of a series up to a level, or the level's
// own.
func (s series) highest(until level) float64 {
	best := until.throughput
	for _, l := range s {
		if l.load <= until.load {
			best = max(best, l.throughput)
		}
	}
	return best
}

// of returns the series that a level belongs to, nil for a ramp.
func (v *view) of(l level) series {
	for _, s := range v.series {
		if slices.ContainsFunc(s, func(o level) bool { return o.Stage == l.Stage }) {
			return s
		}
	}
	return nil
}

// steps are the neighbours of a series whose load differs by at least a tenth:
// below that a change is not the load's doing.
func (s series) steps() [][2]level {
	var steps [][2]level
	for i := 1; i < len(s); i++ {
		if s[i].load >= 1.1*s[i-1].load {
			steps = append(steps, [2]level{s[i-1], s[i]})
		}
	}
	return steps
}

// returns reports whether a later level reaches a throughput again.
func (s series) returns(after level, throughput float64) bool {
	return slices.ContainsFunc(s, func(l level) bool {
		return l.load > after.load && l.throughput >= throughput
	})
}

// elasticity is how a value follows the load: 1 in proportion, 0 not at all.
func elasticity(v1, v2, load1, load2 float64) float64 {
	return math.Log(v2/v1) / math.Log(load2/load1)
}

// generatorLimited says how the generator was at its own limit, or nothing. A
// finding about the service is then only a note.
func (l level) generatorLimited() string {
	switch {
	case l.Generator.CPU >= 0.85:
		return fmt.Sprintf("the generator itself used %s of its machine's CPU in %s", quantity.Share(l.Generator.CPU), l.Name)
	case l.Generator.UnsentOwn > result.MayStayUnsent(l.Counters.Due()):
		return fmt.Sprintf("the generator did not come to %s of %s requests in %s",
			quantity.Count(l.Generator.UnsentOwn), quantity.Count(l.Counters.Due()), l.Name)
	}
	return ""
}

// doubt makes a note of a finding that the generator may have caused.
func doubt(f result.Finding, l level) result.Finding {
	if why := l.generatorLimited(); why != "" {
		f = sure(f, 1)
		f.Evidence = append(f.Evidence, why)
	}
	return f
}
