package diagnose

import (
	"fmt"
	"math"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// coldFactor is from which on a beginning is slow: less is within what a
// connection's first request costs.
const coldFactor = 1.5

// coldStage is how long a stage must be for its beginning to be told from the
// rest.
const coldStage = 15 * time.Second

// warmUp finds a first judged stage whose service had not warmed up yet: its
// first slices are slower than what it settles to. Second signs are that they
// cost more processor time, that they fail more, and that the slowness wears
// off step by step.
func warmUp(v *view) []result.Finding {
	if len(v.stages) == 0 {
		return nil
	}
	l := v.stages[0]
	c := l.course(lnMedian)
	if !l.even() || c.len() < courseSlices || l.Duration < coldStage {
		return nil
	}
	settled, ok := stats.WarmUp(c.value)
	if !ok || settled < 2 {
		return nil // one slow slice is what connections cost
	}
	slow := stats.Median(c.value[:settled]) - stats.Median(c.value[c.len()/2:])
	if slow < math.Log(coldFactor) {
		return nil
	}
	f := warmUpFinding(l, c, settled)
	if f.Note && settled < 3 {
		return nil
	}
	return []result.Finding{doubt(f, l)}
}

func warmUpFinding(l level, c course, settled int) result.Finding {
	took := l.Slices[c.slices[settled]].Offset
	before := time.Duration(math.Exp(stats.Median(c.value[:settled])) * 1e9)
	after := time.Duration(math.Exp(stats.Median(c.value[c.len()/2:])) * 1e9)
	counted, _ := sum(l.Slices[:c.slices[settled]])
	f := result.Finding{
		Rule:  "warm-up",
		Stage: l.Name,
		Title: fmt.Sprintf("the service warms up in the first %s: they are judged with the rest", quantity.Duration(took)),
		Evidence: []string{fmt.Sprintf("the median response time is %s in the first %s, %s in the second half of the stage (%s)",
			quantity.Duration(before), quantity.Duration(took), quantity.Duration(after), change(after.Seconds(), before.Seconds()))},
		Suggestion: []string{
			fmt.Sprintf("load it before: a stage of %s with judge: false in front of this one; %s of %s judged requests fell into the warm-up",
				quantity.Duration(2*took), quantity.Count(counted.Judged()), quantity.Count(l.Counters.Judged())),
			"let the readiness probe wait until caches, pools and compiled code are ready, where users meet the cold service too",
		},
		Disproof: "the same slow beginning after a stage with judge: false: then something else happens at this time",
	}
	return signed(f, coldSigns(l, c, settled))
}

func coldSigns(l level, c course, settled int) []string {
	var signs []string
	n := c.slices[settled]
	if first, rest, ok := l.course(work).within(n); ok && first > 1.25*rest {
		signs = append(signs, fmt.Sprintf("a request costs %s of processor time at first, %s later (%s)",
			millis(first), millis(rest), change(rest, first)))
	}
	early, _ := sum(l.Slices[:n])
	later, _ := sum(l.Slices[n:])
	if failed(early)-failed(later) > 0.01 {
		signs = append(signs, fmt.Sprintf("%s of the requests fail at first, %s later", quantity.Share(failed(early)), quantity.Share(failed(later))))
	}
	if falls(c.value[:settled]) {
		signs = append(signs, "it wears off step by step: each part of the beginning is faster than the one before")
	}
	return signs
}

// falls reports whether each third of some values lies below the one before, by
// a tenth in all.
func falls(x []float64) bool {
	n := len(x) / 3
	if n == 0 {
		return false
	}
	a, b, c := stats.Median(x[:n]), stats.Median(x[n:len(x)-n]), stats.Median(x[len(x)-n:])
	return a > b && b > c && a-c > math.Log(1.1)
}
