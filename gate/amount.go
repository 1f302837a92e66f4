package gate

import (
	"fmt"
	"math"
	"slices"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// judgeAmount judges a value beside earlier ones of which one or the other has
// no ln: counts of what should not happen, and what has fallen to 0. A bound
// that is met passes. One that is missed by an amount that the file names, or by
// a fall to 0, fails where it lies beyond what the earlier values differ by.
func judgeAmount(t *trial, logs []float64, out *result.JudgedObjective) (result.Verdict, string) {
	const noSize = "a change from 0, or of less than 0, has no size in percent"
	earlier := make([]float64, len(logs))
	for i, x := range logs {
		earlier[i] = math.Exp(x)
	}
	p := stats.Predict(earlier, countPrior(t.Indicator))
	if math.IsNaN(p.Centre) || math.IsNaN(p.Limit) || t.value < 0 {
		return undecided(t.Objective), noSize
	}
	t.Bound = relativeBound(t.Objective, p.Centre)
	describeAmount(t, p, len(earlier), out)
	if t.Severity == slo.Show {
		return result.Shown, ""
	}
	if coarse := t.tooCoarse(); coarse != "" {
		return result.Inconclusive, coarse
	}
	if met(t.Objective, t.value) {
		return result.Pass, ""
	}
	if why := t.generatorLimited(); why != "" {
		return result.Inconclusive, why
	}
	switch fell := t.value == 0 && sign(t.Objective) < 0; {
	case !fell && !slices.ContainsFunc(t.Relative, func(a slo.Tolerance) bool { return !a.Percent }):
		return result.Inconclusive, noSize + ": give the tolerance as a value"
	case sign(t.Objective)*(t.value-p.Centre) <= p.Limit:
		return result.Inconclusive, "earlier results differ by as much"
	}
	return t.miss(), fmt.Sprintf("it was %s in %s", quantity.Of(string(t.Indicator.Unit()), p.Centre), runsText(len(earlier)))
}

// countPrior is the standard deviation between runs that is assumed of a value
// before any is seen: 1 of what is counted, nothing of what is measured.
func countPrior(ind slo.Indicator) float64 {
	if ind.Unit() == slo.UnitCount {
		return 1
	}
	return 0
}

// describeAmount writes the bound, and the comparison where the change has a
// size: it is none, or all.
func describeAmount(t *trial, p stats.Prediction, runs int, out *result.JudgedObjective) {
	out.Bound = t.Bound
	switch {
	case t.value == p.Centre:
		out.Comparison = &result.Comparison{Baseline: p.Centre, Runs: runs}
	case t.value == 0:
		out.Comparison = &result.Comparison{Baseline: p.Centre, Runs: runs, Change: -1}
	}
}
