package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// trial is one objective before the measurements of one stage.
type trial struct {
	slo.Objective
	stage    judgedStage
	s        *result.Stage // what it looks at of stage.measured, which is not nil
	value    float64
	measured bool
	windows  *windows // nil: the stage as a whole is judged
	interval interval
	bounded  bool // interval holds
}

// judgeObjective judges one objective in one stage, against base where the
// stage has a pairing.
func judgeObjective(o slo.Objective, stage judgedStage, earlier history, base *pairing) result.JudgedObjective {
	out := result.JudgedObjective{
		Text:      o.Text,
		Indicator: o.Indicator.String(),
		Unit:      string(o.Indicator.Unit()),
		Stage:     stage.plan.Name,
		Scenario:  o.Scope.Scenario,
		Step:      o.Scope.Step,
		Window:    o.Window,
		Severity:  string(o.Severity),
		Cmp:       string(o.Cmp),
		Bound:     o.Bound,
		Relative:  o.Relative != nil,
		Implicit:  o.Implicit,
		Line:      o.Pos.Line,
		Column:    o.Pos.Column,
	}
	if stage.measured == nil {
		out.Verdict, out.Reason = undecided(o), didNotRun(stage)
		return out
	}
	t := newTrial(o, stage)
	out.Samples = samples(o.Indicator, t.seen())
	if t.windows != nil {
		out.From, out.Until = t.windows.worst.Offset, until(t.windows.worst)
	}
	if t.measured {
		out.Measured = &t.value
		out.AtLeast = t.atLeast()
	}
	if t.bounded {
		out.Lower = &t.interval.lower
		if !t.interval.open {
			out.Upper = &t.interval.upper
		}
	}
	if base != nil {
		out.Verdict, out.Reason = t.unlessFailing(earlier.judgePaired(&t, base, &out))
		return out
	}
	if o.Relative != nil {
		out.Verdict, out.Reason = t.unlessFailing(earlier.judgeRelative(&t, &out))
		return out
	}
	out.Verdict, out.Reason = t.judge()
	if t.bounded && o.Severity != slo.Show {
		out.Margin = t.margin()
	}
	return out
}

// finite replaces what no file can hold: values that lie as far apart as those
// of a metric may have no change and no bound that is a number.
func finite(o result.JudgedObjective) result.JudgedObjective {
	numbers := []*float64{&o.Bound}
	if c := o.Comparison; c != nil {
		numbers = append(numbers, &c.Baseline, &c.Change, &c.Tolerance, &c.Limit, &c.Detectable, &c.Spread)
		for _, end := range []*float64{c.Lower, c.Upper} {
			numbers = append(numbers, cmp.Or(end, new(float64)))
		}
	}
	for _, v := range numbers {
		if math.IsNaN(*v) {
			*v = 0
		}
		*v = min(max(*v, -math.MaxFloat64), math.MaxFloat64)
	}
	return o
}

func newTrial(o slo.Objective, stage judgedStage) trial {
	t := trial{Objective: o, stage: stage, s: part(o, stage.measured)}
	if o.Window > 0 {
		t.lookThrough()
		return t
	}
	t.value, t.measured = Measure(o.Indicator, t.s)
	if t.measured {
		t.interval, t.bounded = within(o.Indicator, t.s)
	}
	return t
}

// lookThrough takes the worst window's value for the objective's.
func (t *trial) lookThrough() {
	w, ok := lookThrough(t.Objective, t.s, math.MaxInt64)
	if ok {
		t.windows, t.value, t.measured = &w, w.value, true
	}
}

// seen is what the value was computed of: the worst window, or all.
func (t *trial) seen() *result.Stage {
	if t.windows == nil {
		return t.s
	}
	return asStage(t.windows.worst)
}

// NearFail returns the first absolute objective that fails in a stage although
// its bound lies within the interval of what was measured.
func NearFail(plan slo.Stage, measured *result.Stage) (slo.Objective, bool) {
	if !plan.Judge || measured.State != result.Completed {
		return slo.Objective{}, false
	}
	stage := judgedStage{plan: plan, measured: measured, answered: answered(measured)}
	for _, o := range plan.Objectives {
		if o.Relative != nil || o.Severity != slo.Fail {
			continue
		}
		t := newTrial(o, stage)
		if v, _ := t.judge(); v == result.Fail && t.bounded && t.interval.near(o) {
			return o, true
		}
	}
	return slo.Objective{}, false
}

