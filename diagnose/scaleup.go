package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// missingTime is for how long pods may be missing before it is looked at.
const missingTime = 3 * time.Second

// slowScaleUp finds stages that failed while the pods were still missing that
// the autoscaler then added, and no more once they were there. That is the second
// sign; a third is that the median was twice as long.
func slowScaleUp(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if f, ok := v.scaleUp(l); ok {
			found = append(found, doubt(f, l))
		}
	}
	return found
}

func (v *view) scaleUp(l level) (result.Finding, bool) {
	from, to, ok := v.growth(l)
	took := to.At.Sub(l.Start)
	if !ok || took < missingTime || !l.even() {
		return result.Finding{}, false
	}
	var within, after []result.Slice
	for _, s := range l.Slices {
		if l.Start.Add(s.Offset).Before(to.At) {
			within = append(within, s)
		} else {
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
		Title: fmt.Sprintf("scaling came too late: %s requests failed in the %s before %s were ready", quantity.Count(lost), quantity.Duration(took.Round(time.Second)), plural(float64(to.Ready), "replica")),
		Evidence: []string{fmt.Sprintf("%d of %d replicas were ready at the stage's start, all of them %s later",
			from.Ready, to.Ready, quantity.Duration(took.Round(time.Second)))},
		Suggestion: v.scaleSuggestion(from, to, took),
		Disproof:   "the same stage with all replicas from the beginning that fails as much",
	}
	signs := []string{fmt.Sprintf("the failures end with it: %s before, %s after", quantity.Share(failed(w)), quantity.Share(failed(a)))}
	m, _ := slow.Quantile(1, 2)
	n, _ := fast.Quantile(1, 2)
	if m > 2*n {
		signs = append(signs, fmt.Sprintf("the median response time falls from %s to %s", quantity.Duration(m), quantity.Duration(n)))
	}
	return signed(f, signs), true
}

func (v *view) scaleSuggestion(from, to result.ClusterSample, took time.Duration) []string {
	return []string{
		fmt.Sprintf("begin with more pods: in the autoscaler %s: spec: {minReplicas: %d}", v.timeline.Name, to.Ready),
		fmt.Sprintf("scale earlier: a lower target than now adds pods before %s are full", plural(float64(from.Ready), "replica")),
		fmt.Sprintf("shorten the %s: a smaller image, a readiness probe that looks more often, no stabilisation window for scaling up", quantity.Duration(took.Round(time.Second))),
		"refuse with 429 what the pods that are there cannot do, until the others are",
	}
}
