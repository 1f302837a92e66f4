package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// tailSamples is how many successful requests a p99 needs on each side: five
// lie above it.
const tailSamples = 500

// tailExplodes finds a p99 more than three times that of the lighter stage
// before, while the throughput rises by less than 20 %: the time went into
// waiting, not into work. Where a heavier stage is fast again it was no matter
// of load.
func tailExplodes(v *view) []result.Finding {
	var found []result.Finding
	for _, s := range v.series {
		for _, step := range s.steps() {
			before, after := step[0], step[1]
			enough := min(before.OK.Total(), after.OK.Total()) >= tailSamples
			explodes := after.p99 > 3*before.p99 && after.throughput < 1.2*before.throughput
			if enough && explodes && !s.fastAgain(after, 3*before.p99) {
				found = append(found, doubt(tailFinding(before, after), after))
			}
		}
	}
	return found
}

// fastAgain reports whether a heavier level has a p99 of at most d.
func (s series) fastAgain(after level, d time.Duration) bool {
	return slices.ContainsFunc(s, func(l level) bool { return l.load > after.load && l.p99 <= d })
}

func tailFinding(before, after level) result.Finding {
	return sure(result.Finding{
		Rule:  "tail-explodes",
		Stage: after.Name,
		Title: fmt.Sprintf("the slowest requests wait: p99 is %s that of the stage before", factor(after.p99.Seconds()/before.p99.Seconds())),
		Evidence: []string{
			fmt.Sprintf("p99 of successful requests %s to %s (%s)", quantity.Duration(before.p99), quantity.Duration(after.p99), change(before.p99.Seconds(), after.p99.Seconds())),
			fmt.Sprintf("throughput %s to %s (%s) for %s more load", quantity.Rate(before.throughput), quantity.Rate(after.throughput),
				change(before.throughput, after.throughput), change(before.load, after.load)),
		},
		Suggestion: []string{
			fmt.Sprintf("bound the queue: at %s a request that finds more than %s before it waits longer than the %s that p99 was",
				quantity.Rate(before.throughput), plural(float64(int(before.throughput*before.p99.Seconds())), "other"), quantity.Duration(before.p99)),
			"give the service more capacity, or less to do for each request",
		},
		Disproof: fmt.Sprintf("a service time inside the service that grew as much: then the work itself became slower between %s", between(before, after)),
	}, 2)
}
