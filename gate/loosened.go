package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Loosened lists what the SLO file of a change (head) asks less of than that
// of its base: objectives that were removed, have a wider bound or a lower
// severity, stages that are not judged any more or are loaded less, requests
// and checks that are gone, and a baseline that decides less. What head asks
// more of is not listed, and neither is what base only shows.
func Loosened(base, head *slo.File) []result.Loosening {
	var l loosenings
	for _, b := range base.Stages {
		if b.Judge {
			l.stage(b, head.Stages)
		}
	}
	for _, b := range base.Scenarios {
		l.scenario(b, head.Scenarios)
	}
	l.baseline(base.Baseline, head.Baseline)
	return l
}

// loosenings are those found so far. What is the same in several stages is one.
type loosenings []result.Loosening

func (l *loosenings) add(stage, before, after string) {
	i := slices.IndexFunc(*l, func(o result.Loosening) bool { return o.Before == before && o.After == after })
	if i < 0 {
		*l = append(*l, result.Loosening{Before: before, After: after})
		i = len(*l) - 1
	}
	if at := &(*l)[i]; stage != "" && !slices.Contains(at.Stages, stage) {
		at.Stages = append(at.Stages, stage)
	}
}

const removed = "removed"

func (l *loosenings) stage(b slo.Stage, head []slo.Stage) {
	i := slices.IndexFunc(head, func(h slo.Stage) bool { return h.Name == b.Name })
	switch {
	case i < 0:
		l.add(b.Name, "the stage", removed)
		return
	case !head[i].Judge:
		l.add(b.Name, "judged", "not judged")
		return
	}
	if h := head[i]; lighter(b.Workload, h.Workload) {
		l.add(b.Name, load(b.Workload), load(h.Workload))
	}
	for _, o := range b.Objectives {
		if !o.Implicit && o.Severity != slo.Show {
			l.objective(b.Name, o, head[i].Objectives)
		}
	}
}

func (l *loosenings) objective(stage string, b slo.Objective, head []slo.Objective) {
	var like []slo.Objective
	for _, h := range head {
		if standsFor(b, h) {
			like = append(like, h)
		}
	}
	switch {
	case slices.ContainsFunc(like, func(h slo.Objective) bool { return asksAsMuch(b, h) }):
	case like == nil:
		l.add(stage, written(b), removed)
	default:
		nearest := slices.MaxFunc(like, func(x, y slo.Objective) int { return cmp.Compare(severity(x), severity(y)) })
		l.add(stage, written(b), written(nearest))
	}
}

// standsFor reports whether h could stand in the place of b: it looks at the same
// indicator of the same requests from the same side.
func standsFor(b, h slo.Objective) bool {
	if h.Implicit || h.Indicator != b.Indicator || h.Scope != b.Scope || h.Window != b.Window {
		return false
	}
	return h.Severity == slo.Show || direction(h.Cmp) == direction(b.Cmp) && (len(h.Relative) > 0) == (len(b.Relative) > 0)
}

// direction is +1 where more is worse, -1 where less is, 0 for an equality.
func direction(c slo.Cmp) float64 {
	switch c {
	case slo.LE, slo.LT:
		return 1
	case slo.GE, slo.GT:
		return -1
	}
	return 0
}

// asksAsMuch reports whether whatever meets h meets b too.
func asksAsMuch(b, h slo.Objective) bool {
	if severity(h) < severity(b) || decision(h) < decision(b) {
		return false
	}
	if len(b.Relative) > 0 {
		return covered(h.Relative, b.Relative)
	}
	if direction(b.Cmp) == 0 {
		return h.Bound == b.Bound
	}
	return direction(b.Cmp)*h.Bound <= direction(b.Cmp)*b.Bound
}

func severity(o slo.Objective) int {
	return slices.Index([]slo.Severity{slo.Show, slo.Warn, slo.Fail}, o.Severity)
}

func decision(o slo.Objective) int {
	return slices.Index([]slo.Decide{slo.Lenient, slo.Measured, slo.Sure}, cmp.Or(o.Decide, slo.Measured))
}

