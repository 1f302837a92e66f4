package gate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Options say what a run is judged against besides its bounds.
type Options struct {
	Baseline   []*result.Run // earlier results, in any order
	Ref        *result.Run   // a pinned one besides, which can only warn; may be nil
	BaseBranch bool          // relative objectives only warn: there is nothing to hold back any more
	Accepted   string        // who or what accepted a regression; then it only warns
	Notices    []string      // what a reader must know of how the earlier results were found
}

// history holds the earlier results that count, oldest first.
type history struct {
	Options
	rules   slo.Baseline
	now     *result.Run
	runs    []*result.Run
	future  int // how many were left out because they say to be later than now
	notices []string
}

// newHistory chooses among the earlier results: those that passed, are not too
// old, and the newest of them.
func newHistory(rules slo.Baseline, now *result.Run, opts Options) history {
	h := history{Options: opts, rules: rules, now: now, notices: slices.Clone(opts.Notices)}
	failed, old := 0, 0
	for _, r := range opts.Baseline {
		switch {
		case r == nil || h.has(r):
		case !Usable(r):
			failed++
		case rules.MaxAge > 0 && now.Start.Sub(r.Start) > rules.MaxAge:
			old++
		case rules.MaxAge > 0 && r.Start.Sub(now.Start) > clockSkew:
			h.future++
		default:
			h.runs = append(h.runs, r)
		}
	}
	slices.SortStableFunc(h.runs, func(a, b *result.Run) int { return a.Start.Compare(b.Start) })
	if rules.Last > 0 && len(h.runs) > rules.Last {
		h.runs = h.runs[len(h.runs)-rules.Last:]
	}
	if failed > 0 {
		h.notices = append(h.notices, fmt.Sprintf("%s left out of the baseline: failed, inconclusive or cancelled", earlierResults(failed)))
	}
	if old > 0 {
		h.notices = append(h.notices, fmt.Sprintf("%s left out of the baseline: older than %s", earlierResults(old), slo.DurationText(rules.MaxAge)))
	}
	if h.future > 0 {
		h.notices = append(h.notices, earlierResults(h.future)+" left out of the baseline: "+fromTheFuture)
	}
	return h
}

// clockSkew is how far the clock of the machine of an earlier result may be
// ahead. A result that says to be later would never become too old.
const clockSkew = time.Hour

const fromTheFuture = "measured in the future, where a clock was wrong"

// has reports a run that is the judged one itself or already there: counted
// twice it would make the spread between runs look small.
func (h history) has(r *result.Run) bool {
	same := func(o *result.Run) bool {
		return o == r || o.Seed == r.Seed && o.Start.Equal(r.Start) && !r.Start.IsZero()
	}
	return same(h.now) || slices.ContainsFunc(h.runs, same)
}

// Usable reports a run that may be a baseline: it was complete, with all of its
// shards, its absolute objectives could not have failed, and no regression was
// found in it.
func Usable(r *result.Run) bool {
	if r.Cancelled || len(r.Gaps) > 0 {
		return false
	}
	if r.Judgement == nil {
		return true
	}
	for _, o := range r.Judgement.Objectives {
		if o.Severity != string(slo.Fail) {
			continue
		}
		if o.Verdict == result.Fail || o.Verdict == result.Inconclusive && !o.Relative {
			return false
		}
	}
	return true
}

// past lists the results that count, with the main indicators of the judged
// stages that can be compared.
func (h history) past(stages []judgedStage) []result.Earlier {
	var all []result.Earlier
	for _, r := range h.runs {
		e := result.Earlier{Source: r.Source, Start: r.Start}
		for _, stage := range stages {
			if s := h.comparable(r, stage.measured); s != nil {
				e.Stages = append(e.Stages, mainIndicators(s))
			}
		}
		all = append(all, e)
	}
	return all
}

// comparable returns an earlier result's stage of the name of one of now's,
// nil where the two cannot be compared.
func (h history) comparable(r *result.Run, now *result.Stage) *result.Stage {
	if now == nil {
		return nil
	}
	for i := range r.Stages {
		s := &r.Stages[i]
		if s.Name != now.Name || s.State != result.Completed || s.Counters.Judged() == 0 {
			continue
		}
		same := result.FingerprintOf(h.now, now).Difference(result.FingerprintOf(r, s)) == ""
		if same || h.rules.AllowMismatch {
			return s
		}
	}
	return nil
}

func mainIndicators(s *result.Stage) result.EarlierStage {
	e := result.EarlierStage{Name: s.Name, Success: float64(s.Counters.Success) / float64(s.Counters.Judged())}
	e.P95, _ = s.Response.Quantile(95, 100)
	if seconds := s.Duration.Seconds(); seconds > 0 {
		e.Throughput = float64(s.Counters.Finished()) / seconds
	}
	return e
}

