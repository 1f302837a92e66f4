package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Support is what earlier results say of one objective in one stage: which
// bound, or which tolerance, unchanged runs keep. Values are in the scale of
// the indicator's unit; changes are fractions, or differences of shares where
// Points is set, and above 0.
type Support struct {
	Objective slo.Objective
	Stage     string
	Runs      int // results that were used
	Points    bool

	Median float64
	Worst  float64 // the highest where the objective is missed by high values, else the lowest
	Within float64 // 99 of 100 unchanged runs stay within it: the prediction limit of these results
	Missed int     // results that miss the objective as it is; of one with a value
	Alarms float64 // share of unchanged runs that lie beyond its bound or tolerance; NaN where it has none

	Tolerance float64 // of a relative objective at the median, the largest alternative
	Smallest  float64 // tolerance that so many results can judge
}

// LeftOut is a result that says nothing of a stage, and why.
type LeftOut struct {
	Run   *result.Run
	Stage string // empty: of none
	Why   string
}

// Supports looks at every objective of a file that can be held against earlier
// results, by the rule of [stats.Predict]. The newest result says what the
// others must be comparable with. Objectives on exact counts are none of them:
// what they ask for is no question of how runs differ. Nor are those on a part
// of a stage, a step or a window.
//
// In one point it differs from comparisons with earlier results: a share with a
// value is not assumed to differ from run to run by more than what may have
// failed in all of them together, the upper limit of Clopper and Pearson. Where
// none of 10,000 requests failed, half a point would call 99.9 % out of reach.
func Supports(file *slo.File, runs []*result.Run) ([]Support, []LeftOut) {
	runs, twice := sortedRuns(runs)
	if len(runs) == 0 {
		return nil, twice
	}
	var out []Support
	left := twice
	for _, stage := range file.Stages {
		if !stage.Judge {
			continue
		}
		stages, others := alike(runs, stage.Name)
		left = append(left, others...)
		inTurn := slices.ContainsFunc(runs, func(r *result.Run) bool { return r.Base.Stage(stage.Name) != nil })
		for _, o := range stage.Objectives {
			if len(o.Relative) > 0 && inTurn {
				continue // judged within each run, not by the others
			}
			if s, ok := support(o, stage.Name, stages); ok {
				out = append(out, s)
			}
		}
	}
	return out, left
}

// sortedRuns puts results in order, oldest first, and takes those out that are
// there twice, were cancelled or lack a shard.
func sortedRuns(all []*result.Run) (runs []*result.Run, left []LeftOut) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *result.Run) int { return a.Start.Compare(b.Start) })
	var h history
	for _, r := range all {
		h.now = r
		switch {
		case slices.ContainsFunc(h.runs, func(o *result.Run) bool { return o.Seed == r.Seed && o.Start.Equal(r.Start) }):
			left = append(left, LeftOut{Run: r, Why: "the same run as another"})
		case r.Cancelled:
			left = append(left, LeftOut{Run: r, Why: "cancelled"})
		case len(r.Gaps) > 0:
			left = append(left, LeftOut{Run: r, Why: "not whole: " + strings.Join(r.Gaps[:min(len(r.Gaps), shownGaps)], "; ")})
		default:
			h.runs = append(h.runs, r)
		}
	}
	return h.runs, left
}

// alike gives what was measured of a stage, oldest first, in the newest
// run that has it and in those that can be compared with that one.
func alike(runs []*result.Run, name string) (stages []*result.Stage, left []LeftOut) {
	var newest *result.Fingerprint
	for _, r := range slices.Backward(runs) {
		i := slices.IndexFunc(r.Stages, func(s result.Stage) bool { return s.Name == name })
		why := ""
		switch {
		case i < 0:
			why = "has no such stage"
		case r.Stages[i].State != result.Completed:
			why = fmt.Sprintf("the stage is not complete: %s", r.Stages[i].State)
		default:
			f := result.FingerprintOf(r, &r.Stages[i])
			if newest == nil {
				newest = &f
			}
			why = newest.Difference(f)
		}
		if why != "" {
			left = append(left, LeftOut{Run: r, Stage: name, Why: why})
			continue
		}
		stages = append(stages, &r.Stages[i])
	}
	slices.Reverse(stages)
	return stages, left
}