// undecided is the verdict of an objective that nothing can be said of.
func undecided(o slo.Objective) result.Verdict {
	if o.Severity == slo.Show {
		return result.Shown
	}
	return result.Inconclusive
}

func didNotRun(stage judgedStage) string {
	if stage.reason == "" {
		return "the stage did not run"
	}
	return "the stage did not run: " + stage.reason
}

// judge returns the verdict and what a reader must know of it.
func (t *trial) judge() (result.Verdict, string) {
	if t.Severity == slo.Show {
		return result.Shown, t.shown()
	}
	if why := t.unusable(); why != "" {
		return result.Inconclusive, why
	}
	if met(t.Objective, t.value) {
		return t.decide(t.judgeMet())
	}
	if why := t.doubtMiss(); why != "" {
		return result.Inconclusive, why
	}
	return t.decide(t.miss(), t.notes())
}

// decide lets the interval change what the measured value says, where the
// objective asks for it. A stage that was cut short keeps its verdict: that
// follows from how it ended.
func (t *trial) decide(v result.Verdict, why string) (result.Verdict, string) {
	if t.s.State != result.Completed || t.counted() || v == result.Inconclusive {
		return v, why
	}
	switch t.Decide {
	case slo.Sure:
		return t.unlessUnsure(v, why)
	case slo.Lenient:
		if v != result.Pass && t.bounded && !t.interval.surelyMissed(t.Objective) {
			return t.pardoned()
		}
	}
	return v, why
}

// unlessUnsure takes a verdict back that the interval does not bear out.
func (t *trial) unlessUnsure(v result.Verdict, why string) (result.Verdict, string) {
	if !t.bounded {
		return result.Inconclusive, "decide: sure needs an interval, and there is none"
	}
	sure := t.interval.surelyMissed(t.Objective)
	if v == result.Pass {
		sure = t.interval.surelyMet(t.Objective)
	}
	if sure {
		return v, why
	}
	return result.Inconclusive, joined("decide: sure, and the bound lies within the interval", why)
}

// pardoned is the verdict of a missed objective whose interval reaches to where
// it is met: what else speaks against a met one still does.
func (t *trial) pardoned() (result.Verdict, string) {
	v, why := t.judgeMet()
	if v != result.Pass {
		return v, why
	}
	return v, joined("decide: lenient, and the interval reaches to where it is met", why)
}

// counted reports whether the value is exact, so that it needs no interval to
// be sure of: a number of requests or bytes, an extreme, what the replicas did, and
// a share that must be nothing or all.
func (t *trial) counted() bool {
	switch t.Indicator.Kind {
	case slo.Min, slo.Max, slo.ScaleUpTime, slo.CPUMax:
		return true
	}
	switch t.Indicator.Unit() {
	case slo.UnitCount, slo.UnitBytes:
		return true
	case slo.UnitShare:
		return t.Cmp == slo.LE && t.Bound == 0 || t.Cmp == slo.GE && t.Bound == 1
	}
	return false
}

// shown is the reason of an objective that is only for information.
func (t *trial) shown() string {
	switch {
	case !t.measured && isCost(t.Indicator):
		return t.costUnknown()
	case t.Indicator.Kind == slo.Metric:
		return metricUnknown(t.Indicator, t.s)
	case !t.measured && t.Indicator.IsCluster():
		return t.clusterUnknown()
	case !t.measured:
		return "nothing was measured"
	}
	return t.failedNote()
}

// miss is the verdict of a missed objective.
func (t *trial) miss() result.Verdict {
	if t.Severity == slo.Warn {
		return result.Warn
	}
	return result.Fail
}

