package slo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// How long a search holds each rate: thirty seconds show a queue that grows and
// have enough requests for a p95 at most rates; below a second no rate is met
// or missed by more than chance.
const (
	usualHold    = 30 * time.Second
	shortestHold = time.Second
)

// searchOrLoad reads a stage that looks for the highest rate, or has a load of
// its own.
func (p *parser) searchOrLoad(o *object, w *Workload) []level {
	if o.isWritten("search") {
		o.exclude(p, "search", []string{"rate", "workers", "requests", "duration"}, loadHint)
		return p.searchedLoad(o, w)
	}
	for _, load := range []string{"rate", "workers"} {
		o.exclude(p, load, []string{"hold"}, "hold belongs to search")
	}
	return p.workload(o, w)
}

// searchedLoad reads a stage that looks for the highest rate.
func (p *parser) searchedLoad(o *object, w *Workload) []level {
	w.Model, w.Search = Open, true
	w.Arrivals = choice(p, o.get("arrivals"), "arrivals", Uniform, Poisson)
	w.Pacing = choice(p, o.get("pacing"), "pacing", AutoPacing, PrecisePacing, TickPacing)
	hold := o.get("hold")
	if w.Duration = p.duration(hold, "hold", usualHold, maxDuration); w.Duration < shortestHold {
		p.failNode(hold, CodeRange, "hold must be at least "+writeDuration(shortestHold), "")
	}
	l, ok := scalarOf(p, o.get("search"), "a search", parseSearch)
	if !ok {
		return nil
	}
	return []level{l}
}

// parseSearch reads the two ends of a search.
func parseSearch(s string) (level, error) {
	low, high, isRange := strings.Cut(s, "..")
	if !isRange {
		return level{}, &fault{code: CodeRange, msg: "a search needs two rates", hint: "such as search: 50/s..2000/s"}
	}
	from, err := rates.constant(low)
	if err != nil {
		return level{}, err
	}
	to, err := rates.constant(high)
	if err == nil && to.to <= from.from {
		err = &fault{code: CodeRange, msg: "a search goes from a lower rate to a higher one", hint: "such as search: 50/s..2000/s"}
	}
	return level{from: from.from, to: to.to}, err
}

// Steers reports whether an objective decides which rates of a search are met:
// the absolute ones do that a stage of any rate could be judged by. What the
// replicas did and what a Prometheus server says is judged at the rate that was
// found: it is known after the run. So is what asks for much.
func (o Objective) Steers() bool {
	switch {
	case o.Severity == Show, o.Relative != nil, o.Indicator.IsCluster(), o.asksForMuch():
		return false
	}
	return o.Indicator.Kind != Capacity && o.Indicator.Kind != Metric
}

// asksForMuch reports a bound that no low rate can meet, however good the
// service is: it would end a search where it begins.
func (o Objective) asksForMuch() bool {
	switch o.Indicator.Unit() {
	case UnitRate, UnitCount, UnitBytes, UnitCores:
		return o.Cmp == GE || o.Cmp == GT || o.Cmp == EQ && o.Bound > 0
	}
	return false
}

// checkSearch refuses a search that nothing but success steers, and a capacity
// of a stage that searches none.
func (p *parser) checkSearch(written plannedStage, s Stage) {
	for _, o := range s.Objectives {
		if o.Indicator.Kind == Capacity && !s.Workload.Search {
			p.fail(o.Pos, width(o.Text), CodeCombination, fmt.Sprintf("the stage %s searches no capacity", quote(s.Name)), "give it search: 50/s..2000/s in place of its load")
		}
	}
	steered := slices.ContainsFunc(s.Objectives, func(o Objective) bool { return o.Steers() && !o.Implicit })
	if s.Workload.Search && !steered {
		p.failNode(written.node.child("search"), CodeCombination, "no objective says which rates the stage meets", "give it one with a value, such as p95 <= 450ms")
	}
}
