package diagnose

import (
	"fmt"
	"math"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// driftOK is the success rate below which a median says how many requests
// failed: these count with their timeout.
const driftOK = 0.98

// drifting finds stages in which the median response time rises under a constant
// load, by a fifth from the first third to the last. The second sign is that a request
// costs more and more processor time. A queue that grows has a finding of its own.
func drifting(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		c := l.course(lnMedian)
		if !l.even() || c.len() < courseSlices || backlog(l).grows || l.ok < driftOK {
			continue
		}
		tau, p := stats.KendallTau(c.value)
		first, last := c.thirds()
		if tau <= 0 || p >= 0.01 || last-first < math.Log(1.2) {
			continue
		}
		f := driftFinding(l, first, last, p)
		if !f.Note || p < 0.001 && last-first >= math.Log(1.5) {
			found = append(found, doubt(f, l))
		}
	}
	return found
}

func driftFinding(l level, first, last, p float64) result.Finding {
	f := result.Finding{
		Rule:  "drifting",
		Stage: l.Name,
		Title: fmt.Sprintf("the service becomes slower under a constant load: %s from the first third of the stage to the last", change(math.Exp(first), math.Exp(last))),
		Evidence: []string{fmt.Sprintf("the median response time rises from %s to %s (Kendall's test: without a trend one stage in %s looks like this)",
			seconds(math.Exp(first)), seconds(math.Exp(last)), quantity.Number(math.Round(1/max(p, 1e-6))))},
		Suggestion: []string{
			"look for work that grows with what came before: a list that is searched, a table without an index, a log that is rewritten",
			"run a longer stage: where it does not level off, no length of a test gives a figure that holds",
		},
		Disproof: "a longer stage in which the median levels off, or falls again: then it was a neighbour, or warming up",
	}
	var signs []string
	if c := l.course(work); c.len() >= courseSlices {
		if a, b := c.thirds(); b > 1.2*a {
			signs = append(signs, fmt.Sprintf("a request costs more and more processor time: %s at first, %s at last (%s)", millis(a), millis(b), change(a, b)))
		}
	}
	return signed(f, signs)
}