// unusable says why the stage's measurements carry no verdict, met or missed.
func (t *trial) unusable() string {
	switch left := leftUnsent(t.stage.measured); {
	case t.s.State == result.Dead && !t.stage.answered:
		return "the target never answered"
	case t.Indicator.Kind == slo.Capacity:
		return t.capacityUnknown()
	case t.Indicator.Kind == slo.Metric && metricUnknown(t.Indicator, t.s) != "":
		return metricUnknown(t.Indicator, t.s)
	case left != "":
		return left
	case !t.measured && t.Indicator.Clock == slo.IterationTime && t.s.Counters.Due() > 0:
		return "no iteration came to its end"
	case !t.measured && t.Indicator.Clock == slo.IterationTime && t.stage.measured.Counters.Finished() > 0:
		return "no iterations were counted: where base and head take turns these cut them"
	case !t.measured && t.Indicator.Kind == slo.Slope && t.tooFew():
		return t.tooFewNote()
	case !t.measured && t.Indicator.Kind == slo.Slope:
		return fmt.Sprintf("a slope needs %d parts of the stage's time with measurements", slopeParts)
	case !t.measured && isCost(t.Indicator):
		return t.costUnknown()
	case !t.measured && t.Indicator.IsCluster():
		return t.clusterUnknown()
	case !t.measured:
		return "nothing was measured"
	}
	return ""
}

// leftUnsent says that the generator did not come to too much of what was due.
func leftUnsent(s *result.Stage) string {
	if s.Generator.UnsentOwn <= result.MayStayUnsent(s.Counters.Due()) {
		return ""
	}
	return unsentOwn(s)
}

func unsentOwn(s *result.Stage) string {
	own, due := s.Generator.UnsentOwn, s.Counters.Due()
	return fmt.Sprintf("generator limited: it left %s of the due requests unsent; lower the rate or give slogate more CPU",
		quantity.Share(float64(own)/float64(max(due, own))))
}

// costUnknown says why a cost was not measured.
func (t *trial) costUnknown() string {
	switch c := t.s.Cost; {
	case c == nil && t.Indicator.Kind != slo.Throttled && t.s.Cluster != nil && t.s.Cluster.MemoryMax > 0:
		return "the usage of the pods is the stage's own only after a minute: it needs two minutes"
	case c == nil:
		return joined("the cost of the service is not known", t.stage.costMissing)
	case t.Indicator.Kind == slo.CPUPerRequest:
		return "no request finished"
	}
	return "the source of the service's cost does not tell " + t.Indicator.String()
}

// judgeMet passes a met objective unless something speaks against it.
func (t *trial) judgeMet() (result.Verdict, string) {
	switch {
	case t.s.State == result.Dead && judgesSuccess(t.Indicator):
		return t.miss(), cutShort(t.s)
	case t.Abort && t.Text != "" && t.stage.measured.Lost == t.Text:
		// Answers that came in after the abort mended what caused it.
		return t.miss(), cutShort(t.s)
	case t.s.State != result.Completed:
		return result.Inconclusive, cutShort(t.s)
	case t.s.Counters.Finished() == 0:
		return result.Inconclusive, "no request finished"
	case needsSuccess(t.Indicator) && mostlyFailed(t.s.Counters):
		return result.Inconclusive, t.mostlyFailedNote()
	case t.tooFew():
		return result.Inconclusive, t.tooFewNote()
	case t.tooCoarse() != "":
		return result.Inconclusive, t.tooCoarse()
	case t.atLeast() && upward(t.Cmp):
		return result.Inconclusive, "what failed counts with its timeout, which this bound lies above: nobody knows how long it would have taken"
	}
	return result.Pass, t.notes()
}

// doubtMiss says why a missed bound is not proof against the service.
func (t *trial) doubtMiss() string {
	switch {
	case (t.s.State == result.Cancelled || t.s.State == result.Limited) && !t.lost():
		return cutShort(t.s)
	case isLatency(t.Indicator) && mostlyFailed(t.s.Counters) && t.stage.successFails():
		return t.mostlyFailedNote()
	case t.windows != nil && !t.windows.missed:
		return t.tooFewNote()
	case t.windows == nil && t.Indicator.Kind == slo.Percentile && t.tooFew() && !(t.bounded && t.interval.surelyMissed(t.Objective)) && !t.endedByIt():
		return t.tooFewNote()
	}
	return cmp.Or(t.generatorLimited(), t.tooCoarse())
}

// tooFew reports whether there are too few requests to say that the objective
// is met.
func (t *trial) tooFew() bool {
	if t.windows != nil {
		return t.windows.few > 0
	}
	return samples(t.Indicator, t.s) < Enough(t.Objective)
}

func (t *trial) tooFewNote() string {
	if t.windows != nil {
		return t.windows.tooFew(t.Objective)
	}
	return tooFew(t.Objective, samples(t.Indicator, t.s))
}

