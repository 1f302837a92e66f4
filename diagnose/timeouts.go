package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// timeouts finds stages in which at least 1 % of the requests, so their p99,
// reached the timeout. Second signs are that they rise within the stage, a
// cascade, or with the load.
func timeouts(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		c := l.Counters
		if c.Timeout < 5 || 100*c.Timeout < c.Judged() {
			continue
		}
		found = append(found, doubt(timeoutFinding(v, l), l))
	}
	return found
}

func timeoutFinding(v *view, l level) result.Finding {
	c := l.Counters
	f := result.Finding{
		Rule:  "timeouts",
		Stage: l.Name,
		Title: "requests run into the timeout",
		Evidence: []string{fmt.Sprintf("%s of %s requests timed out (%s)%s: p99 is the timeout",
			quantity.Count(c.Timeout), quantity.Count(c.Judged()), quantity.Share(share(c)), after(timeoutOf(l.Stage)))},
		Suggestion: []string{
			"make the service give up as soon as its client has: work on a request that nobody waits for delays all others",
			fmt.Sprintf("accept less: %s succeeded, refuse what is above with 429", quantity.Rate(perSecond(c.Success, l.Duration))),
		},
		Disproof: "the same share of timeouts under a small load: then single requests hang, whatever the load",
		Since:    firstSlice(l.Stage, func(c result.Counters) int64 { return c.Timeout }),
	}
	var signs []string
	if first, last, n := trend(l.Stage); l.even() && rises(first, last) {
		f.Title = "timeouts cascade: each one makes the next more likely"
		signs = append(signs, fmt.Sprintf("they rise within the stage: %s of the requests in its first %s, %s in its last", quantity.Share(share(first)), n, quantity.Share(share(last))))
	}
	if before, ok := v.lighter(l); ok && share(c) > 2*share(before.Counters) && share(c)-share(before.Counters) > 0.01 {
		signs = append(signs, fmt.Sprintf("they rise with the load: %s at %s, %s at %s",
			quantity.Share(share(before.Counters)), before.offered(), quantity.Share(share(c)), l.offered()))
	}
	return signed(f, signs)
}

// firstSlice is where the first slice begins in which a counter counts.
func firstSlice(s *result.Stage, of func(result.Counters) int64) time.Duration {
	for _, slice := range s.Slices {
		if of(slice.Counters) > 0 {
			return slice.Offset
		}
	}
	return 0
}

func after(timeout time.Duration) string {
	if timeout == 0 {
		return ""
	}
	return " after " + quantity.Duration(timeout)
}

// timeoutOf is the timeout as the kept samples show it, 0 where none does.
func timeoutOf(s *result.Stage) (timeout time.Duration) {
	for _, f := range s.Failures {
		if f.Class == result.Timeout && (timeout == 0 || f.Response < timeout) {
			timeout = f.Response
		}
	}
	return timeout
}

func share(c result.Counters) float64 {
	if c.Judged() == 0 {
		return 0
	}
	return float64(c.Timeout) / float64(c.Judged())
}

// trend returns the counters of the first and the last third of a stage, and
// how long a third is in words.
func trend(s *result.Stage) (first, last result.Counters, third string) {
	n := len(s.Slices) / 3
	for i := range n {
		first.Add(s.Slices[i].Counters)
		last.Add(s.Slices[len(s.Slices)-1-i].Counters)
	}
	return first, last, quantity.Duration(s.Duration / 3)
}

// rises wants twice the share or 20 points more, and five more than the first
// share explains.
func rises(first, last result.Counters) bool {
	expected := share(first) * float64(last.Judged())
	more := share(last) > 2*share(first) || share(last) > share(first)+0.2
	return more && float64(last.Timeout) >= expected+5
}

// lighter returns the nearest level of the same series with less load.
func (v *view) lighter(l level) (before level, ok bool) {
	for _, s := range v.series {
		for _, step := range s.steps() {
			if step[1].Stage == l.Stage {
				return step[0], true
			}
		}
	}
	return level{}, false
}
