package result

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// maxSpan bounds every duration and every number of bytes, so that the sum of
// two never overflows: 146 years, 4 EiB.
const maxSpan = 1<<62 - 1

// maxStages bounds those of a run, which reports compare with each other: an SLO
// file has 200 at most.
const maxStages = 1000

// check reports the first thing in a run that no slogate writes.
func check(r *Run) error {
	var all tally
	if err := all.checkStages(r.Stages); err != nil {
		return err
	}
	if r.Base != nil {
		if r.Base.Starts < 0 {
			return fmt.Errorf("base: %d starts", r.Base.Starts)
		}
		if err := all.checkStages(r.Base.Stages); err != nil {
			return fmt.Errorf("base: %w", err)
		}
	}
	if err := checkShard(r.Shard); err != nil {
		return err
	}
	if r.Machine.Cores < 0 {
		return fmt.Errorf("machine: %d cores", r.Machine.Cores)
	}
	if r.Timeline != nil {
		if err := checkTimeline(r.Timeline); err != nil {
			return fmt.Errorf("timeline: %w", err)
		}
	}
	if c := r.Coverage; c != nil && (min(c.Loaded, c.Operations) < 0 || c.Loaded > c.Operations-len(c.Missing)) {
		return fmt.Errorf("coverage: %d loaded and %d missing of %d operations", c.Loaded, len(c.Missing), c.Operations)
	}
	if r.Judgement != nil {
		return checkJudgement(r.Judgement)
	}
	return nil
}

// checkStages also refuses a name that is there twice: base's side of each would
// be the same one, again and again.
func (t *tally) checkStages(list []Stage) error {
	if len(list) > maxStages {
		return fmt.Errorf("%d stages, at most %d are read", len(list), maxStages)
	}
	seen := make(map[string]bool, len(list))
	for i := range list {
		name := list[i].Name
		if seen[name] {
			return fmt.Errorf("stage %.80q is there twice", name)
		}
		seen[name] = true
		if err := t.checkStage(&list[i]); err != nil {
			return fmt.Errorf("stage %q: %w", name, err)
		}
	}
	return nil
}

func (t *tally) checkStage(s *Stage) error {
	for _, w := range append([]Workload{s.Workload}, s.Beside...) {
		if err := checkWorkload(w); err != nil {
			return fmt.Errorf("workload: %w", err)
		}
	}
	if err := known("state", s.State, Completed, NotRun, Cancelled, Aborted, Dead, Limited); err != nil {
		return err
	}
	if err := t.span(s.Duration); err != nil {
		return err
	}
	if s.Runs < 0 {
		return fmt.Errorf("%d runs", s.Runs)
	}
	if err := t.checkGenerator(&s.Generator); err != nil {
		return fmt.Errorf("generator: %w", err)
	}
	if err := t.checkRequests(&s.Requests); err != nil {
		return err
	}
	if err := cmp.Or(t.checkCost(s.Cost), checkUse(s.Cluster), checkLoaded(s.Loaded), checkMetrics(s.Metrics), checkProfile(s.Profile)); err != nil {
		return err
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		if err := cmp.Or(t.checkRequests(&step.Requests), t.checkSlices(step.Slices)); err != nil {
			return fmt.Errorf("step %q: %w", step.Name, err)
		}
	}
	if err := t.checkSlices(s.Slices); err != nil {
		return err
	}
	for i := range s.Iterations {
		if err := t.checkIterations(&s.Iterations[i]); err != nil {
			return fmt.Errorf("iterations of %q: %w", s.Iterations[i].Scenario, err)
		}
	}
	for _, n := range s.InFlight {
		if err := checkCounts(int64(n)); err != nil {
			return fmt.Errorf("in flight: %w", err)
		}
	}
	if err := checkSearch(s.Search); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	return checkSamples(slices.Concat(s.Failures, s.Slowest))
}

func (t *tally) checkGenerator(g *Generator) error {
	if g.HeldTo < 0 || math.IsInf(g.HeldTo, 0) {
		return fmt.Errorf("a rate of %g a second is out of range", g.HeldTo)
	}
	return cmp.Or(
		checkShares(g.CPU, g.Throttled),
		checkCounts(int64(g.Streams)),
		checkSpans(g.GCPause, g.ConnectionAge),
		t.count(g.UnsentOwn, g.Opened, g.Reused, g.Resumed, g.ClosedByPeer, g.Lateness.Total()),
		t.span(g.Pauses, g.ConnectionWait),
	)
}

func checkWorkload(w Workload) error {
	if err := known("model", w.Model, "closed", "open"); err != nil {
		return err
	}
	if err := checkCounts(w.Requests, int64(w.WorkersFrom), int64(w.WorkersTo)); err != nil {
		return err
	}
	if w.RateFrom < 0 || w.RateTo < 0 {
		return fmt.Errorf("rate %g to %g a second is negative", w.RateFrom, w.RateTo)
	}
	return checkSpans(w.Duration)
}

func (t *tally) checkRequests(q *Requests) error {
	if err := t.checkCounters(q.Counters); err != nil {
		return err
	}
	if err := t.count(q.Events); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	for status, n := range q.Status {
		if status < 100 || status > 999 {
			return fmt.Errorf("status: %d is not an HTTP status", status)
		}
		if err := t.count(n); err != nil {
			return fmt.Errorf("status %d: %w", status, err)
		}
	}
	if err := t.count(q.Redirects); err != nil {
		return fmt.Errorf("redirects: %w", err)
	}
	if err := t.span(time.Duration(q.BytesIn), time.Duration(q.BytesOut)); err != nil {
		return err
	}
	if err := t.count(q.Connect.Total(), q.TLS.Total(), q.FirstEvent.Total(), q.EventGap.Total(), q.RoundTrip.Total(), q.TTFB.Total()); err != nil {
		return fmt.Errorf("histograms: %w", err)
	}
	for name, h := range q.Measures {
		if got := h.Total(); got > q.Counters.Success {
			return fmt.Errorf("measure %.80q: the histogram holds %d numbers, there are %d successful requests", name, got, q.Counters.Success)
		}
	}
	return checkTotals(q)
}

