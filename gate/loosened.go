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
// of its base, or asks differently so that nobody can tell: objectives that were
// removed, have a wider bound, a longer window or a lower severity; stages that
// are not judged any more, not compared with base any more, or are loaded less,
// or with other scenarios; requests and checks that are gone; longer timeouts;
// other numbers behind the same name; connections that are kept; a baseline that
// decides less or is another one; another target; and whatever else leads
// requests elsewhere. What head asks more of is not listed, and neither is what
// base only shows. Commands are no matter of it: the change says by its code,
// too, what they start.
func Loosened(base, head *slo.File) []result.Loosening {
	var l loosenings
	l.file(base, head)
	for _, b := range base.Stages {
		if b.Judge || besideJudged(b, base.Stages) {
			l.stage(base, head, b)
		}
	}
	for _, b := range base.Scenarios {
		l.scenario(b, head.Scenarios)
	}
	l.sources(base, head)
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

// change lists a value that is another one now, whatever it is; empty: none.
func (l *loosenings) change(key, before, now string) {
	if before != now {
		l.add("", key+": "+orNone(before), orRemoved(now))
	}
}

const (
	removed = "removed"
	another = "another one"
)

// file compares what stands for the whole file.
func (l *loosenings) file(b, h *slo.File) {
	if h.Target != b.Target {
		l.add("", "target: "+b.Target, h.Target)
	}
	l.way(b.HTTP, h.HTTP)
	if keepsLonger(b.HTTP, h.HTTP) {
		l.add("", "connections: "+connections(b.HTTP), connections(h.HTTP))
	}
	if h.Confirm && !b.Confirm {
		l.add("", "confirm: off", "on")
	}
	if held := h.Limits.Rate; held > 0 && (b.Limits.Rate == 0 || held < b.Limits.Rate) {
		l.add("", "limits: rate: "+atMost(b.Limits.Rate), atMost(held)+", which holds workers back")
	}
}

// keepsLonger reports whether connections carry requests for longer: fewer of
// them are opened, which is work for the service.
func keepsLonger(b, h slo.HTTP) bool {
	switch {
	case h.NewConnections:
		return false
	case b.NewConnections:
		return true
	}
	return b.ConnectionAge > 0 && (h.ConnectionAge == 0 || h.ConnectionAge > b.ConnectionAge)
}

func connections(h slo.HTTP) string {
	switch {
	case h.NewConnections:
		return "new"
	case h.ConnectionAge > 0:
		return slo.DurationText(h.ConnectionAge)
	}
	return "keep"
}

func atMost(rate float64) string {
	if rate == 0 {
		return "none"
	}
	return fmt.Sprintf("%g/s", rate)
}

// besideJudged reports whether a stage is part of the load under which another
// one is judged.
func besideJudged(s slo.Stage, all []slo.Stage) bool {
	return s.Parallel != "" && slices.ContainsFunc(all, func(other slo.Stage) bool { return other.Judge && other.Parallel == s.Parallel })
}

func (l *loosenings) stage(base, head *slo.File, b slo.Stage) {
	i := slices.IndexFunc(head.Stages, func(h slo.Stage) bool { return h.Name == b.Name })
	switch {
	case i < 0:
		l.add(b.Name, "the stage", removed)
		return
	case b.Judge && !head.Stages[i].Judge:
		l.add(b.Name, "judged", "not judged")
		return
	}
	h := head.Stages[i]
	if lighter(b.Workload, h.Workload) {
		l.add(b.Name, load(b.Workload), load(h.Workload))
	}
	if b.Judge {
		l.judged(b, h)
	}
	l.shares(base.In(b), head, h)
	for _, o := range b.Objectives {
		if o.Severity != slo.Show {
			l.objective(b.Name, o, h.Objectives)
		}
	}
}

// judged compares how a judged stage is loaded and compared.
func (l *loosenings) judged(b, h slo.Stage) {
	if why := Alone(h); why != "" && Alone(b) == "" && slices.ContainsFunc(b.Objectives, decidesByBase) {
		l.add(b.Name, "compared with base", "not compared with it: "+why)
	}
	if h.IdleBefore < b.IdleBefore {
		l.add(b.Name, "idle_before: "+slo.DurationText(b.IdleBefore), idle(h))
	}
	if b.StopOnDead && !h.StopOnDead {
		l.add(b.Name, "stop_on_dead: on", "off")
	}
}

func decidesByBase(o slo.Objective) bool { return o.Relative != nil && o.Severity != slo.Show }

func idle(s slo.Stage) string {
	if s.IdleBefore == 0 {
		return "none"
	}
	return slo.DurationText(s.IdleBefore)
}

func (l *loosenings) objective(stage string, b slo.Objective, head []slo.Objective) {
	if b.Implicit && slices.ContainsFunc(head, func(h slo.Objective) bool { return judgesFailures(h, tolerated(b)) }) {
		return
	}
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

// judgesFailures reports an objective on all requests that so many failures
// miss, be it by another indicator than the one that a file has without asking.
func judgesFailures(h slo.Objective, share float64) bool {
	if h.Severity == slo.Show || h.Relative != nil || h.Scope != (slo.Scope{}) || h.Window > 0 {
		return false
	}
	const rounding = 1e-12
	switch h.Indicator.Kind {
	case slo.ErrorRate, slo.SuccessRate:
		return h.Indicator.Clock == slo.Response && tolerated(h) <= share+rounding
	case slo.Errors:
		return h.Bound == 0
	}
	return false
}

// standsFor reports whether h could stand in the place of b: it looks at the same
// indicator of the same requests from the same side, as a whole or in windows.
func standsFor(b, h slo.Objective) bool {
	if h.Implicit && !b.Implicit || h.Indicator != b.Indicator || h.Scope != b.Scope || (h.Window > 0) != (b.Window > 0) {
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
	if severity(h) < severity(b) || decision(h) < decision(b) || !abortsAsSoon(b, h) || !coversWindows(b, h) {
		return false
	}
	if len(b.Relative) > 0 {
		return covered(h.Relative, b.Relative)
	}
	worse := direction(b.Cmp) * (h.Bound - b.Bound)
	if direction(b.Cmp) == 0 || worse == 0 {
		return h.Bound == b.Bound && (excludesBound(h.Cmp) || !excludesBound(b.Cmp))
	}
	return worse < 0
}

// abortsAsSoon reports whether h stops a stage where b does. Without a grace it is
// stopped only when it is lost.
func abortsAsSoon(b, h slo.Objective) bool {
	if !b.Abort || !h.Abort {
		return !b.Abort
	}
	return b.Grace == 0 || 0 < h.Grace && h.Grace <= b.Grace
}

func excludesBound(c slo.Cmp) bool { return c == slo.LT || c == slo.GT }

// coversWindows reports whether windows that all meet h make up those of b: of
// a count or a spread, two halves say nothing of the whole.
func coversWindows(b, h slo.Objective) bool {
	if b.Window == h.Window {
		return true
	}
	parts := b.Indicator.Unit() != slo.UnitCount && b.Indicator.Kind != slo.StdDev
	return parts && h.Window > 0 && b.Window%h.Window == 0
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
	if o.Abort {
		text += ", abort"
	}
	if o.Grace > 0 {
		text += ", grace: " + slo.DurationText(o.Grace)
	}
	return text
}

// lighter reports a load that asks less of a service, or measures less of it.
// One that ends with its requests cannot be told from one that ends with its
// time.
func lighter(b, h slo.Workload) bool {
	return b.Model != h.Model || b.Search != h.Search || (b.Requests > 0) != (h.Requests > 0) || h.Requests < b.Requests || h.Requests == 0 && h.Duration < b.Duration ||
		h.WorkersFrom < b.WorkersFrom || h.WorkersTo < b.WorkersTo || h.RateFrom < b.RateFrom || h.RateTo < b.RateTo ||
		b.Arrivals == slo.Poisson && h.Arrivals == slo.Uniform
}

// load is a workload as a file writes it.
func load(w slo.Workload) string {
	text := fmt.Sprintf("rate: %g/s", w.RateTo)
	switch {
	case w.Model == slo.Closed && w.WorkersFrom != w.WorkersTo:
		text = fmt.Sprintf("workers: %d..%d", w.WorkersFrom, w.WorkersTo)
	case w.Model == slo.Closed:
		text = fmt.Sprintf("workers: %d", w.WorkersTo)
	case w.Search:
		return fmt.Sprintf("search: %g/s..%g/s, hold: %gs", w.RateFrom, w.RateTo, w.Duration.Seconds())
	case w.RateFrom != w.RateTo:
		text = fmt.Sprintf("rate: %g/s..%g/s", w.RateFrom, w.RateTo)
	}
	if w.Arrivals == slo.Poisson {
		text += ", arrivals: poisson"
	}
	if w.Requests > 0 {
		return fmt.Sprintf("requests: %d, %s", w.Requests, text)
	}
	return fmt.Sprintf("%s, duration: %gs", text, w.Duration.Round(time.Millisecond).Seconds())
}
