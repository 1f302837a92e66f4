package result

import (
	"strconv"
	"time"
)

// Verdict is the end of an objective or of a run. The zero value is invalid.
type Verdict string

// The verdicts, and Shown for an objective that is only for information.
const (
	Pass         Verdict = "pass"
	Warn         Verdict = "warn"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	Skipped      Verdict = "skipped"
	Shown        Verdict = "shown"
)

// Passes reports whether a run of this verdict lets a change through.
func (v Verdict) Passes() bool { return v == Pass || v == Warn }

// Judgement is the verdict of a run and of each of its objectives.
type Judgement struct {
	Verdict    Verdict           `json:"verdict"`
	Reason     string            `json:"reason"` // one sentence that a reviewer can act on
	Objectives []JudgedObjective `json:"objectives"`
	Notices    []string          `json:"notices,omitempty"`
	Baseline   *BaselineUse      `json:"baseline,omitempty"` // nil: no earlier results were at hand
	Earlier    []Earlier         `json:"earlier,omitempty"`  // those that counted, oldest first
	Loosened   []Loosening       `json:"loosened,omitempty"` // what the change under test itself asks less of
}

// Loosening is something that the SLO file of a change asks less of than the
// file of its base.
type Loosening struct {
	Stages []string `json:"stages,omitempty"` // empty: all
	Before string   `json:"before"`           // as base has it: "p95 <= 450ms"
	After  string   `json:"after"`            // "p95 <= 900ms", "removed"
}

// Earlier is an earlier result that the run could be compared with.
type Earlier struct {
	Source
	Start  time.Time      `json:"start"`
	Stages []EarlierStage `json:"stages,omitempty"` // judged ones of the same fingerprint
}

// EarlierStage is what a stage had measured in an earlier result, for its
// course from run to run.
type EarlierStage struct {
	Name       string        `json:"name"`
	P95        time.Duration `json:"p95_ns"`       // of response time; 0: nothing was measured
	Success    float64       `json:"success_rate"` // share
	Throughput float64       `json:"throughput"`   // finished requests a second
}

// Stage returns what a stage had measured, nil where that is not known or not
// comparable.
func (e Earlier) Stage(name string) *EarlierStage {
	for i := range e.Stages {
		if e.Stages[i].Name == name {
			return &e.Stages[i]
		}
	}
	return nil
}

// BaselineUse says how much of the run earlier results could judge.
type BaselineUse struct {
	Runs     int `json:"runs"`     // that were used at most by one objective
	Covered  int `json:"covered"`  // relative objectives that had something to be compared with
	Relative int `json:"relative"` // relative objectives, in all judged stages
}

// Comparison is what an objective was compared with. Changes are fractions of
// the baseline's value (0.1 is +10 %), or differences of shares and scores.
type Comparison struct {
	Baseline   float64  `json:"baseline"`        // base's value or the median of the earlier ones, in the objective's unit
	Runs       int      `json:"runs"`            // earlier results that it rests on; 0: base and head in one run
	Pairs      int      `json:"pairs,omitempty"` // windows of base and head that it rests on
	Points     bool     `json:"points,omitempty"`
	Change     float64  `json:"change"`          // measured against Baseline; of pairs of times and rates, the estimate of Hodges and Lehmann
	Lower      *float64 `json:"lower,omitempty"` // 95 % interval of the change; nil: none
	Upper      *float64 `json:"upper,omitempty"`
	P          float64  `json:"p,omitempty"` // of pairs: of no change, corrected for the family of objectives
	Tolerance  float64  `json:"tolerance"`   // the change that the objective allows; negative where less is worse
	Limit      float64  `json:"limit"`       // the change that one unchanged run in 100 exceeds; of pairs, Detectable
	Detectable float64  `json:"detectable"`  // the change that is noticed in four of five runs
	Spread     float64  `json:"spread"`      // standard deviation between runs or windows, on the ln scale or in points
	Mismatch   string   `json:"mismatch,omitempty"`
}

// JudgedObjective is one objective in one stage.
type JudgedObjective struct {
	Text      string  `json:"text"`      // the objective as written, with its scope: "p95 <= 1s, step order"
	Indicator string  `json:"indicator"` // "p95", "ok.p99", "status(5xx)"
	Unit      string  `json:"unit"`      // duration (microseconds), share, rate, count, bytes, score, slope (microseconds a minute)
	Stage     string  `json:"stage"`
	Scenario  string  `json:"scenario,omitempty"` // whose requests alone it judges; empty: all
	Step      string  `json:"step,omitempty"`     // likewise
	Severity  string  `json:"severity"`           // fail, warn, show
	Verdict   Verdict `json:"verdict"`
	Reason    string  `json:"reason,omitempty"` // why inconclusive, or what else a reader must know

	Measured *float64 `json:"measured,omitempty"` // nil: nothing was measured
	AtLeast  bool     `json:"at_least,omitempty"` // Measured is a lower limit: requests that failed count with their timeout
	Lower    *float64 `json:"lower,omitempty"`    // 95 % interval within this run; nil: none
	Upper    *float64 `json:"upper,omitempty"`    // nil with Lower set: no upper limit
	Margin   string   `json:"margin,omitempty"`   // clear: the bound lies outside of the interval; near: within
	Samples  int64    `json:"samples"`
	Cmp      string   `json:"cmp,omitempty"`
	Bound    float64  `json:"bound"`

	// Window is the length of the parts of the stage none of which may miss the
	// bound; 0: the stage as a whole is judged. Measured is then the value of
	// the worst one, which lies between From and Until since the stage's start.
	Window time.Duration `json:"window_ns,omitempty"`
	From   time.Duration `json:"from_ns,omitempty"`
	Until  time.Duration `json:"until_ns,omitempty"`

	Relative   bool        `json:"relative,omitempty"` // judged against a baseline; Bound is the tolerance at its value
	Comparison *Comparison `json:"comparison,omitempty"`

	Implicit bool `json:"implicit,omitempty"`
	Line     int  `json:"line,omitempty"` // in the SLO file
	Column   int  `json:"column,omitempty"`
}

// Subject says what was measured, without the stage: "p95", `p95 of step
// "order"`.
func (o JudgedObjective) Subject() string {
	switch {
	case o.Step != "" && o.Scenario != "":
		return o.Indicator + " of step " + strconv.Quote(o.Step) + " of " + strconv.Quote(o.Scenario)
	case o.Step != "":
		return o.Indicator + " of step " + strconv.Quote(o.Step)
	case o.Scenario != "":
		return o.Indicator + " of scenario " + strconv.Quote(o.Scenario)
	}
	return o.Indicator
}

// Finding is one diagnosed cause with its evidence and a suggested change.
type Finding struct {
	Rule       string   `json:"rule"` // "knee", "saturated", "replica-ceiling", …
	Stage      string   `json:"stage"`
	Title      string   `json:"title"`
	Evidence   []string `json:"evidence"` // each with its numbers
	Suggestion []string `json:"suggestion,omitempty"`
	Disproof   string   `json:"disproof,omitempty"` // what would show that it is wrong
	Note       bool     `json:"note,omitempty"`     // one sign only

	Confidence Confidence    `json:"confidence,omitempty"` // empty in files of earlier versions
	Since      time.Duration `json:"since_ns,omitempty"`   // from the stage's start to where it is first seen; 0: in the whole stage
}

// Confidence is how sure a finding is, by the independent signs that speak for
// it.
type Confidence string

// One sign, or a doubt that the generator caused it, is a note of low
// confidence; two signs are medium, more are high.
const (
	Low    Confidence = "low"
	Medium Confidence = "medium"
	High   Confidence = "high"
)
