package slo

import (
	"slices"
	"time"
)

// This file says what follows from a file before it is run.

// How finely a stage's measurements are kept in time. The rules stand here
// because a plan must be told before it runs that it asks for more.
const (
	// sliceWidth is that of a usual stage: shorter than what a person would call
	// a disturbance, long enough for a number of requests.
	sliceWidth = time.Second
	// SliceCount is how many slices a stage has at least: fewer than 16 batches
	// say too little of how requests depend on each other.
	SliceCount = 16
	// StepSliceCount is how many a step has at most. With it, the result of an
	// hour at 1,000/s with ten steps has 6 MB in one stage and 11 in ten of them;
	// with fewer, windows would have to be longer than the disturbances that they
	// are meant for.
	StepSliceCount = 120
)

// SliceWidth is how wide the slices of a stage are that is planned to last so
// long: a second, or a sixteenth of a stage shorter than 16 s.
func SliceWidth(planned time.Duration) time.Duration {
	if planned < SliceCount*sliceWidth {
		return (planned + SliceCount - 1) / SliceCount
	}
	return sliceWidth
}

// StepSliceWidth is how wide the slices of a single step are: those of the
// stage, or in a stage of more than two minutes as wide as it takes for at most
// [StepSliceCount] of them, in a round number.
func StepSliceWidth(planned time.Duration) time.Duration {
	if planned <= StepSliceCount*sliceWidth {
		return SliceWidth(planned)
	}
	for _, seconds := range []time.Duration{2, 5, 10, 15, 30, 60, 120, 300, 600} {
		if width := seconds * time.Second; StepSliceCount*width >= planned {
			return width
		}
	}
	return maxDuration / (StepSliceCount / 2) // 24 min, more than any stage needs
}

// In returns the file with the scenarios alone that a stage loads.
func (f *File) In(s Stage) *File {
	in := *f
	in.Scenarios = slices.DeleteFunc(slices.Clone(f.Scenarios), func(sc Scenario) bool { return !s.Loads(sc.Name) })
	return &in
}

// PerArrival is how many of what an objective counts one iteration gives on
// average when every step succeeds: requests of its scope, or iterations of its
// scenario.
func (f *File) PerArrival(o Objective) float64 {
	if o.Indicator.Clock != IterationTime {
		return f.PerIteration(o.Scope)
	}
	chosen, weights := 0, 0
	for _, sc := range f.Scenarios {
		weights += max(sc.Weight, 1)
		if o.Scope.Covers(sc.Name, "") {
			chosen += max(sc.Weight, 1)
		}
	}
	return float64(chosen) / float64(max(weights, 1))
}

// PerIteration is how many requests of a scope one iteration makes on average
// when every step succeeds.
func (f *File) PerIteration(s Scope) float64 {
	requests, weights := 0.0, 0.0
	for _, sc := range f.Scenarios {
		weight := float64(max(sc.Weight, 1))
		weights += weight
		for _, step := range sc.Steps {
			if step.Request != nil && s.Covers(sc.Name, step.Request.Name) {
				requests += weight
			}
		}
	}
	if weights == 0 {
		return 0
	}
	return requests / weights
}

// Planned is how long the workload is planned to last; 0 where that is not
// known before, as for a number of requests.
func (w Workload) Planned() time.Duration {
	if w.Requests > 0 {
		return 0
	}
	return w.Duration
}
