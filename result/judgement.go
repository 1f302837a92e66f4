package result

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

// Judgement is the verdict of a run and of each of its objectives.
type Judgement struct {
	Verdict    Verdict           `json:"verdict"`
	Reason     string            `json:"reason"` // one sentence that a reviewer can act on
	Objectives []JudgedObjective `json:"objectives"`
	Notices    []string          `json:"notices,omitempty"`
}

// JudgedObjective is one objective in one stage.
type JudgedObjective struct {
	Text      string  `json:"text"`      // the objective as written
	Indicator string  `json:"indicator"` // "p95", "ok.p99", "status(5xx)"
	Unit      string  `json:"unit"`      // duration (microseconds), share, rate, count, bytes, score
	Stage     string  `json:"stage"`
	Severity  string  `json:"severity"` // fail, warn, show
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

	Implicit bool `json:"implicit,omitempty"`
	Line     int  `json:"line,omitempty"` // in the SLO file
	Column   int  `json:"column,omitempty"`
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
}