// lost reports whether the rest of a stage that was cut short could not have
// mended the objective.
func (t *trial) lost() bool {
	if t.windows != nil {
		return t.windows.missed
	}
	_, lost := lostByCount(t.Objective, t.stage.plan, t.s)
	return lost
}

// endedByIt reports whether a stage ended before its plan because the objective
// was lost, or after it was: more requests could not have mended it.
func (t *trial) endedByIt() bool {
	return t.s.State != result.Completed && (t.Text != "" && t.stage.measured.Lost == t.Text || t.lost())
}

// generatorLimited says that the miss may be the generator's own.
func (t *trial) generatorLimited() string {
	return cmp.Or(t.generatorLate(), t.leftOut(), t.ownLimits(), t.throttled())
}

// leftOut says that the bound would have been met had the generator come to what
// it left unsent, however little: that counts as unsuccessful, and as slow as the
// timeout.
func (t *trial) leftOut() string {
	own := t.stage.measured.Generator.UnsentOwn
	if own == 0 || !t.metWithoutUnsent(own) {
		return ""
	}
	return unsentOwn(t.stage.measured)
}

// metWithoutUnsent reports whether the objective would be met had so many of the
// unsent requests not been due, or for one that asks for many, been answered.
// Their times are taken off at the top, where their timeout has put them. What a
// generator does not come to is what was due last.
func (t *trial) metWithoutUnsent(own int64) bool {
	spare := func(n int64, c *result.Counters, times ...*result.Histogram) int64 {
		n = min(c.Unsent, n)
		c.Unsent -= n
		switch t.Indicator.Kind {
		case slo.Throughput, slo.Goodput, slo.Requests:
			c.Success += n
		}
		for _, h := range times {
			*h = h.WithoutSlowest(n)
		}
		return n
	}
	rest := *t.s
	spare(own, &rest.Counters, &rest.Response, &rest.Service)
	rest.Slices = slices.Clone(rest.Slices)
	for i := len(rest.Slices) - 1; i >= 0; i-- {
		own -= spare(own, &rest.Slices[i].Counters, &rest.Slices[i].Response)
	}
	return t.metBy(&rest)
}

// metBy reports whether other measurements than the stage's meet the objective.
func (t *trial) metBy(s *result.Stage) bool {
	if t.windows != nil {
		w, ok := lookThrough(t.Objective, s, math.MaxInt64)
		return ok && !w.missed
	}
	value, ok := Measure(t.Indicator, s)
	return ok && met(t.Objective, value)
}

// generatorLate says that the bound would have been met without the
// generator's own lateness.
func (t *trial) generatorLate() string {
	if !isLatency(t.Indicator) || !bySlice(t.Indicator.Clock) {
		return ""
	}
	onTime, ok := t.onTime()
	if !ok {
		return ""
	}
	if !met(t.Objective, onTime) {
		return t.burst()
	}
	return fmt.Sprintf("generator limited: without slogate's own lateness %s was %s; lower the rate or give it more CPU",
		t.Indicator, quantity.Micros(onTime))
}

// burst says that the generator's lateness alone misses the bound while the
// service's own time meets it. What a generator that stood still has to send
// comes all at once, and waits for connections and for itself: that is more than
// its lateness, and not the service's time either.
func (t *trial) burst() string {
	if t.Indicator.Kind != slo.Percentile || t.windows != nil {
		return ""
	}
	late, ok := latency(t.Indicator, t.s.Generator.Lateness)
	own, known := latency(t.Indicator, t.s.Service)
	if !ok || !known || met(t.Objective, late) || !met(t.Objective, own) {
		return ""
	}
	return fmt.Sprintf("generator limited: slogate itself was late by %s (%s) and sent in bursts; from write to answer %s was %s; lower the rate or give it more CPU",
		quantity.Micros(late), t.Indicator, t.Indicator, quantity.Micros(own))
}

// ownLimits says that the bound would have been met without the requests that
// ended at limits of the generator's machine.
func (t *trial) ownLimits() string {
	local := t.s.Counters.Local
	if local == 0 || !t.metWithoutLocal() {
		return ""
	}
	return fmt.Sprintf("generator limited: %s of the requests ended at limits of slogate's own machine: open files, ports, its network, or addresses that it must not reach",
		quantity.Share(float64(local)/float64(t.s.Counters.Judged())))
}

