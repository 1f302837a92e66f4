package diagnose

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// collapse finds a stage that does less than the lighter one before it and
// fails more: throughput below 0.95, success rate lower by more than a point.
func collapse(v *view) []result.Finding {
	var found []result.Finding
	for _, s := range v.series {
		for _, step := range s.steps() {
			if collapsed(step[0], step[1]) && !s.returns(step[1], 0.95*step[0].throughput) {
				found = append(found, doubt(collapseFinding(step[0], step[1]), step[1]))
			}
		}
	}
	return found
}

func collapsed(before, after level) bool {
	return after.throughput < 0.95*before.throughput && before.ok-after.ok > 0.01
}

// collapses reports whether [collapse] has a finding of a level.
func (s series) collapses(l level) bool {
	for _, step := range s.steps() {
		if step[1].Stage == l.Stage && collapsed(step[0], step[1]) {
			return true
		}
	}
	return false
}

func collapseFinding(before, after level) result.Finding {
	lost := perSecond(after.Counters.Judged()-after.Counters.Success, after.Duration)
	return sure(result.Finding{
		Rule:  "collapse",
		Stage: after.Name,
		Title: fmt.Sprintf("the service collapses between %s: it does less and fails more", between(before, after)),
		Evidence: []string{
			fmt.Sprintf("throughput %s to %s (%s)", quantity.Rate(before.throughput), quantity.Rate(after.throughput), change(before.throughput, after.throughput)),
			fmt.Sprintf("success rate %s to %s (%s): %s failed",
				quantity.Share(before.ok), quantity.Share(after.ok), quantity.Change(after.ok-before.ok, true), quantity.Rate(lost)),
			fmt.Sprintf("of successful requests mean %s to %s (%s), p99 %s to %s (%s)",
				quantity.Duration(before.mean), quantity.Duration(after.mean), change(before.mean.Seconds(), after.mean.Seconds()),
				quantity.Duration(before.p99), quantity.Duration(after.p99), change(before.p99.Seconds(), after.p99.Seconds())),
		},
		Suggestion: []string{
			fmt.Sprintf("refuse early: answer 429 above %s instead of working on requests that time out", quantity.Rate(before.throughput)),
			"bound the queue in front of the service, so that no request waits longer than its client does",
			"see that clients retry with growing pauses: retries add load exactly now",
		},
		Disproof: fmt.Sprintf("a repeated run with at least %s and %s of success at %s", quantity.Rate(before.throughput), quantity.Share(before.ok), after.offered()),
	}, 2)
}
