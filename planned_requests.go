package main

import (
	"fmt"
	"math"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/slo"
)

// shortOf says that an objective gets fewer requests than it needs, empty where
// it gets enough or where that is not known before the run.
func shortOf(o slo.Objective, stage slo.Stage, file *slo.File) string {
	if o.Indicator.IsOften() {
		return ""
	}
	iterations := o.Indicator.Clock == slo.IterationTime
	if iterations && takesTurns(stage, file) {
		return "can never be decided: base and head take turns, which cut iterations short"
	}
	who, w := "the stage", &stage.Workload
	if w.Search { // the lowest rate decides whether there is an answer at all
		who, w.RateTo = "the lowest rate", w.RateFrom
	}
	if w.Model == slo.Open && takesTurns(stage, file) { // head has half of the time, at most
		who, w.Duration = "head", longestOf(stage, file)/2
	}
	needed := gate.Enough(o)
	if o.Scope == (slo.Scope{}) && o.Window == 0 && !iterations {
		planned, known := file.Requests(stage)
		if !known || planned >= needed {
			return ""
		}
		if who == "head" {
			w.Duration *= 2
		}
		return fmt.Sprintf("can never pass: it needs %d requests, %s has %d%s", needed, who, planned, longEnough(*w, planned, needed))
	}
	planned, known := file.Expected(o, stage)
	if !known || planned >= float64(needed) {
		return ""
	}
	what := "the step"
	switch {
	case o.Window > 0:
		what = "a window"
	case o.Scope.Step == "":
		what = "the scenario"
	}
	counted := "requests"
	if iterations {
		counted = "iterations"
		if what == "the scenario" && o.Scope.Scenario == "" {
			what = "the stage"
		}
	}
	return fmt.Sprintf("can hardly pass: it needs %d %s, %s has about %d", needed, counted, what, int64(math.Round(planned)))
}

// longEnough says how long an open stage would have to be for so many requests.
func longEnough(w slo.Workload, planned, needed int64) string {
	if w.Model != slo.Open || planned <= 0 {
		return ""
	}
	d := time.Duration(float64(w.Duration) * float64(needed) / float64(planned))
	return fmt.Sprintf("; in %s it would have them", quantity.Duration((d + time.Second - 1).Truncate(time.Second)))
}