// metWithoutLocal reports whether the objective would be met had the requests
// that ended at the generator's own limits not been due. A percentile leaves
// them out at the top, where their timeout has put them. What cannot be computed
// again is in doubt when they are as many as requests may be unsent.
func (t *trial) metWithoutLocal() bool {
	local := t.s.Counters.Local
	switch {
	case !t.feelsLocal():
		return false
	case countsFailures(t.Indicator):
		return t.metWith(func(c *result.Counters) { c.Local = 0 })
	case t.windows == nil && t.Indicator.Kind == slo.Percentile && bySlice(t.Indicator.Clock):
		return t.metWithoutSlowest(local)
	}
	return local > result.MayStayUnsent(t.s.Counters.Due())
}

// feelsLocal reports whether requests that ended before they reached the service
// make the objective worse: as failures and slow ones, or because something is
// asked for at least that they would have brought.
func (t *trial) feelsLocal() bool {
	switch ind := t.Indicator; {
	case !upward(t.Cmp):
		return true
	case isLatency(ind):
		return bySlice(ind.Clock) || ind.Clock == slo.Service
	default:
		return countsFailures(ind) || ind.Kind == slo.Slope || ind.Kind == slo.ScaleUpTime
	}
}

// countsFailures reports whether the indicator is made of the counters of
// successes and errors alone.
func countsFailures(ind slo.Indicator) bool { return judgesSuccess(ind) || ind.Kind == slo.Errors }

// metWith reports whether an objective on counters would be met had these been
// others, those of slices, too; it is where nothing remains.
func (t *trial) metWith(change func(*result.Counters)) bool {
	rest := *t.s
	change(&rest.Counters)
	if rest.Counters.Judged() == 0 {
		return true // the service was not asked
	}
	rest.Slices = slices.Clone(rest.Slices)
	for i := range rest.Slices {
		change(&rest.Slices[i].Counters)
	}
	return t.metBy(&rest)
}

// metWithoutSlowest reports whether a percentile would be met had so many of the
// slowest requests not been due.
func (t *trial) metWithoutSlowest(n int64) bool {
	rest := t.s.Response.WithoutSlowest(n)
	value, ok := latency(t.Indicator, rest)
	return rest.IsZero() || ok && met(t.Objective, value)
}

// throttledEnough is the share of a stage's time from which a generator that its
// own CPU limit held back may have missed any bound by itself: what is due
// meanwhile is late, and so is what comes after it. It is half of what p90 may
// leave above its bound.
const throttledEnough = 0.05

// throttled says that a CPU limit held slogate back for so much of the time that
// the miss may be its own. What the service answered is the service's, in time
// or not: statuses and failed checks.
func (t *trial) throttled() string {
	held := t.s.Generator.Throttled
	if held == 0 || held < t.mayMiss() || !t.metWithoutWaiting() {
		return ""
	}
	return fmt.Sprintf("generator limited: a CPU limit held slogate back for %s of the time; lower the rate or raise the limit",
		quantity.Share(held))
}

// mayMiss is the share of the time from which throttling may decide.
func (t *trial) mayMiss() float64 {
	if q := t.Indicator.Quantile; t.Indicator.Kind == slo.Percentile && q.Den > 0 {
		return min(throttledEnough, float64(q.Den-q.Num)/float64(q.Den))
	}
	return throttledEnough
}

// slowedBy is how many requests a held back generator may have made slow, for
// each that was due meanwhile: those too that came until it had caught up.
const slowedBy = 4

// metWithoutWaiting reports whether an objective on counts would be met had the
// requests not been due that a slow generator may have lost, and a percentile
// had those not been due that it may have made slow. Nobody can tell that of
// other times and of rates.
func (t *trial) metWithoutWaiting() bool {
	slow := func(n int64) int64 { return int64(slowedBy * t.s.Generator.Throttled * float64(n)) }
	switch {
	case countsFailures(t.Indicator):
		return t.metWith(func(c *result.Counters) {
			left := slow(c.Due())
			n := min(c.Timeout, left)
			c.Timeout -= n
			c.Unsent -= min(c.Unsent, left-n)
		})
	case t.windows == nil && t.Indicator.Kind == slo.Percentile && bySlice(t.Indicator.Clock):
		return t.metWithoutSlowest(slow(t.s.Response.Total()))
	}
	return slowed(t.Indicator)
}

