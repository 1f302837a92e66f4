// Package gate judges what a run has measured against the objectives of its
// SLO file.
//
// In come an [slo.File] and a [result.Run]; out comes a [result.Judgement]:
// for each objective in each stage the measured value, its interval, a verdict
// and, where a reader needs one, a reason; and one verdict for the run. The
// same measurements always give the same judgement: nothing here reads a clock,
// knows of HTTP or is random, but the trials of [Calibrate], whose seed is fixed.
//
// The measured value decides, equal is met, and the interval beside it says
// how near it was. An objective is inconclusive where the measurements cannot
// carry a verdict: too few requests, a generator that could not keep its
// schedule, a stage that did not run or was cut short. No data is never a
// pass. docs/verdicts.md has the rules for users.
package gate

import (
	"fmt"
	"slices"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Judge judges every objective of every judged stage of the file, in order, by
// the stage of the same name in r. A stage that r does not hold did not run.
// Relative objectives are judged by base's side of the run where it has one,
// else by the earlier results in opts.
func Judge(file *slo.File, r *result.Run, opts Options) *result.Judgement {
	earlier := newHistory(file.Baseline, r, opts)
	j := &result.Judgement{Objectives: []result.JudgedObjective{}}
	var stages []judgedStage
	for _, plan := range file.Stages {
		if plan.Judge {
			stages = append(stages, newJudgedStage(plan, r))
		}
	}
	pairs := pairUp(stages, r.Base)
	for _, stage := range stages {
		for i, o := range stage.plan.Objectives {
			j.Objectives = append(j.Objectives, finite(judgeObjective(o, stage, earlier, pairs[place{stage.plan.Name, i}])))
		}
	}
	j.Notices = append(earlier.notices, notices(j.Objectives)...)
	for _, stage := range stages {
		if s := stage.measured; s != nil && s.Runs > 1 && !stage.plan.Workload.Search {
			j.Notices = append(j.Notices, fmt.Sprintf("stage %q was loaded twice, because it failed near a bound: both together decide, and counts are the mean of both", s.Name))
		}
	}
	if len(r.Gaps) > shownGaps {
		j.Notices = append(j.Notices, r.Gaps...)
	}
	j.Baseline, j.Earlier = baselineUse(j.Objectives), earlier.past(stages)
	if b := j.Baseline; b != nil && b.Covered < b.Relative {
		j.Notices = append(j.Notices, fmt.Sprintf("baseline covers %d of %s", b.Covered, objectives(b.Relative)))
	}
	if len(pairs) > 0 && r.Base.Starts == 1 {
		j.Notices = append(j.Notices, "one start of base and one of head were compared: what differs from start to start looks like a change")
	}
	j.Verdict, j.Reason = runVerdict(r, stages, j.Objectives, opts.BaseBranch)
	return j
}

// Undecided reports whether an objective that can fail the run is inconclusive,
// also where the run has another verdict for it.
func Undecided(j *result.Judgement) bool {
	return slices.ContainsFunc(j.Objectives, func(o result.JudgedObjective) bool {
		return o.Verdict == result.Inconclusive && o.Severity == string(slo.Fail)
	})
}

// judgedStage is a planned stage with what was measured of it.
type judgedStage struct {
	plan     slo.Stage
	measured *result.Stage // nil: the stage did not run
	reason   string        // why it did not run, where known
	answered bool          // the target had answered, in this stage or before it

	costMissing    string // why the service's cost is not known
	clusterMissing string // what could not be seen of its replicas
}

func newJudgedStage(plan slo.Stage, r *result.Run) judgedStage {
	out := judgedStage{plan: plan, costMissing: r.Cost.Missing, clusterMissing: missingOf(r.Timeline)}
	for i := range r.Stages {
		s := &r.Stages[i]
		out.answered = out.answered || answered(s)
		if s.Name != plan.Name {
			continue
		}
		if s.State == result.NotRun {
			out.reason = s.Reason
		} else {
			out.measured = s
		}
		break
	}
	return out
}

// answered reports whether any answer came, be it an unsuccessful one.
func answered(s *result.Stage) bool {
	if s.Counters.Success > 0 {
		return true
	}
	return answers(slo.StatusRange{From: 100, To: 999}, s.Status) > 0
}

// state of the stage; NotRun where nothing of it is there.
func (s judgedStage) state() result.State {
	if s.measured == nil {
		return result.NotRun
	}
	return s.measured.State
}

// died reports whether the target was dead in the stage, having answered
// before.
func (s judgedStage) died() bool { return s.state() == result.Dead && s.answered }

// baselineUse counts what earlier results could judge, nil where they judged
// nothing.
func baselineUse(all []result.JudgedObjective) *result.BaselineUse {
	var use result.BaselineUse
	for _, o := range all {
		if !o.Relative {
			continue
		}
		use.Relative++
		if c := o.Comparison; c != nil {
			use.Runs = max(use.Runs, c.Runs)
		}
		if o.Comparison != nil || o.Verdict == result.Fail || o.Verdict.Passes() {
			use.Covered++
		}
	}
	if use.Covered == 0 {
		return nil
	}
	return &use
}
