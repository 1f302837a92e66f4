package gate

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// comparison is one objective in one stage beside its earlier values.
type comparison struct {
	scaling
	trial
	stats.Prediction
	sign      float64 // +1 where higher is worse
	distance  float64 // of the measured value from the centre, on the scale; above 0 is worse
	tolerance float64 // the distance that the objective allows
	runs      int
	mismatch  string
	stepped   int // earlier results before a step, which are left out
	accepted  int // and those before a regression that was let through
}

// judgeRelative judges an objective against earlier results. The measurements
// must be able to carry a verdict at all, then it is the prediction limit of
// the history that decides: see [comparison.verdict].
func (h history) judgeRelative(t *trial, out *result.JudgedObjective) (result.Verdict, string) {
	if why := t.incomparable(); why != "" {
		return undecided(t.Objective), why
	}
	verdict, why := h.judgeRecent(t, out)
	if h.Ref == nil || t.Severity == slo.Show {
		return verdict, why
	}
	return h.besidePinned(t, out, verdict, why)
}

// judgeRecent judges against the recent results.
func (h history) judgeRecent(t *trial, out *result.JudgedObjective) (result.Verdict, string) {
	s := h.sample(t, h.runs)
	if len(s.values) == 0 {
		return h.withoutBaseline(t)
	}
	if s.mismatch != "" && !h.rules.AllowMismatch {
		return undecided(t.Objective), "the baseline is not comparable, " + s.mismatch
	}
	c, ok := compare(t, s)
	if !ok {
		verdict, why := judgeAmount(t, s.sinceAccepted(t.Objective), out)
		return h.excused(verdict, why)
	}
	c.describe(out)
	if t.Severity == slo.Show {
		return result.Shown, c.notes()
	}
	verdict, why := c.verdict(h.rules.Strict)
	return h.excused(verdict, why)
}

// withoutBaseline is the verdict of an objective that no earlier result can
// judge.
func (h history) withoutBaseline(t *trial) (result.Verdict, string) {
	why := "there is no baseline to compare with"
	switch {
	case len(h.runs) > 0:
		why = "no earlier result has measured it in this stage"
	case h.now.Base != nil && !isWindowed(t.Indicator):
		why = "base and head are not compared by " + t.Indicator.String()
	case h.now.Base != nil:
		why = "head was loaded alone: " + cmp.Or(Alone(t.stage.plan), "base has no such stage")
	}
	switch {
	case t.Severity == slo.Show:
		return result.Shown, why
	case h.rules.Required:
		return result.Inconclusive, why + ", and the file requires one"
	case h.future > 0 && len(h.runs) == 0:
		return undecided(t.Objective), "the baseline was " + fromTheFuture
	}
	return result.Skipped, why
}

// excused lets a regression pass with a warning on the base branch and where
// it was accepted.
func (h history) excused(v result.Verdict, why string) (result.Verdict, string) {
	switch {
	case v == result.Fail && h.Accepted != "":
		return result.Warn, joined(why, "accepted: "+h.Accepted)
	case v == result.Fail && h.BaseBranch:
		return result.Warn, joined(why, "on the base branch a comparison only warns")
	}
	return v, why
}

// besidePinned also compares with the pinned result. What it adds is a warning
// at most.
func (h history) besidePinned(t *trial, out *result.JudgedObjective, v result.Verdict, why string) (result.Verdict, string) {
	s := h.sample(t, []*result.Run{h.Ref})
	if len(s.values) == 0 || s.mismatch != "" && !h.rules.AllowMismatch {
		return v, why
	}
	c, ok := compare(t, s)
	if !ok {
		return v, why
	}
	if out.Comparison == nil {
		c.describe(out)
	}
	pinned, _ := c.verdict(h.rules.Strict)
	missed := pinned == result.Fail || pinned == result.Warn
	note := "against the pinned result " + c.text(c.change(c.sign*c.distance))
	switch {
	case missed && (v == result.Pass || v == result.Skipped):
		return result.Warn, joined(why, note)
	case v == result.Skipped && pinned == result.Pass:
		return result.Pass, note
	case missed:
		return v, joined(why, note)
	}
	return v, why
}

func joined(notes ...string) string {
	var out []string
	for _, n := range notes {
		if n != "" {
			out = append(out, n)
		}
	}
	return strings.Join(out, "; ")
}

// incomparable says why the stage's own measurements carry no comparison.
func (t *trial) incomparable() string {
	if why := t.unusable(); why != "" {
		return why
	}
	switch {
	case t.s.State != result.Completed:
		return cutShort(t.s)
	case t.s.Counters.Finished() == 0:
		return "no request finished"
	case needsSuccess(t.Indicator) && mostlyFailed(t.s.Counters) && t.stage.successFails():
		return t.mostlyFailedNote()
	case t.tooFew():
		return tooFew(t.Objective, samples(t.Indicator, t.s))
	}
	return ""
}

