// Package diagnose says why a run went as it did. In comes a [result.Run], out
// come findings: a cause, its evidence in numbers of this run, what to change
// in order of effort, and what would show that the finding is wrong.
//
// Each rule is a file and a function. A rule looks at the judged stages that
// ran to their end or were stopped because of the service; ramps are looked at
// one by one only, because they have no single load. Rules that compare stages
// do so in order of load, closed stages by their workers and open ones by
// their rate, never one with the other: workers slow down with the service,
// arrivals do not.
//
// A finding needs two independent signs; one sign alone is a note. A healthy
// run gives none: silence is part of the answer. The formulas are those of
// operational analysis (Denning and Buzen, The Operational Analysis of Queueing
// Network Models, 1978).
//
// Texts hold names from outside as they are; whoever writes them escapes them.
package diagnose

import (
	"cmp"
	"slices"

	"github.com/slogate/slogate/result"
)

// A rule looks for one cause.
type rule func(*view) []result.Finding

// rules in the order of their findings: what limits the service first, then
// how it shows.
var rules = [...]rule{
	restarts,
	outage,
	replicaCeiling,
	pendingPods,
	cpuLimit,
	slowScaleUp,
	unevenPods,
	connectionLimit,
	saturation,
	overrun,
	collapse,
	retrograde,
	tailExplodes,
	timeouts,
	unboundedQueue,
	errorsBegin,
	memoryGrowth,
	periodicStalls,
	drifting,
	warmUp,
	dip,
	littlesLaw,
	generatorLate,
	hotter,
	scaled,
}

// Find returns what the run shows beside its verdict: findings first, then
// notes.
func Find(r *result.Run) []result.Finding {
	v := newView(r)
	var found []result.Finding
	for _, rule := range rules {
		found = append(found, rule(v)...)
	}
	slices.SortStableFunc(found, func(a, b result.Finding) int {
		return cmp.Compare(rank(a), rank(b))
	})
	return found
}

func rank(f result.Finding) int {
	if f.Note {
		return 1
	}
	return 0
}

// sure says how sure a finding is that so many independent signs speak for.
func sure(f result.Finding, signs int) result.Finding {
	switch {
	case signs < 2:
		f.Note, f.Confidence = true, result.Low
	case signs == 2:
		f.Confidence = result.Medium
	default:
		f.Confidence = result.High
	}
	return f
}

// signed adds what else speaks for a finding, each text a sign of its own beside
// the one that made it.
func signed(f result.Finding, signs []string) result.Finding {
	f.Evidence = append(f.Evidence, signs...)
	return sure(f, 1+len(signs))
}
