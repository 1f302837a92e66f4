package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// runVerdict puts the objectives' verdicts together, the first that applies:
// cancelled is inconclusive, and so are shards that are not the whole run; fail
// where the target died or a fail-objective failed; inconclusive where an absolute
// fail-objective is, where a judged stage did not complete, or where nothing was
// judged; warn where a warn-objective was missed or a relative fail-objective is
// inconclusive; else pass. On the base branch a run that had nothing to compare
// with only warns: it is the first, and becomes what the next one is compared
// with. The reason is one sentence that a reviewer can act on.
func runVerdict(r *result.Run, stages []judgedStage, all []result.JudgedObjective, baseBranch bool) (result.Verdict, string) {
	t := newTally(all)
	if r.Cancelled {
		return result.Inconclusive, "cancelled before the run was complete" + t.count(t.failed, "failed until then")
	}
	if len(r.Gaps) > 0 {
		return result.Inconclusive, "the run is not whole: " + strings.Join(r.Gaps[:min(len(r.Gaps), shownGaps)], "; ") + t.count(t.failed, "failed in what there is")
	}
	if r.Shard.IsPart() {
		return result.Inconclusive, "this is " + r.Shard.String() + ", which says nothing of the whole run: slogate merge puts them together"
	}
	if s, ok := first(stages, judgedStage.died); ok {
		return result.Fail, deadSentence(s) + t.count(t.failed, "failed")
	}
	if len(t.failed) > 0 {
		return result.Fail, missedSentence(t.failed[0]) + t.count(t.failed, "failed")
	}
	if len(t.unclear) > 0 {
		return result.Inconclusive, unclearSentence(t.unclear[0]) + t.count(t.unclear, "inconclusive")
	}
	if s, ok := first(stages, judgedStage.incomplete); ok {
		return result.Inconclusive, fmt.Sprintf("stage %s is not complete: %s", strconv.Quote(s.plan.Name), s.whyIncomplete())
	}
	if baseBranch && t.allSkipped() {
		return result.Warn, "the first result of the base branch: there is nothing to compare with yet"
	}
	if t.allSkipped() {
		return result.Inconclusive, "nothing was judged: no objective that could fail has a value, and there was nothing to compare with"
	}
	if t.nothing() {
		return result.Inconclusive, "nothing was judged"
	}
	if len(t.warned) > 0 {
		return result.Warn, missedSentence(t.warned[0]) + t.count(t.warned, "missed, which only warns")
	}
	if len(t.hidden) > 0 {
		return result.Warn, unclearSentence(t.hidden[0]) + t.count(t.hidden, "could not be compared")
	}
	return result.Pass, t.passedSentence()
}

// shownGaps is how many of what is missing a sentence names. The notices have all.
const shownGaps = 3

func first(stages []judgedStage, is func(judgedStage) bool) (judgedStage, bool) {
	for _, s := range stages {
		if is(s) {
			return s, true
		}
	}
	return judgedStage{}, false
}

// incomplete reports whether the stage did not run to its planned end. Its
// missing part is missing data, also where only warn-objectives look at it.
func (s judgedStage) incomplete() bool { return s.state() != result.Completed }

func (s judgedStage) whyIncomplete() string {
	if s.measured == nil {
		return didNotRun(s)
	}
	return cutShort(s.measured)
}

func deadSentence(s judgedStage) string {
	out := "the target was dead in " + strconv.Quote(s.plan.Name)
	if s.measured.Reason != "" {
		out += ": " + s.measured.Reason
	}
	return out
}

// tally sorts judged objectives by what they mean for the run.
type tally struct {
	failed  []result.JudgedObjective
	unclear []result.JudgedObjective // inconclusive absolute fail-objectives
	hidden  []result.JudgedObjective // inconclusive relative fail-objectives
	warned  []result.JudgedObjective
	passed  int
	judged  int // all but the shown and skipped ones
	gating  int // fail-objectives, skipped ones included
	skipped int // fail-objectives without a baseline
}

func newTally(all []result.JudgedObjective) tally {
	var t tally
	for _, o := range all {
		gating := o.Severity == string(slo.Fail)
		if gating {
			t.gating++
		}
		if o.Verdict != result.Shown && o.Verdict != result.Skipped {
			t.judged++
		}
		switch o.Verdict {
		case result.Pass:
			t.passed++
		case result.Fail:
			t.failed = append(t.failed, o)
		case result.Warn:
			t.warned = append(t.warned, o)
		case result.Inconclusive:
			switch {
			case gating && o.Relative:
				t.hidden = append(t.hidden, o)
			case gating:
				t.unclear = append(t.unclear, o)
			}
		case result.Skipped:
			if gating {
				t.skipped++
			}
		}
	}
	return t
}

// nothing reports whether none of the objectives was decided.
func (t tally) nothing() bool { return t.passed+len(t.warned)+len(t.failed) == 0 }

// allSkipped reports whether all that could have failed had no baseline.
func (t tally) allSkipped() bool { return t.gating > 0 && t.skipped == t.gating }

// count continues a sentence: "; 2 of 7 objectives failed".
func (t tally) count(of []result.JudgedObjective, what string) string {
	if len(of) == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of %s %s", len(of), objectives(t.judged), what)
}