// unlessFailing passes no time of a stage that mostly failed. Missed ones fail
// all the same: to fail more must not turn a red run green.
func (t *trial) unlessFailing(v result.Verdict, why string) (result.Verdict, string) {
	if v == result.Pass && needsSuccess(t.Indicator) && mostlyFailed(t.s.Counters) {
		return result.Inconclusive, t.mostlyFailedNote()
	}
	return v, why
}

// compare sets a trial beside its earlier values, on the ln scale or in
// points. It reports false where a value of 0 has no ln.
func compare(t *trial, s sample) (comparison, bool) {
	c := comparison{scaling: scaleOf(t.Indicator), trial: *t, sign: sign(t.Objective), mismatch: s.mismatch}
	values := s.sinceAccepted(t.Objective)
	c.accepted = len(s.values) - len(values)
	if at, found := stats.Step(values); found {
		values, c.stepped = values[at:], at
	}
	c.runs = len(values)
	c.Prediction = stats.Predict(values, c.prior(s.mismatch != ""))
	x := c.of(t.value)
	if math.IsInf(x, 0) || math.IsNaN(x) || math.IsInf(c.Centre, 0) || math.IsNaN(c.Centre) || math.IsNaN(c.Limit) {
		return c, false
	}
	c.distance = c.sign * (x - c.Centre)
	c.Bound = c.bound()
	c.tolerance = c.sign * (c.of(max(c.Bound, 0)) - c.Centre)
	if math.IsInf(c.tolerance, 0) {
		c.tolerance = widest
	}
	return c, true
}

// widest is the distance of a tolerance that reaches down to 0: e²⁰ times,
// which no comparison of services exceeds.
const widest = 20

// bound is what the objective allows at the baseline's value.
func (c comparison) bound() float64 { return relativeBound(c.Objective, c.back(c.Centre)) }

// verdict follows the distance from the centre of the history. Beyond the
// tolerance and the prediction limit it is a regression; beyond the tolerance
// alone, the spread between runs may have made it. A strict file fails there
// too.
func (c comparison) verdict(strict bool) (result.Verdict, string) {
	if coarse := c.tooCoarse(); coarse != "" {
		return result.Inconclusive, coarse
	}
	if met(c.Objective, c.value) {
		return result.Pass, c.notes()
	}
	if why := c.generatorLimited(); why != "" {
		return result.Inconclusive, why
	}
	if c.distance > c.Limit {
		return c.miss(), c.notes()
	}
	if strict {
		return c.miss(), joined(fmt.Sprintf("strict: %s of unchanged runs would miss this tolerance",
			quantity.Share(c.FalseAlarm(c.tolerance))), c.notes())
	}
	return result.Inconclusive, joined(fmt.Sprintf("the tolerance is finer than %s can judge: %s can see %s",
		c.these(), c.they(), c.text(c.change(c.sign*c.Limit))), c.advice(), c.notes())
}

func (c comparison) these() string {
	if c.runs == 1 {
		return "this 1 run"
	}
	return fmt.Sprintf("these %d runs", c.runs)
}

func (c comparison) they() string {
	if c.runs == 1 {
		return "it"
	}
	return "they"
}

// advice helps where even many more runs of this spread would not do.
func (c comparison) advice() string {
	if c.runs > 1 {
		return ""
	}
	return "more earlier results would see less"
}

// notes is what a reader must know of a comparison that decided.
func (c comparison) notes() string {
	var out []string
	if c.distance < -c.Limit {
		out = append(out, "improved by more than runs differ")
	}
	if c.mismatch != "" {
		out = append(out, "compared although the baseline has "+c.mismatch)
	}
	if c.accepted > 0 {
		out = append(out, fmt.Sprintf("a regression was let through: of the earlier results only %s since then count, which can see %s", c.sinceThen(), c.text(c.change(c.sign*c.Limit))))
	}
	if c.stepped > 0 {
		out = append(out, fmt.Sprintf("the history moved to another level; the %d results before that are left out", c.stepped))
	}
	return joined(out...)
}

func (c comparison) sinceThen() string {
	if c.runs == 1 {
		return "the one"
	}
	return fmt.Sprintf("the %d", c.runs)
}

// describe writes the comparison into the judged objective.
func (c comparison) describe(out *result.JudgedObjective) {
	out.Bound = c.Bound
	out.Comparison = &result.Comparison{
		Baseline:   c.back(c.Centre),
		Runs:       c.runs,
		Points:     c.points,
		Change:     c.change(c.sign * c.distance),
		Tolerance:  c.change(c.sign * c.tolerance),
		Limit:      c.change(c.sign * c.Limit),
		Detectable: c.change(c.sign * c.Detectable(c.tolerance)),
		Spread:     c.Spread,
		Mismatch:   c.mismatch,
	}
}