// sample is the values of an indicator in earlier results that can be compared
// with a stage.
type sample struct {
	values   []float64 // oldest first, on the indicator's scale
	mismatch string    // how their fingerprint differs; all do where it is not empty
	accepted int       // the newest value that was a regression and was let through; 0: none
}

// sinceAccepted are the values of the level that began with an accepted
// regression: what was let through must not fail the changes after it. Where the
// results since then are back within the tolerance of those before, it was one
// bad run and no level.
func (s sample) sinceAccepted(o slo.Objective) []float64 {
	before, since := s.values[:s.accepted], s.values[s.accepted:]
	if s.accepted == 0 {
		return s.values
	}
	was := stats.Median(before)
	if moved := sign(o) * (stats.Median(since) - was); moved > toleranceAt(o, scaleOf(o.Indicator).back(was)) {
		return since
	}
	return s.values
}

// letThrough reports whether an objective was missed in a run by a regression
// that only warned: it was accepted, or the run was one of the base branch. One
// that was met warns too where it is worse than a pinned result.
func letThrough(r *result.Run, stage string, o slo.Objective) bool {
	return r.Judgement != nil && slices.ContainsFunc(r.Judgement.Objectives, func(j result.JudgedObjective) bool {
		return j.Relative && j.Severity == string(slo.Fail) && j.Verdict == result.Warn &&
			j.Measured != nil && !meets(slo.Cmp(j.Cmp), orderOfJudged(j)) && j.Stage == stage && j.Indicator == o.Indicator.String() && j.Scenario == o.Scope.Scenario && j.Step == o.Scope.Step
	})
}

// sample collects the earlier values of a trial's indicator. Results of the
// same fingerprint are enough by themselves; where there are none, it is those
// of another.
func (h history) sample(t *trial, runs []*result.Run) sample {
	var same, other sample
	now := result.FingerprintOf(h.now, t.stage.measured)
	for _, r := range runs {
		i := slices.IndexFunc(r.Stages, func(s result.Stage) bool { return s.Name == t.s.Name })
		if i < 0 || r.Stages[i].State != result.Completed {
			continue
		}
		s := &r.Stages[i]
		seen := part(t.Objective, s)
		value, ok := Measure(t.Indicator, seen)
		if !ok || samples(t.Indicator, seen) < Enough(t.Objective) || broken(t.Indicator, s, seen) {
			continue
		}
		into := &same
		if difference := now.Difference(result.FingerprintOf(r, s)); difference != "" {
			into, other.mismatch = &other, difference
		}
		if letThrough(r, s.Name, t.Objective) {
			into.accepted = len(into.values)
		}
		into.values = append(into.values, scaleOf(t.Indicator).of(value))
	}
	if len(same.values) > 0 {
		return same
	}
	return other
}

// broken reports an earlier stage whose value says nothing of the service: times
// of one that mostly failed are the timeout's, a generator that left requests
// unsent has measured itself, and a metric may have had no value most of the time.
func broken(ind slo.Indicator, s, seen *result.Stage) bool {
	return leftUnsent(s) != "" || needsSuccess(ind) && mostlyFailed(seen.Counters) ||
		ind.Kind == slo.Metric && metricUnknown(ind, seen) != ""
}

// scaling turns values into numbers whose differences are changes: the ln of
// times, rates and amounts, shares and scores as they are.
type scaling struct{ points bool }

func scaleOf(ind slo.Indicator) scaling {
	u := ind.Unit()
	return scaling{points: u == slo.UnitShare || u == slo.UnitScore}
}

func (s scaling) of(value float64) float64 {
	if s.points {
		return value
	}
	return math.Log(value)
}

func (s scaling) back(x float64) float64 {
	if s.points {
		return x
	}
	return math.Exp(x)
}

// change of a distance on the scale: a fraction, or a difference of shares.
func (s scaling) change(distance float64) float64 {
	if s.points {
		return distance
	}
	return math.Expm1(distance)
}

// text writes a change: "+25 %", "−0.5 points".
func (s scaling) text(change float64) string {
	return quantity.Change(change, s.points)
}

// prior is the standard deviation between runs that is assumed before any is
// seen: 10 % and half a point, or three times as much where the fingerprint
// differs.
func (s scaling) prior(mismatch bool) float64 {
	prior := 0.10
	if s.points {
		prior = 0.005
	}
	if mismatch {
		prior *= 3
	}
	return prior
}

func earlierResults(n int) string {
	if n == 1 {
		return "1 earlier result is"
	}
	return strconv.Itoa(n) + " earlier results are"
}
