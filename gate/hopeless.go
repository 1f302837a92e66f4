package gate

import (
	"fmt"
	"math"
	"slices"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Hopeless returns the first objective with abort that a running stage has
// lost, and why: it cannot be met any more whatever follows, or it has been
// broken for the whole of its grace.
//
// Whatever follows is counted: the requests still to come of those planned are
// taken as immediate and successful, or as the opposite where the objective
// asks for high values. An open stage plans the integral of its rate times the
// steps of its longest scenario; a closed stage without a count plans nothing,
// and only objectives that no further request can mend are lost there, such as
// errors <= 5.
//
// Broken for its grace means that the value of the stage so far missed the
// bound at the end of every slice for that long. Slices keep counters and
// response times only, so an indicator made of anything else is judged by
// count alone.
func Hopeless(stage slo.Stage, live *result.Stage) (slo.Objective, string, bool) {
	if live == nil {
		return slo.Objective{}, "", false
	}
	for _, o := range stage.Objectives {
		if !o.Abort || o.Severity == slo.Show || len(o.Relative) > 0 {
			continue
		}
		if why, lost := lostByCount(o, stage.Workload, live); lost {
			return o, why, true
		}
		if why, lost := lostByGrace(o, live); lost {
			return o, why, true
		}
	}
	return slo.Objective{}, "", false
}

// lostByCount reports whether even the best end of the stage misses the bound.
func lostByCount(o slo.Objective, w slo.Workload, live *result.Stage) (string, bool) {
	planned := plannedRequests(w, live)
	best, ok := bestEnd(o, live, max(planned, live.Counters.Judged()))
	if !ok || met(o, best) {
		return "", false
	}
	unit := o.Indicator.Unit()
	text, _ := distinct(unit, best, o.Bound)
	return fmt.Sprintf("cannot be met any more: the stage would end at %s at best", text), true
}

// unplanned stands for a number of requests that no plan bounds: more than any
// generator sends in the longest stage, and still exact in a float64.
const unplanned = int64(1) << 36

// plannedRequests is the most requests that the stage may still come to.
func plannedRequests(w slo.Workload, live *result.Stage) int64 {
	switch {
	case w.Model == slo.Open:
		arrivals := (w.RateFrom + w.RateTo) / 2 * w.Duration.Seconds()
		if w.Arrivals == slo.Poisson {
			arrivals += 5 * math.Sqrt(arrivals) // one schedule in three million has more
		}
		return min(int64(math.Ceil(arrivals))*longestScenario(live), unplanned)
	case w.Requests > 0:
		return w.Requests
	}
	return unplanned
}

// longestScenario counts the steps of the scenario with the most, at least 1.
func longestScenario(live *result.Stage) int64 {
	steps, most := map[string]int64{}, int64(1)
	for _, step := range live.Steps {
		steps[step.Scenario]++
		most = max(most, steps[step.Scenario])
	}
	return most
}

// bestEnd is the value nearest to meeting the objective that the stage may
// still end with after planned requests.
func bestEnd(o slo.Objective, live *result.Stage, planned int64) (float64, bool) {
	if upward(o.Cmp) {
		return lowestEnd(o.Indicator, live, planned)
	}
	if o.Cmp == slo.EQ {
		if low, ok := lowestEnd(o.Indicator, live, planned); ok && order(o.Indicator.Unit(), low, o.Bound) > 0 {
			return low, true
		}
	}
	return highestEnd(o.Indicator, live, planned)
}

func lowestEnd(ind slo.Indicator, live *result.Stage, planned int64) (float64, bool) {
	switch ind.Kind {
	case slo.Percentile:
		return lowestQuantile(ind.Quantile, histogram(ind.Clock, live), planned)
	case slo.Max, slo.Requests, slo.Errors, slo.Timeouts, slo.Unsent, slo.BytesIn, slo.BytesOut:
		return Measure(ind, live)
	case slo.SuccessRate, slo.ErrorRate, slo.Status, slo.Apdex:
		return points(ind, live) / float64(planned), planned > 0
	}
	return 0, false
}

// lowestQuantile is the quantile after as many times of zero as are missing to
// planned.
func lowestQuantile(q slo.Quantile, h result.Histogram, planned int64) (float64, bool) {
	if q.Den <= 0 || h.Total() == 0 {
		return 0, false
	}
	rank := h.Total() - mayLieAbove(q, planned)
	if rank <= 0 {
		return 0, true
	}
	d, ok := h.Quantile(rank, h.Total())
	return micros(d), ok
}

func highestEnd(ind slo.Indicator, live *result.Stage, planned int64) (float64, bool) {
	switch ind.Kind {
	case slo.Min:
		return Measure(ind, live)
	case slo.SuccessRate, slo.ErrorRate, slo.Status, slo.Apdex:
		lost := float64(live.Counters.Judged()) - points(ind, live)
		return (float64(planned) - lost) / float64(planned), planned > 0
	}
	return 0, false
}

// lostByGrace reports whether the value of the stage so far has missed the
// bound for as long as the objective's grace.
func lostByGrace(o slo.Objective, live *result.Stage) (string, bool) {
	value, ok := Measure(o.Indicator, live)
	if o.Grace <= 0 || live.Duration < o.Grace || !bySlice(o.Indicator) || !ok || met(o, value) {
		return "", false
	}
	since := live.Duration - o.Grace
	var so result.Stage
	brokenSince := false // at a slice's end that lies at or before the grace's begin
	for _, slice := range live.Slices {
		end := slice.Offset + slice.Width
		if end > live.Duration {
			break
		}
		so.Counters.Add(slice.Counters)
		so.Response = so.Response.Merge(slice.Response)
		so.Duration = end
		value, ok := Measure(o.Indicator, &so)
		broken := ok && !met(o, value)
		if end <= since {
			brokenSince = broken
		} else if !broken {
			return "", false
		}
	}
	if !brokenSince {
		return "", false
	}
	text, _ := distinct(o.Indicator.Unit(), value, o.Bound)
	return fmt.Sprintf("has been broken for its grace of %s: %s so far", lasting(o.Grace), text), true
}

// bySlice reports whether an indicator can be computed from slices.
func bySlice(ind slo.Indicator) bool {
	if isLatency(ind) {
		return ind.Clock == slo.Response
	}
	return !slices.Contains([]slo.Kind{slo.Status, slo.Apdex, slo.BytesIn, slo.BytesOut}, ind.Kind)
}