// support reports false where nothing can be said of an objective.
func support(o slo.Objective, stage string, stages []*result.Stage) (Support, bool) {
	if o.Severity == slo.Show || o.Cmp == slo.EQ || !varies(o.Indicator) || o.Scope != (slo.Scope{}) || o.Window > 0 {
		return Support{}, false
	}
	scale, worse := scaleOf(o.Indicator), sign(o)
	s := Support{Objective: o, Stage: stage, Points: scale.points, Alarms: math.NaN()}
	var values []float64
	var failed, judged float64 // requests, of a share with a value
	for _, stage := range stages {
		measured := part(o, stage)
		value, ok := Measure(o.Indicator, measured)
		x := scale.of(value)
		if o.Indicator.Kind == slo.Metric && metricUnknown(o.Indicator, measured) != "" {
			continue
		}
		if !ok || math.IsInf(x, 0) || math.IsNaN(x) || samples(o.Indicator, measured) < enoughOf(o) {
			continue
		}
		if len(values) == 0 || worse*(value-s.Worst) > 0 {
			s.Worst = value
		}
		if len(o.Relative) == 0 && !met(o, value) {
			s.Missed++
		}
		values = append(values, x)
		n := float64(measured.Counters.Judged())
		failed, judged = failed+n*math.Abs(value-s.perfect()), judged+n
	}
	if s.Runs = len(values); s.Runs == 0 {
		return Support{}, false
	}
	prior := scale.prior(false)
	if len(o.Relative) == 0 && o.Indicator.Unit() == slo.UnitShare {
		_, most := clopperPearson(failed, judged)
		prior = min(prior, most)
	}
	p := stats.Predict(values, prior)
	s.Median, s.Within = scale.back(p.Centre), scale.back(p.Centre+worse*p.Limit)
	if scale.points {
		s.Within = min(max(s.Within, 0), 1)
	}
	switch {
	case len(o.Relative) > 0:
		tolerance := toleranceAt(o, s.Median)
		s.Tolerance, s.Smallest = math.Abs(scale.change(worse*tolerance)), math.Abs(scale.change(worse*p.Limit))
		s.Alarms = p.FalseAlarm(tolerance)
	case s.isFree(values):
		s.Alarms = 0
	case o.Text != "":
		s.Alarms = p.FalseAlarm(worse * (scale.of(o.Bound) - p.Centre))
	}
	return s, true
}

// enoughOf is how many requests a value must come from: an objective without a
// bound has no need of its own.
func enoughOf(o slo.Objective) int64 {
	if o.Indicator.Kind == slo.Percentile {
		return Enough(o)
	}
	return 1
}

// varies reports whether an indicator differs from run to run by more than
// what happened: times, shares and rates do; counts follow the plan.
func varies(ind slo.Indicator) bool {
	switch ind.Unit() {
	case slo.UnitDuration, slo.UnitShare, slo.UnitRate, slo.UnitScore, slo.UnitNumber:
		return true
	}
	return false
}

// isFree reports a share that has been perfect in every result and has to be:
// its spread is none, whatever spread is assumed for shares.
func (s Support) isFree(values []float64) bool {
	if !s.Points {
		return false
	}
	perfect := s.perfect()
	return s.Objective.Bound == perfect && !slices.ContainsFunc(values, func(v float64) bool { return v != perfect })
}

// perfect is the best that a share can be.
func (s Support) perfect() float64 {
	if sign(s.Objective) > 0 {
		return 0
	}
	return 1
}

// AlarmsAt is the share of unchanged runs that may lie beyond a bound that
// holds here: of a comparison, the same part may fail.
const AlarmsAt = 0.01

// Holds reports whether unchanged runs keep the objective: at most 1 of 100
// lies beyond its bound or tolerance.
func (s Support) Holds() bool { return !(s.Alarms > AlarmsAt) }