// checkTotals compares each histogram with the counters that it was recorded
// beside. Connect has no counter.
func checkTotals(q *Requests) error {
	c := q.Counters
	for _, t := range []struct {
		name      string
		got, want int64
	}{
		{"response", q.Response.Total(), c.Judged()},
		{"service", q.Service.Total(), c.Judged()},
		{"on_time", q.OnTime.Total(), c.Judged()},
		{"ok", q.OK.Total(), c.Success},
	} {
		if t.got != t.want {
			return fmt.Errorf("%s: the histogram holds %d requests, the counters %d", t.name, t.got, t.want)
		}
	}
	return nil
}

func (t *tally) checkIterations(it *Iterations) error {
	if err := cmp.Or(t.checkCounters(it.Counters), t.checkSlices(it.Slices)); err != nil {
		return err
	}
	judged, success := it.Counters.Judged(), it.Counters.Success
	if got := it.Duration.Total(); got != judged || it.OnTime.Total() != judged || it.OK.Total() != success {
		return fmt.Errorf("the histograms hold %d, %d and %d iterations, the counters %d and %d successful ones",
			got, it.OnTime.Total(), it.OK.Total(), judged, success)
	}
	return nil
}

func (t *tally) checkSlices(list []Slice) error {
	for i, slice := range list {
		if err := t.checkSlice(slice, list[:i]); err != nil {
			return fmt.Errorf("slice %d: %w", i, err)
		}
	}
	return nil
}

func (t *tally) checkSlice(s Slice, before []Slice) error {
	if err := cmp.Or(checkSpans(s.Offset), t.span(s.Width), checkSpans(s.end())); err != nil {
		return err
	}
	if n := len(before); n > 0 && s.Offset <= before[n-1].Offset {
		return fmt.Errorf("offset %s does not follow %s", s.Offset, before[n-1].Offset)
	}
	if err := t.checkCounters(s.Counters); err != nil {
		return err
	}
	if err := t.checkCost(s.Cost); err != nil {
		return err
	}
	if got, want := s.Response.Total(), s.Counters.Judged(); got != want {
		return fmt.Errorf("response: the histogram holds %d requests, the counters %d", got, want)
	}
	return nil
}

func checkSamples(samples []Sample) error {
	for _, s := range samples {
		if new(Counters).Of(s.Class) == nil {
			return fmt.Errorf("sample: unknown class %.40q", s.Class)
		}
		if err := checkSpans(s.Offset, s.Response); err != nil {
			return fmt.Errorf("sample: %w", err)
		}
	}
	return nil
}

func checkJudgement(j *Judgement) error {
	if err := known("verdict", j.Verdict, Pass, Warn, Fail, Inconclusive); err != nil {
		return fmt.Errorf("judgement: %w", err)
	}
	for _, o := range j.Objectives {
		if err := known("verdict", o.Verdict, Pass, Warn, Fail, Inconclusive, Skipped, Shown); err != nil {
			return fmt.Errorf("objective %.80q: %w", o.Text, err)
		}
		c := cmp.Or(o.Comparison, &Comparison{})
		if err := cmp.Or(
			known("severity", o.Severity, "fail", "warn", "show"),
			checkSpans(o.Window, o.From, o.Until),
			checkCounts(o.Samples, int64(o.Line), int64(o.Column), int64(c.Runs), int64(c.Pairs)),
		); err != nil {
			return fmt.Errorf("objective %.80q: %w", o.Text, err)
		}
	}
	if b := j.Baseline; b != nil {
		if err := checkCounts(int64(b.Runs), int64(b.Covered), int64(b.Relative)); err != nil {
			return fmt.Errorf("judgement: baseline: %w", err)
		}
	}
	for i, e := range j.Earlier {
		for _, s := range e.Stages {
			if err := checkSpans(s.P95); err != nil {
				return fmt.Errorf("earlier result %d: stage %q: %w", i, s.Name, err)
			}
			if s.Success < 0 || s.Success > 1 || s.Throughput < 0 {
				return fmt.Errorf("earlier result %d: stage %q: a number is out of range", i, s.Name)
			}
		}
	}
	return nil
}

// checkCounters also bounds their sum, because everything else is computed
// from sums of counters.
func (t *tally) checkCounters(c Counters) error {
	if err := checkCounts(c.Success, c.FailedCheck, c.BadStatus, c.Timeout, c.Refused, c.Reset,
		c.DNS, c.TLS, c.Protocol, c.Local, c.Cancelled, c.Unsent); err != nil {
		return fmt.Errorf("counters: %w", err)
	}
	if err := t.count(c.Due()); err != nil {
		return fmt.Errorf("counters: sum: %w", err)
	}
	return nil
}

func checkCounts(counts ...int64) error {
	for _, n := range counts {
		if n < 0 {
			return fmt.Errorf("the count %d is negative", n)
		}
		if n > maxCount {
			return fmt.Errorf("the count %d is more than a result can hold", n)
		}
	}
	return nil
}

func checkSpans(spans ...time.Duration) error {
	for _, d := range spans {
		if d < 0 || d > maxSpan {
			return fmt.Errorf("a duration or size of %d is out of range", int64(d))
		}
	}
	return nil
}

func known[T ~string](what string, word T, words ...T) error {
	if slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("unknown %s %.40q, known are %q", what, word, words)
}
