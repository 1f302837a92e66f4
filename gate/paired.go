package gate

import (
	"fmt"
	"math"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// pairing is one relative objective in a stage that base and head were both
// loaded with.
type pairing struct {
	base    *result.Stage
	unsent  string // what the generator left unsent of base's requests
	missing string // why base's cost is not known
	pairs   stats.Pairs
	family  int // objectives that are judged together
	stats.Paired
}

// place names an objective: its stage and its index there.
type place struct {
	stage string
	index int
}

// pairUp compares every relative objective that base and head can be compared
// by. Those that can fail the run are one family, those that only warn another
// one, and those that are shown decide nothing together.
func pairUp(stages []judgedStage, base *result.Base) map[place]*pairing {
	all := map[place]*pairing{}
	families := map[slo.Severity][]*pairing{}
	for _, stage := range stages {
		side := base.Stage(stage.plan.Name)
		if side == nil || stage.measured == nil {
			continue
		}
		for i, o := range stage.plan.Objectives {
			if o.Relative == nil || !isWindowed(o.Indicator) {
				continue
			}
			p := &pairing{base: part(o, side), unsent: leftUnsent(side), pairs: pairsOf(o, side, stage.measured)}
			if isCost(o.Indicator) {
				p.missing = base.Cost.Missing
			}
			all[place{stage.plan.Name, i}] = p
			families[o.Severity] = append(families[o.Severity], p)
		}
	}
	for _, family := range families {
		judgeFamily(family)
	}
	return all
}

func judgeFamily(family []*pairing) {
	pairs := make([]stats.Pairs, len(family))
	for i, p := range family {
		pairs[i] = p.pairs
	}
	for i, judged := range stats.ComparePairs(pairs) {
		family[i].Paired, family[i].family = judged, len(family)
	}
}

// part returns the requests of a stage that an objective looks at, or the
// iterations in their place.
func part(o slo.Objective, s *result.Stage) *result.Stage {
	if s == nil {
		return s
	}
	if o.Indicator.Clock == slo.IterationTime {
		return s.Passes(func(scenario string) bool { return o.Scope.Covers(scenario, "") })
	}
	if o.Scope == (slo.Scope{}) {
		return s
	}
	return s.Part(o.Scope.Covers)
}

// isWindowed reports whether the blocks of a comparison hold the indicator: they
// have the response times, the counters and the CPU time. Iterations are cut by
// their ends.
func isWindowed(ind slo.Indicator) bool {
	if ind.Clock != slo.Response {
		return false
	}
	if isLatency(ind) {
		return true
	}
	switch ind.Kind {
	case slo.SuccessRate, slo.ErrorRate, slo.Throughput, slo.Goodput, slo.CPUPerRequest:
		return true
	}
	return false
}

// pairsOf gives the difference of each pair in which both sides have a value,
// and the tolerance at base's. A pair is a window or, for a percentile that
// needs more requests, a few neighbouring ones: base and head alternate as
// quickly as for any other indicator.
func pairsOf(o slo.Objective, base, head *result.Stage) stats.Pairs {
	base, head = part(o, base), part(o, head)
	out := stats.Pairs{Points: scaleOf(o.Indicator).points}
	if value, ok := Measure(o.Indicator, base); ok {
		out.Tolerance = toleranceAt(o, value)
		if now, ok := Measure(o.Indicator, head); ok {
			out.Whole, _ = worseBy(o, value, now)
		}
	}
	if out.Points {
		out.Requests = float64(head.Counters.Judged())
	}
	windows := min(len(base.Slices), len(head.Slices))
	each := windowsPerPair(o.Indicator, perBlock(base, head))
	if isCost(o.Indicator) {
		each = windowsPerCost(base, head)
	}
	for i := range windows / each {
		from, to := i*each, (i+1)*each
		if i == windows/each-1 {
			to = windows
		}
		before, ok := ofWindow(o.Indicator, joinBlocks(base.Slices[from:to]))
		now, also := ofWindow(o.Indicator, joinBlocks(head.Slices[from:to]))
		if !ok || !also {
			continue
		}
		if d, ok := worseBy(o, before, now); ok {
			out.Differences = append(out.Differences, d)
		}
	}
	return out
}

// worseBy is how much worse one value is than another on the indicator's scale.
// A fall to 0 is as large as any change can be; two of 0 have no difference.
func worseBy(o slo.Objective, before, now float64) (float64, bool) {
	scale := scaleOf(o.Indicator)
	d := sign(o) * (scale.of(now) - scale.of(before))
	return min(max(d, -widest), widest), !math.IsNaN(d)
}

// perBlock is how many requests a block holds.
func perBlock(base, head *result.Stage) float64 {
	blocks := len(base.Slices) + len(head.Slices)
	return float64(base.Counters.Judged()+head.Counters.Judged()) / float64(max(blocks, 1))
}

// windowsPerPair is how many windows of so many requests in each block make a
// pair: as many as hold five requests above the percentile.
func windowsPerPair(ind slo.Indicator, requests float64) int {
	if ind.Kind != slo.Percentile || ind.Quantile.Den <= 0 {
		return 1
	}
	above := requests * float64(ind.Quantile.Den-ind.Quantile.Num) / float64(ind.Quantile.Den)
	if above <= 0 {
		return math.MaxInt32
	}
	const rounding = 1e-9
	return int(min(max(math.Ceil(tailSamples/above-rounding), 1), math.MaxInt32))
}

// joinBlocks adds the blocks of one side.
func joinBlocks(blocks []result.Slice) result.Slice {
	sum := blocks[0]
	for _, b := range blocks[1:] {
		sum = added(sum, b)
	}
	return sum
}

// sign is +1 where more is worse.
func sign(o slo.Objective) float64 {
	if upward(o.Cmp) {
		return 1
	}
	return -1
}

// ofWindow measures an indicator in one block. Percentiles are of type 7
// (Hyndman and Fan 1996), which is steadier in the few requests of a block than
// one of them is.
func ofWindow(ind slo.Indicator, block result.Slice) (float64, bool) {
	if ind.Kind == slo.Percentile {
		return interpolated(ind.Quantile, block.Response)
	}
	return Measure(ind, asStage(block))
}

// interpolated is the quantile of type 7 in microseconds.
func interpolated(q slo.Quantile, h result.Histogram) (float64, bool) {
	n := h.Total()
	if n == 0 || q.Den <= 0 {
		return 0, false
	}
	at := float64(q.Num) / float64(q.Den) * float64(n-1)
	low := int64(at)
	lower, _ := h.Quantile(low+1, n)
	upper, _ := h.Quantile(min(low+2, n), n)
	part := at - float64(low)
	return micros(lower)*(1-part) + micros(upper)*part, true
}

// toleranceAt is the tolerance of a relative objective on its scale where the
// baseline has this value: the largest of its alternatives.
func toleranceAt(o slo.Objective, base float64) float64 {
	scale, worse := scaleOf(o.Indicator), sign(o)
	bound := relativeBound(o, base)
	tolerance := worse * (scale.of(max(bound, 0)) - scale.of(base))
	if math.IsInf(tolerance, 0) || math.IsNaN(tolerance) {
		return widest
	}
	return max(tolerance, 0)
}

// relativeBound is the most lenient alternative of a relative objective at the
// baseline's value.
func relativeBound(o slo.Objective, base float64) float64 {
	bound := base
	for i, t := range o.Relative {
		b := base + t.Value
		if t.Percent {
			b = base * (1 + t.Value)
		}
		if i == 0 || sign(o)*(b-bound) > 0 {
			bound = b
		}
	}
	return bound
}

// judgePaired judges head against base in one run: see [stats.ComparePairs].
func (h history) judgePaired(t *trial, p *pairing, out *result.JudgedObjective) (result.Verdict, string) {
	if why := t.incomparable(); why != "" {
		return undecided(t.Objective), why
	}
	if p.unsent != "" {
		return undecided(t.Objective), "base: " + p.unsent
	}
	beside := trial{Objective: t.Objective, stage: t.stage, s: p.base}
	if beside.value, beside.measured = Measure(t.Indicator, p.base); !beside.measured {
		return undecided(t.Objective), joined("nothing was measured of base", p.missing)
	}
	if needsSuccess(t.Indicator) && mostlyFailed(p.base.Counters) {
		return undecided(t.Objective), "base: " + beside.mostlyFailedNote()
	}
	p.describe(t, beside.value, out)
	t.Bound = out.Bound
	if t.Severity == slo.Show {
		return result.Shown, p.improvement()
	}
	switch p.Outcome {
	case stats.Regressed:
		if why := p.generatorLimited(t); why != "" {
			return result.Inconclusive, why
		}
		return h.excused(t.miss(), "")
	case stats.Uneven:
		return result.Inconclusive, p.uneven(t)
	case stats.Unseen:
		return result.Inconclusive, p.unseen(t)
	}
	return result.Pass, joined(p.unproven(t), p.improvement())
}

// generatorLimited says that the generator may have made what misses the bound.
// Where the stage as a whole meets it the windows tell the change, which both
// sides' lateness is no part of.
func (p *pairing) generatorLimited(t *trial) string {
	if met(t.Objective, t.value) {
		return ""
	}
	return t.generatorLimited()
}

// describe writes the comparison into the judged objective.
func (p *pairing) describe(t *trial, base float64, out *result.JudgedObjective) {
	scale, worse := scaleOf(t.Indicator), sign(t.Objective)
	change := func(distance float64) float64 { return scale.change(worse * distance) }
	out.Bound = relativeBound(t.Objective, base)
	c := &result.Comparison{
		Baseline:   base,
		Pairs:      len(p.pairs.Differences),
		Points:     scale.points,
		Change:     change(p.Estimate),
		Tolerance:  change(p.pairs.Tolerance),
		Detectable: change(p.Detectable),
		Limit:      change(p.Detectable),
		Spread:     stats.Deviation(p.pairs.Differences),
		P:          p.P,
	}
	lower, upper := change(p.Lower), change(p.Upper)
	if worse < 0 {
		lower, upper = upper, lower
	}
	if !math.IsInf(p.Lower, 0) && !math.IsInf(p.Upper, 0) {
		c.Lower, c.Upper = &lower, &upper
	}
	if n := len(p.pairs.Differences); n == 0 || math.IsNaN(p.Estimate) {
		c.Change, c.Lower, c.Upper = 0, nil, nil
	}
	for _, v := range []*float64{&c.Limit, &c.Detectable} {
		if math.IsInf(*v, 0) || math.IsNaN(*v) {
			*v = 0 // fewer than two windows see nothing
		}
	}
	out.Comparison = c
}

// unseen says what the comparison could have seen, or how many windows it
// lacks.
func (p *pairing) unseen(t *trial) string {
	if n, least := len(p.pairs.Differences), stats.MinPairs(p.family); n < least {
		enough := "requests"
		switch {
		case isCost(t.Indicator) && (t.s.Cost == nil || p.base.Cost == nil):
			return "the cost of the service is not known window by window"
		case isCost(t.Indicator):
			enough = "CPU time, which is counted in units of " + quantity.Duration(t.s.Cost.Resolution)
		}
		return fmt.Sprintf("base and head make %s of enough %s, and %s can prove a change from %d on", pairsText(n), enough, objectives(p.family), least)
	}
	scale := scaleOf(t.Indicator)
	seen := scale.text(scale.change(sign(t.Objective) * p.Detectable))
	return joined("this run could only have seen "+seen, p.improvement())
}

// uneven says that head is worse in some windows, by which the stage as a whole
// misses the bound.
func (p *pairing) uneven(t *trial) string {
	scale := scaleOf(t.Indicator)
	change := func(distance float64) string { return scale.text(scale.change(sign(t.Objective) * distance)) }
	return fmt.Sprintf("head is worse in some windows (%s), which makes %s of the stage as a whole; in the middle of all windows it is %s, within the tolerance",
		probability(p.P), change(p.pairs.Whole), change(p.Estimate))
}

// probability writes a p-value, which is more than 0 however small it is.
func probability(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return "p = " + quantity.Number(p)
}

// unproven names a change beyond the tolerance that the comparison cannot tell
// from noise, and the time in which it would.
func (p *pairing) unproven(t *trial) string {
	if p.Estimate <= p.pairs.Tolerance {
		return ""
	}
	scale := scaleOf(t.Indicator)
	note := fmt.Sprintf("possible %s, not proven", scale.text(scale.change(sign(t.Objective)*p.Estimate)))
	both := t.s.Duration + p.base.Duration
	ratio := p.Detectable / p.Estimate
	needed := float64(both) * ratio * ratio
	if ratio > 1 && needed < float64(longestAdvice) {
		note += fmt.Sprintf("; a stage of about %s would settle it", roundUp(time.Duration(needed)))
	}
	return note
}

// improvement says that head is better, where the whole interval is.
func (p *pairing) improvement() string {
	if p.Upper < 0 {
		return "improved"
	}
	return ""
}

func pairsText(n int) string {
	if n == 1 {
		return "1 pair"
	}
	return fmt.Sprintf("%d pairs", n)
}