// slowed reports whether a slow generator makes the indicator worse.
func slowed(ind slo.Indicator) bool {
	if isLatency(ind) {
		return ind.Clock != slo.MeasuredNumber
	}
	switch ind.Kind {
	case slo.Throughput, slo.Goodput, slo.Apdex, slo.Timeouts, slo.Unsent, slo.Slope, slo.Requests:
		return true
	}
	return false
}

// onTime is what the value would have been without the generator's own
// lateness. Slices do not keep that, so a window's value is moved to the time
// that has the same rank in the stage, or by as much as the stage's value moves.
func (t *trial) onTime() (float64, bool) {
	onTime, ok := latency(t.Indicator, t.s.OnTime)
	if t.windows == nil || !ok {
		return onTime, ok
	}
	switch t.Indicator.Kind {
	case slo.Percentile, slo.Min, slo.Max:
		total := t.s.Response.Total()
		rank := total - t.s.Response.Above(timeOf(t.value))
		d, ok := t.s.OnTime.Quantile(rank, total)
		return micros(d), ok
	}
	all, ok := latency(t.Indicator, t.s.Response)
	return t.value - max(all-onTime, 0), ok
}

// successFails reports whether a success objective fails this stage, so that
// the run fails without the help of its times.
func (s judgedStage) successFails() bool {
	return slices.ContainsFunc(s.plan.Objectives, func(o slo.Objective) bool {
		return o.Severity == slo.Fail && o.Relative == nil && judgesSuccess(o.Indicator) && missed(o, s.measured)
	})
}

// missed reports whether an objective is missed by what was measured of a
// stage.
func missed(o slo.Objective, s *result.Stage) bool {
	s = part(o, s)
	if o.Window > 0 {
		w, ok := lookThrough(o, s, math.MaxInt64)
		return ok && w.missed
	}
	value, ok := Measure(o.Indicator, s)
	return ok && !met(o, value)
}

func judgesSuccess(ind slo.Indicator) bool {
	return ind.Kind == slo.SuccessRate || ind.Kind == slo.ErrorRate
}

// needsSuccess reports whether the indicator says little of a service that does
// not do its work: its times are the timeout's, and an error costs less.
func needsSuccess(ind slo.Indicator) bool { return isLatency(ind) || ind.Kind == slo.CPUPerRequest }

// mostlyFailed reports whether fewer than half of the requests succeeded: the
// times of the rest are the timeout's, not the service's.
func mostlyFailed(c result.Counters) bool { return 2*c.Success < c.Judged() }

func (t *trial) mostlyFailedNote() string {
	c := t.s.Counters
	return fmt.Sprintf("only %s of the requests succeeded", quantity.Share(float64(c.Success)/float64(c.Judged())))
}

// cutShort says how a stage ended before its plan did.
func cutShort(s *result.Stage) string {
	after := quantity.Duration(s.Duration)
	switch s.State {
	case result.Dead:
		return fmt.Sprintf("the target was dead, the stage ended after %s", after)
	case result.Aborted:
		return fmt.Sprintf("the stage was aborted after %s", after)
	case result.Cancelled:
		return fmt.Sprintf("cancelled after %s", after)
	case result.Limited:
		return fmt.Sprintf("ended after %s: %s", after, s.Reason)
	}
	return fmt.Sprintf("the stage ended as %q after %s", s.State, after)
}

// atLeast reports whether the value is that of a request which failed, so that
// the true time is not known but longer.
func (t *trial) atLeast() bool {
	if !bySlice(t.Indicator.Clock) && t.Indicator.Clock != slo.Service {
		return false
	}
	failed := unsuccessful(t.seen().Counters)
	switch t.Indicator.Kind {
	case slo.Max:
		return failed > 0
	case slo.Percentile:
		q, total := t.Indicator.Quantile, samples(t.Indicator, t.seen())
		return failed > 0 && failed > mayLieAbove(q, total)
	}
	return false
}

// margin says whether the bound lies outside of the interval.
func (t *trial) margin() string {
	if t.interval.near(t.Objective) {
		return "near"
	}
	return "clear"
}

// notes is what a reader must know of a decided objective.
func (t *trial) notes() string {
	if t.windows != nil {
		return joined(t.windows.note(t.Window), t.failedInWindow())
	}
	var out []string
	for _, note := range []string{t.failedNote(), t.closedNote(), t.bunchedNote(), t.settleNote()} {
		if note != "" {
			out = append(out, note)
		}
	}
	return strings.Join(out, "; ")
}

