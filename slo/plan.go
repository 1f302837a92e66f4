package slo

import (
	"math"
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
	switch {
	case o.Indicator.Clock != IterationTime:
		return f.PerIteration(o.Scope)
	case o.Scope.Scenario == "":
		return 1
	}
	return f.ShareOf(o.Scope.Scenario)
}

// PerIteration is how many requests of a scope one iteration makes on average
// when every step succeeds.
func (f *File) PerIteration(s Scope) float64 {
	return f.onAverage(func(sc Scenario) int { return sc.requests(s) })
}

// PerStart is how many requests a user makes on average before its first
// iteration of a scenario.
func (f *File) PerStart() float64 {
	return f.onAverage(func(sc Scenario) int { return requestsIn(sc.Start) })
}

// ShareOf is the part of the iterations that are passes of a scenario.
func (f *File) ShareOf(scenario string) float64 {
	return f.onAverage(func(sc Scenario) int {
		if sc.Name == scenario {
			return 1
		}
		return 0
	})
}

// onAverage is the mean of a number over the scenarios, by their weights.
func (f *File) onAverage(number func(Scenario) int) float64 {
	sum, weights := 0, 0
	for _, sc := range f.Scenarios {
		weights += max(sc.Weight, 1)
		sum += max(sc.Weight, 1) * number(sc)
	}
	return float64(sum) / float64(max(weights, 1))
}

// requests is how many of a scope an iteration makes when every step succeeds.
func (sc Scenario) requests(s Scope) int {
	n := 0
	for _, step := range sc.Steps {
		if step.Request != nil && s.Covers(sc.Name, step.Request.Name) {
			n++
		}
	}
	return n
}

func requestsIn(steps []Step) int {
	n := 0
	for _, step := range steps {
		if step.Request != nil {
			n++
		}
	}
	return n
}

// longest is how many requests the iteration with the most makes.
func (f *File) longest() int {
	most := 0
	for _, sc := range f.Scenarios {
		most = max(most, requestsIn(sc.Steps))
	}
	return most
}

// Peak is how many requests a second an open stage may send at most, redirects
// included: each arrival may find no user that is free, and begin one.
func (f *File) Peak(s Stage) float64 {
	in := f.In(s)
	return max(s.Workload.RateFrom, s.Workload.RateTo) * (in.PerIteration(Scope{}) + in.PerStart()) * f.HTTP.Sent()
}

// Requests is how many a stage plans, where that is known before: a count, or a
// rate whose scenarios all have the same number of requests. Poisson arrivals
// vary around it.
func (f *File) Requests(s Stage) (n int64, known bool) {
	if s.Workload.Model == Closed {
		return s.Workload.Requests, s.Workload.Requests > 0
	}
	in := f.In(s)
	each := in.longest()
	for _, sc := range in.Scenarios {
		if requestsIn(sc.Steps) != each {
			return 0, false
		}
	}
	return int64(s.Workload.Due()) * int64(each), true
}

// Expected is how many requests, or iterations, an objective looks at in a stage
// on average: those of its scope, in the window with the lowest rate where it is
// for windows. It is not known of workers that send as many as they can.
func (f *File) Expected(o Objective, s Stage) (n float64, known bool) {
	w, in := s.Workload, f.In(s)
	each, all := in.PerArrival(o), in.PerIteration(Scope{})
	switch {
	case w.Model == Open && o.Window > 0:
		low, high := min(w.RateFrom, w.RateTo), max(w.RateFrom, w.RateTo)
		part := o.Window.Seconds() / w.Duration.Seconds()
		return (low + (high-low)*part/2) * o.Window.Seconds() * each, true
	case w.Model == Open:
		return w.Due() * each, true
	case w.Requests > 0 && o.Window == 0 && all > 0:
		return float64(w.Requests) * each / all, true
	}
	return 0, false
}

// Due is how many arrivals an open workload plans: the integral of its rate.
func (w Workload) Due() float64 { return (w.RateFrom + w.RateTo) / 2 * w.Duration.Seconds() }

// MostIterations is how many the stage begins at most, where that is known. Every
// worker of a counted stage begins one more, for which no request is left.
// Poisson arrivals exceed their mean by six standard deviations
// once in a thousand million runs.
func (s Stage) MostIterations() (int64, bool) {
	w := s.Workload
	if w.Search {
		return 0, false
	}
	if w.Model == Closed {
		return w.Requests + int64(max(w.WorkersFrom, w.WorkersTo)), w.Requests > 0
	}
	due := w.Due()
	if w.Arrivals == Poisson {
		due += 6 * math.Sqrt(due)
	}
	return int64(math.Ceil(due)), true
}

// Planned is how long the workload is planned to last; 0 where that is not
// known before, as for a number of requests.
func (w Workload) Planned() time.Duration {
	if w.Requests > 0 {
		return 0
	}
	return w.Duration
}