func (t tally) passedSentence() string {
	if t.passed < t.judged {
		return fmt.Sprintf("%d of %s met, the others only warn and are inconclusive", t.passed, objectives(t.judged))
	}
	if t.passed == 1 {
		return "the only objective is met"
	}
	return fmt.Sprintf("all %s are met", objectives(t.passed))
}

func objectives(n int) string {
	if n == 1 {
		return "1 objective"
	}
	return strconv.Itoa(n) + " objectives"
}

// missedSentence says by how much: `p95 of "high" was 620 ms, 38 % over
// 450 ms`.
func missedSentence(o result.JudgedObjective) string {
	what := subject(o)
	if o.Measured == nil {
		return what + " failed: " + o.Reason
	}
	if o.Comparison != nil {
		return what + " " + changedSentence(o)
	}
	value, bound := quantity.Distinct(o.Unit, *o.Measured, o.Bound)
	if o.AtLeast {
		value = "at least " + value
	}
	return fmt.Sprintf("%s was %s%s, %s", what, value, during(o), distance(o, bound))
}

// subject says what was measured where: `p95 of "high"`, `p95 of step "order"
// in "high"`.
func subject(o result.JudgedObjective) string {
	in := " of "
	if o.Scenario != "" || o.Step != "" {
		in = " in "
	}
	return o.Subject() + in + strconv.Quote(o.Stage)
}

// during says where in the stage the worst window lies.
func during(o result.JudgedObjective) string {
	if o.Until == 0 {
		return ""
	}
	return " from " + quantity.Duration(o.From) + " to " + quantity.Duration(o.Until)
}

// changedSentence says how far a value lies from the baseline: `was 620 ms,
// +38 % against the 450 ms of 7 runs`.
func changedSentence(o result.JudgedObjective) string {
	value, base := quantity.Distinct(o.Unit, *o.Measured, o.Comparison.Baseline)
	if o.Comparison.Runs == 0 {
		return fmt.Sprintf("was %s, %s against base's %s", value, scaling{o.Comparison.Points}.text(o.Comparison.Change), base)
	}
	return fmt.Sprintf("was %s, %s against the %s of %s", value,
		scaling{o.Comparison.Points}.text(o.Comparison.Change), base, runsText(o.Comparison.Runs))
}

func runsText(n int) string {
	if n == 1 {
		return "1 earlier run"
	}
	return strconv.Itoa(n) + " earlier runs"
}

// distance says where a measured value lies from its bound.
func distance(o result.JudgedObjective, bound string) string {
	value, unit := *o.Measured, slo.Unit(o.Unit)
	at := orderOfJudged(o)
	switch {
	case meets(slo.Cmp(o.Cmp), at):
		return o.Reason // missed for another reason than its value
	case at == 0:
		return fmt.Sprintf("and has to be %s %s", o.Cmp, bound)
	}
	side := "over"
	if at < 0 {
		side = "under"
	}
	gap := math.Abs(value - o.Bound)
	switch {
	case unit == slo.UnitShare:
		return fmt.Sprintf("%s %s %s", quantity.Points(gap), side, bound)
	case o.Bound == 0 || unit == slo.UnitCount || unit == slo.UnitScore:
		return fmt.Sprintf("%s %s", side, bound)
	case value >= 3*o.Bound:
		return fmt.Sprintf("%.0f times %s", value/o.Bound, bound)
	case gap < o.Bound/100:
		return fmt.Sprintf("just %s %s", side, bound)
	}
	return fmt.Sprintf("%s %% %s %s", strconv.FormatFloat(gap/o.Bound*100, 'f', 0, 64), side, bound)
}

// orderOfJudged compares what was measured with the bound, as the verdict did.
func orderOfJudged(o result.JudgedObjective) int {
	ind, err := slo.ParseIndicator(o.Indicator)
	if err != nil { // of a file of others
		return order(slo.Unit(o.Unit), *o.Measured, o.Bound)
	}
	return orderOf(ind, *o.Measured, o.Bound)
}

func unclearSentence(o result.JudgedObjective) string {
	return fmt.Sprintf("%s is inconclusive: %s", subject(o), o.Reason)
}

// notices tells of objectives that were skipped and of warn-objectives that
// nothing could be said of: too little for a verdict of the run, too much to
// keep quiet. Those that were skipped for the same reason share one.
func notices(all []result.JudgedObjective) []string {
	skipped := map[string]int{}
	for _, o := range all {
		if o.Verdict == result.Skipped {
			skipped[o.Reason]++
		}
	}
	var out []string
	for _, o := range all {
		switch {
		case o.Verdict == result.Skipped && skipped[o.Reason] == 1:
			out = append(out, fmt.Sprintf("%s was skipped: %s", subject(o), o.Reason))
		case o.Verdict == result.Skipped && skipped[o.Reason] > 1:
			out = append(out, fmt.Sprintf("%s were skipped: %s", objectives(skipped[o.Reason]), o.Reason))
			skipped[o.Reason] = 0
		case o.Verdict == result.Inconclusive && o.Severity != string(slo.Fail):
			out = append(out, unclearSentence(o))
		}
	}
	return out
}