// covered reports whether each tolerance of h lies within one of b: an
// objective holds when one of its tolerances does.
func covered(h, b []slo.Tolerance) bool {
	for _, t := range h {
		if t.Value != 0 && !slices.ContainsFunc(b, func(other slo.Tolerance) bool {
			return other.Percent == t.Percent && math.Abs(other.Value) >= math.Abs(t.Value)
		}) {
			return false
		}
	}
	return true
}

// written is an objective as it could stand in a file.
func written(o slo.Objective) string {
	text := o.Text
	if o.Severity != slo.Fail {
		text = string(o.Severity) + ": " + text
	}
	if o.Decide == slo.Sure || o.Decide == slo.Lenient {
		text += ", decide: " + string(o.Decide)
	}
	return text
}

// lighter reports a load that asks less of a service, or measures less of it.
func lighter(b, h slo.Workload) bool {
	return b.Model != h.Model || h.Requests < b.Requests || h.Requests == 0 && h.Duration < b.Duration ||
		h.WorkersFrom < b.WorkersFrom || h.WorkersTo < b.WorkersTo || h.RateFrom < b.RateFrom || h.RateTo < b.RateTo
}

// load is a workload as a file writes it.
func load(w slo.Workload) string {
	text := fmt.Sprintf("rate: %g/s", w.RateTo)
	switch {
	case w.Model == slo.Closed && w.WorkersFrom != w.WorkersTo:
		text = fmt.Sprintf("workers: %d..%d", w.WorkersFrom, w.WorkersTo)
	case w.Model == slo.Closed:
		text = fmt.Sprintf("workers: %d", w.WorkersTo)
	case w.RateFrom != w.RateTo:
		text = fmt.Sprintf("rate: %g/s..%g/s", w.RateFrom, w.RateTo)
	}
	if w.Requests > 0 {
		return fmt.Sprintf("requests: %d, %s", w.Requests, text)
	}
	return fmt.Sprintf("%s, duration: %gs", text, w.Duration.Round(time.Millisecond).Seconds())
}

func (l *loosenings) scenario(b slo.Scenario, head []slo.Scenario) {
	for _, step := range b.Steps {
		if step.Request != nil {
			l.request(step.Request, likeliest(b.Name, step.Request.Name, head))
		}
	}
}

// likeliest finds a request by its name, in the scenario of the same name or
// else in any.
func likeliest(scenario, name string, head []slo.Scenario) *slo.Request {
	var found *slo.Request
	for _, s := range head {
		for _, step := range s.Steps {
			switch {
			case step.Request == nil || step.Request.Name != name:
			case s.Name == scenario:
				return step.Request
			case found == nil:
				found = step.Request
			}
		}
	}
	return found
}

func (l *loosenings) request(b, h *slo.Request) {
	if h == nil {
		l.add("", "the request "+b.Name, removed)
		return
	}
	for _, c := range b.Checks {
		if !slices.ContainsFunc(h.Checks, func(other slo.Check) bool { return other.Text == c.Text }) {
			l.add("", "the check "+c.Text+" of "+b.Name, removed)
		}
	}
	for _, r := range h.Accept {
		if !accepts(b.Accept, r) {
			l.add("", "status "+r.String()+" of "+b.Name+" is an error", "accepted")
		}
	}
}

// accepts reports whether all of a range is in a list of ranges.
func accepts(list []slo.StatusRange, all slo.StatusRange) bool {
	for status := all.From; status <= all.To; status++ {
		if !slices.ContainsFunc(list, func(r slo.StatusRange) bool { return r.Contains(status) }) {
			return false
		}
	}
	return true
}

func (l *loosenings) baseline(b, h slo.Baseline) {
	for _, s := range []struct {
		name         string
		before, now  bool
		looserWhenOn bool
	}{
		{"strict", b.Strict, h.Strict, false},
		{"required", b.Required, h.Required, false},
		{"allow_mismatch", b.AllowMismatch, h.AllowMismatch, true},
	} {
		if s.before != s.now && s.now == s.looserWhenOn {
			l.add("", fmt.Sprintf("baseline: %s: %v", s.name, s.before), fmt.Sprint(s.now))
		}
	}
}