// failedNote explains a percentile that failed requests have raised.
func (t *trial) failedNote() string {
	if t.Indicator.Kind != slo.Percentile || !bySlice(t.Indicator.Clock) || t.s.Counters.Success == 0 {
		return ""
	}
	failed := unsuccessful(t.s.Counters)
	ok, measured := latency(t.Indicator, t.s.OK)
	if failed == 0 || !measured || bucket(ok) == bucket(t.value) {
		return ""
	}
	if !t.atLeast() && met(t.Objective, ok) == met(t.Objective, t.value) {
		return "" // a rank or two of difference that changes nothing
	}
	return fmt.Sprintf("%s failed and count with their timeout%s; %s of the successful ones was %s",
		quantity.Share(float64(failed)/float64(t.s.Counters.Judged())), t.plural(), t.Indicator, quantity.Micros(ok))
}

// plural marks the timeout of an iteration, which is that of all its steps.
func (t *trial) plural() string {
	if t.Indicator.Clock == slo.IterationTime {
		return "s"
	}
	return ""
}

// failedInWindow explains the value of a window that failed requests have
// raised.
func (t *trial) failedInWindow() string {
	c := t.seen().Counters
	if failed := unsuccessful(c); failed > 0 && isLatency(t.Indicator) && t.atLeast() {
		return fmt.Sprintf("%s in it failed and count with their timeout", quantity.Share(float64(failed)/float64(c.Judged())))
	}
	return ""
}

// closedNote explains a missed throughput of a closed stage, which is workers
// divided by response time and nothing else (Little's law).
func (t *trial) closedNote() string {
	w := t.stage.plan.Workload
	mean, ok := t.s.Response.Mean()
	rate := t.Indicator.Kind == slo.Throughput || t.Indicator.Kind == slo.Goodput
	if rate && t.s.Generator.HeldTo > 0 && !met(t.Objective, t.value) {
		return fmt.Sprintf("the limits held the stage back to %s", quantity.Rate(t.s.Generator.HeldTo))
	}
	if !rate || !ok || mean <= 0 || t.Scope != (slo.Scope{}) || t.Indicator.Clock != slo.Response || w.Model != slo.Closed || w.WorkersFrom != w.WorkersTo || met(t.Objective, t.value) {
		return ""
	}
	return fmt.Sprintf("%d workers at a mean of %s cannot make more than %s", w.WorkersTo,
		quantity.Duration(mean), quantity.Rate(float64(w.WorkersTo)/mean.Seconds()))
}

// bunchedNote warns of an interval that rests on a few spells.
func (t *trial) bunchedNote() string {
	if !t.bounded || t.interval.deff <= bunchedFrom {
		return ""
	}
	what, counted := "failures", failures(t.s.Slices)
	if t.Indicator.Kind == slo.Percentile {
		what, counted = "slow requests", above(t.s.Slices, timeOf(t.value))
	}
	part, width := counted.spell(t.s.Slices)
	return fmt.Sprintf("%s were bunched: %s of them within %s, so the interval is unreliable",
		what, quantity.Share(part), quantity.Duration(width))
}

// longestAdvice is how long a stage may be that a note asks for.
const longestAdvice = 4 * time.Hour

// settleNote estimates how long a stage would move the bound out of the
// interval: T·(half-width/|value − bound|)², since the width shrinks with the
// root of the time.
func (t *trial) settleNote() string {
	if !t.bounded || !t.interval.near(t.Objective) {
		return ""
	}
	half, gap := t.value-t.interval.lower, t.value-t.Bound
	if gap < 0 {
		half, gap = t.interval.upper-t.value, -gap
	}
	if t.Indicator.Kind == slo.Capacity {
		return "near the bound: a search tells rates apart by 5 %"
	}
	if gap == 0 || half <= gap || t.interval.open && t.Bound > t.value {
		return ""
	}
	needed := t.s.Duration.Seconds() * (half / gap) * (half / gap)
	if needed > longestAdvice.Seconds() {
		return ""
	}
	return "near the bound: a stage of about " + roundUp(time.Duration(needed*float64(time.Second))) + " would settle it"
}

// roundUp writes a length of time that is an estimate.
func roundUp(d time.Duration) string {
	unit := time.Second
	if d > 2*time.Minute {
		unit = time.Minute
	}
	return quantity.Duration((d + unit - 1) / unit * unit)
}
