package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// gone is a spell in which no request succeeded, in slices from to before until.
type gone struct {
	from, until int
	counters    result.Counters
}

// outages are the spells of a stage of at least two slices and five requests in
// which nothing succeeded, while most of the other requests did.
func outages(l level) []gone {
	var all []gone
	start := -1
	for i := range len(l.Slices) + 1 {
		if i < len(l.Slices) && l.Slices[i].Counters.Success == 0 && l.Slices[i].Counters.Judged() > 0 {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 && i-start >= 2 {
			c, _ := sum(l.Slices[start:i])
			all = append(all, gone{start, i, c})
		}
		start = -1
	}
	var kept []gone
	for _, g := range all {
		hangs := 2*g.counters.Timeout > g.counters.Judged() // [timeouts] tells it
		own := g.counters.Local + min(g.counters.Unsent, l.Generator.UnsentOwn)
		notAsked := 2*own > g.counters.Judged()
		if g.counters.Judged() >= 5 && !hangs && !notAsked && l.worksBeside(g) {
			kept = append(kept, g)
		}
	}
	return kept
}

// worksBeside reports whether at least half of the requests outside of an outage
// succeeded, and five of them.
func (l level) worksBeside(g gone) bool {
	success := l.Counters.Success - g.counters.Success
	judged := l.Counters.Judged() - g.counters.Judged()
	return success >= 5 && 2*success >= judged
}

// outage finds spells in which the service did not answer at all. The second
// sign is how: nothing listened, or connections were closed on it, or the pods
// were not ready.
func outage(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		for _, g := range outages(l) {
			found = append(found, doubt(g.finding(v, l), l))
			break // the first one of a stage
		}
	}
	return found
}

func (g gone) finding(v *view, l level) result.Finding {
	from, until := l.Slices[g.from].Offset, end(l.Slices[g.until-1])
	f := result.Finding{
		Rule:  "outage",
		Stage: l.Name,
		Since: from,
		Title: fmt.Sprintf("the service does not answer from %s to %s", quantity.Duration(from), quantity.Duration(until)),
		Evidence: []string{fmt.Sprintf("none of %s requests succeeded between %s and %s, %s of the others did",
			quantity.Count(g.counters.Judged()), quantity.Duration(from), quantity.Duration(until),
			quantity.Share(float64(l.Counters.Success)/float64(l.Counters.Judged()-g.counters.Judged())))},
		Suggestion: []string{
			fmt.Sprintf("look why it ended: its log and exit status at %s, the kernel's log for a lack of memory", l.Start.Add(from).UTC().Format("15:04:05")),
			"let a second instance answer while one is replaced, and end it only after it has left the balancer",
		},
		Disproof: "a log of the service with requests that it served in this time: then the way to it was broken",
	}
	var signs []string
	if n := g.counters.Refused + g.counters.Reset; 2*n > g.counters.Judged() {
		signs = append(signs, fmt.Sprintf("the process or its socket was gone: %s refused and %s reset connections", quantity.Count(g.counters.Refused), quantity.Count(g.counters.Reset)))
	}
	if n := v.restartsIn(l); n > 0 {
		signs = append(signs, plural(float64(n), "container")+" restarted in this stage")
	}
	if s, ok := v.unready(l, from, until); ok {
		signs = append(signs, fmt.Sprintf("no pod was ready %s after the stage's start", quantity.Duration(since(l, s.At))))
	}
	return signed(f, signs)
}

// unready returns a sample of a part of a stage in which no pod was ready.
func (v *view) unready(l level, from, until time.Duration) (result.ClusterSample, bool) {
	for _, s := range v.during(l) {
		if at := s.At.Sub(l.Start); at >= from && at <= until && s.Ready == 0 {
			return s, true
		}
	}
	return result.ClusterSample{}, false
}
