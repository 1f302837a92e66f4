package diagnose

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	// keptUp is the share of due requests that succeed where a service keeps up
	// with its arrivals, overran the share where it clearly does not.
	keptUp  = 0.98
	overran = 0.9
)

// overrun finds open stages with more arrivals than the service can serve,
// although a lighter one was served: its capacity is what it served. Where a
// heavier stage shows the plateau too, [saturation] tells it. Second signs are a
// response time that grows faster than the load, and a queue that grows.
func overrun(v *view) []result.Finding {
	var found []result.Finding
	for _, s := range v.series {
		if _, ok := s.plateau(); ok {
			continue
		}
		for _, step := range s.steps() {
			before, l := step[0], step[1]
			if l.open() && before.ok >= keptUp && l.ok < overran {
				if f := overrunFinding(before, l); !f.Note {
					found = append(found, doubt(f, l))
				}
				break // the errors of what follows come from the same limit
			}
		}
	}
	return found
}

func overrunFinding(before, l level) result.Finding {
	due := perSecond(l.Counters.Due(), l.Duration)
	f := result.Finding{
		Rule:  "saturated",
		Stage: l.Name,
		Title: fmt.Sprintf("the service is saturated: capacity is about %s, reached between %s", quantity.Rate(l.throughput), between(before, l)),
		Evidence: []string{fmt.Sprintf("%s of the requests at %s succeeded, %s at %s: %s of %s",
			quantity.Share(before.ok), before.offered(), quantity.Share(l.ok), l.offered(), quantity.Rate(l.throughput), quantity.Rate(due))},
		Suggestion: append([]string{fmt.Sprintf("more capacity (replicas, CPU limit): %s are due, %s what there is", quantity.Rate(due), factor(due/l.throughput))},
			relief(l.throughput, due)...),
		Disproof: fmt.Sprintf("a run with twice the replicas or CPU that also stays at about %s: then something else is the limit, such as a lock, a database or the generator", quantity.Rate(l.throughput)),
	}
	if text := l.busy(before); text != "" {
		f.Evidence = append(f.Evidence, text)
	}
	var signs []string
	if g := elasticity(before.mean.Seconds(), l.mean.Seconds(), before.load, l.load); g >= 1 {
		signs = append(signs, fmt.Sprintf("requests wait in a queue: the mean of successful requests grows faster than the load, %s to %s (%s)",
			quantity.Duration(before.mean), quantity.Duration(l.mean), change(before.mean.Seconds(), l.mean.Seconds())))
	}
	if q := backlog(l); q.grows {
		signs = append(signs, q.text())
	}
	return signed(f, signs)
}
