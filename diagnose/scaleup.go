package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/result"
)

// missingTime is for how long pods may be missing before it is looked at.
const missingTime = 3 * time.Second

// slowScaleUp finds stages that failed while the pods were still missing that
// the autoscaler had asked for, and no more once they were there. That is the
// second sign; a third is that the median was twice as long.
func slowScaleUp(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if f, ok := v.scaleUp(l); ok {
			found = append(found, doubt(f, l))
		}
	}
	return found
}

// transition is the first time in a stage in which fewer pods were ready than
// the autoscaler wanted within its limits, and grew to that number.
func (v *view) transition(l level) (from, to result.ClusterSample, ok bool) {
	open := false
	for _, s := range v.during(l) {
		want := s.Wanted
		if ceiling := v.timeline.Limits.MaxReplicas; ceiling > 0 {
			want = min(want, ceiling)
		}
		switch want = max(want, s.Desired); {
		case !open && s.Ready < want:
			from, open = s, true
		case open && s.Ready >= want:
			return from, s, s.Ready > from.Ready
		}
	}
	return from, to, false
}

func (v *view) scaleUp(l level) (result.Finding, bool) {
	from, to, ok := v.transition(l)
	took := to.At.Sub(from.At)
	if !ok || took < missingTime || !l.even() {
		return result.Finding{}, false
	}
	var within, after []result.Slice
	for _, s := range l.Slices {
		switch at := l.Start.Add(s.Offset); {
		case at.Before(to.At):
			within = append(within, s)
		default:
			after = append(after, s)
		}
	}
	w, slow := sum(within)
	a, fast := sum(after)
	lost := w.Judged() - w.Success
	if a.Judged() < 5 || lost < 5 || failed(w) < 0.01 || failed(w) < 3*failed(a) {
		return result.Finding{}, false
	}
	f := result.Finding{
		Rule:  "slow-scale-up",
		Stage: l.Name,
		Since: since(l, from.At),
		Title: fmt.Sprintf("scaling came too late: %d requests failed before %s were ready", lost, plural(float64(to.Ready), "replica")),
		Evidence: []string{fmt.Sprintf("%d of %d replicas were ready %s after the stage's start, all only %s later",
			from.Ready, to.Ready, span(since(l, from.At)), span(took.Round(time.Second)))},
		Suggestion: v.scaleSuggestion(from, to, took),
		Disproof:   "the same stage with all replicas from the beginning that fails as much",
	}
	signs := []string{fmt.Sprintf("the failures end with it: %s before, %s after", percent(failed(w)), percent(failed(a)))}
	m, _ := slow.Quantile(1, 2)
	n, _ := fast.Quantile(1, 2)
	if m > 2*n {
		signs = append(signs, fmt.Sprintf("the median response time falls from %s to %s", span(m), span(n)))
	}
	return signed(f, signs), true
}

func (v *view) scaleSuggestion(from, to result.ClusterSample, took time.Duration) []string {
	return []string{
		fmt.Sprintf("begin with more pods: in the autoscaler %s: spec: {minReplicas: %d}", v.timeline.Name, to.Ready),
		fmt.Sprintf("scale earlier: a lower target than now adds pods before %s are full", plural(float64(from.Ready), "replica")),
		fmt.Sprintf("shorten the %s: a smaller image, a readiness probe that looks more often, no stabilisation window for scaling up", span(took.Round(time.Second))),
		"refuse with 429 what the pods that are there cannot do, until the others are",
	}
}
