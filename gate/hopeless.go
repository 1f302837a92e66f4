package gate

import (
	"fmt"
	"sort"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Hopeless returns the first objective with abort that a running stage has
// lost, and why: it cannot be met any more whatever follows, or it has been
// broken for the whole of its grace.
//
// Whatever follows is counted: the requests still to come of those planned are
// taken as immediate and successful, or as the opposite where the objective
// asks for high values. An open stage plans its arrivals times the requests of
// its longest scenario; a closed stage without a count plans nothing,
// and only objectives that no further request can mend are lost there, such as
// errors <= 5.
//
// An objective for windows is lost when one of them has missed it.
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
		seen := part(o, live)
		for _, rule := range []func() (string, bool){
			func() (string, bool) { return lostByWindow(o, seen) },
			func() (string, bool) { return lostByCount(o, stage, seen) },
			func() (string, bool) { return lostByGrace(o, seen) },
		} {
			if why, lost := rule(); lost {
				return o, why, true
			}
		}
	}
	return slo.Objective{}, "", false
}

// lostByCount reports whether even the best end of the stage misses the bound.
func lostByCount(o slo.Objective, stage slo.Stage, live *result.Stage) (string, bool) {
	if o.Window > 0 {
		return "", false
	}
	planned := plannedRequests(stage)
	best, ok := bestEnd(o, live, max(planned, live.Counters.Judged()))
	if !ok || met(o, best) {
		return "", false
	}
	unit := o.Indicator.Unit()
	text, _ := quantity.Distinct(string(unit), best, o.Bound)
	return fmt.Sprintf("cannot be met any more: the stage would end at %s at best", text), true
}

// unplanned stands for a number of requests that no plan bounds: more than any
// generator sends in the longest stage, and still exact in a float64.
const unplanned = int64(1) << 36

// plannedRequests is the most requests that the stage may still come to.
func plannedRequests(stage slo.Stage) int64 {
	switch w := stage.Workload; {
	case w.Model == slo.Open:
		n, _ := stage.MostIterations()
		return min(n*int64(max(stage.Longest, 1)), unplanned)
	case w.Requests > 0:
		return w.Requests
	}
	return unplanned
}

// bestEnd is the value nearest to meeting the objective that the stage may
// still end with after planned requests.
func bestEnd(o slo.Objective, live *result.Stage, planned int64) (float64, bool) {
	if o.Indicator.Clock == slo.MeasuredNumber {
		return 0, false // how many numbers are still to come is not known
	}
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
		return lowestQuantile(ind.Quantile, histogram(ind, live), planned)
	case slo.Max, slo.Requests, slo.Errors, slo.Timeouts, slo.Unsent, slo.BytesIn, slo.BytesOut, slo.Redirects:
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
	if o.Grace <= 0 || live.Duration < o.Grace || !o.Indicator.InSlices() || !ok || met(o, value) {
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
	text, _ := quantity.Distinct(string(o.Indicator.Unit()), value, o.Bound)
	return fmt.Sprintf("has been broken for its grace of %s: %s so far", quantity.Duration(o.Grace), text), true
}

// lookBack is for how long windows that have ended are looked at again: looks are
// a second apart, and the one at the stage's end sees all.
const lookBack = 10 * time.Second

// latest is a stage without the slices before a moment.
func latest(s *result.Stage, from time.Duration) *result.Stage {
	recent := *s
	recent.Slices = s.Slices[sort.Search(len(s.Slices), func(i int) bool { return s.Slices[i].Offset >= from }):]
	return &recent
}

// lostByWindow reports whether a window has missed the bound. It waits until
// the requests of the window should have been answered, as far as can be told
// from the slowest until now: their slice has them only then.
func lostByWindow(o slo.Objective, live *result.Stage) (string, bool) {
	slowest, _ := live.Response.Max()
	if o.Window == 0 || live.Duration-slowest < o.Window {
		return "", false
	}
	w, ok := lookThrough(o, latest(live, live.Duration-slowest-o.Window-lookBack), live.Duration-slowest)
	if !ok || !w.missed {
		return "", false
	}
	text, _ := quantity.Distinct(string(o.Indicator.Unit()), w.value, o.Bound)
	return fmt.Sprintf("was missed for %s from %s on: %s", quantity.Duration(o.Window), quantity.Duration(w.worst.Offset), text), true
}
