package slo

import (
	"math"
	"strings"
	"time"
)

// Severity says what a missed objective does to the run's verdict.
type Severity string

// The severities of an objective.
const (
	Fail Severity = "fail"
	Warn Severity = "warn"
	Show Severity = "show" // printed, never judged
)

// Decide says what decides an objective with a value.
type Decide string

// The rules of decision. The interval is that of the measured value, 95 %.
const (
	Measured Decide = "measured" // the measured value
	Sure     Decide = "sure"     // the interval: inconclusive where the bound lies within it
	Lenient  Decide = "lenient"  // missed only where the whole interval is
)

// Unit is what an indicator is counted in. It decides how a value is written
// and how a bound may be given.
type Unit string

// The units of indicators, with the scale of a float64 that holds one.
const (
	UnitDuration Unit = "duration" // microseconds
	UnitShare    Unit = "share"    // 0 to 1
	UnitRate     Unit = "rate"     // per second
	UnitCount    Unit = "count"
	UnitBytes    Unit = "bytes"
	UnitScore    Unit = "score"  // apdex, 0 to 1
	UnitSlope    Unit = "slope"  // microseconds a minute
	UnitCores    Unit = "cores"  // CPU seconds a second
	UnitNumber   Unit = "number" // of a measure or a metric
	UnitUsage    Unit = "usage"  // of what was requested: 1 is all of it, more is possible
)

// Kind is the family of an indicator.
type Kind string

// The kinds of indicators. Latency kinds take a [Clock]; Percentile a
// [Quantile], Status a class or code, Apdex a threshold.
const (
	Percentile  Kind = "percentile"
	Min         Kind = "min"
	Mean        Kind = "mean"
	Max         Kind = "max"
	StdDev      Kind = "stddev"
	SuccessRate Kind = "success_rate"
	ErrorRate   Kind = "error_rate"
	Throughput  Kind = "throughput"
	Goodput     Kind = "goodput"
	Requests    Kind = "requests"
	Errors      Kind = "errors"
	Timeouts    Kind = "timeouts"
	Unsent      Kind = "unsent"
	Status      Kind = "status"
	Apdex       Kind = "apdex"
	BytesIn     Kind = "bytes_in"
	BytesOut    Kind = "bytes_out"
	Events      Kind = "events"
	EventRate   Kind = "events_per_second"
	Slope       Kind = "slope" // of the percentile in Quantile, or of the mean without one

	// What the service itself used, where that can be read.
	CPUPerRequest Kind = "cpu_per_request"
	CPU           Kind = "cpu"
	MemoryMax     Kind = "memory.max"
	Throttled     Kind = "throttled"

	// Metric is a statistic of what a query of a Prometheus server gave.
	Metric Kind = "metric"
	Last   Kind = "last" // value; only of a metric

	Capacity  Kind = "capacity"  // the highest rate that a search found, in arrivals a second
	Redirects Kind = "redirects" // that were followed

	// What the service's replicas did in the cluster that is watched.
	ReplicasMax Kind = "replicas.max"  // pods at the same time
	ScaleUpTime Kind = "scale_up_time" // from the stage's start until more pods were ready than then
	CPUMax      Kind = "cpu.max"       // of the pods' CPU request
	Restarts    Kind = "restarts"      // of the pods' containers
)

// Clock says which time of a request a latency indicator looks at.
type Clock string

// The clocks of latency indicators.
const (
	Response Clock = ""        // from the intended start; an unsuccessful request counts with at least its timeout
	OK       Clock = "ok"      // response time of successful requests alone
	Service  Clock = "service" // from the actual write
	Connect  Clock = "connect" // of new connections
	TLSTime  Clock = "tls"     // of the handshakes on new connections
	TTFB     Clock = "ttfb"    // from the write to the first byte of the answer

	FirstEvent Clock = "first_event" // from the write to the first event of a stream
	EventGap   Clock = "event_gap"   // from one event to the next
	RoundTrip  Clock = "round_trip"  // from a message to the one that was waited for

	// IterationTime is the time of a whole pass through a scenario. It also goes with
	// shares of success and rates, which then count iterations.
	IterationTime Clock = "iteration"

	// MeasuredNumber is no time: the numbers that steps measured.
	MeasuredNumber Clock = "measure"
)

// Quantile is an exact fraction below one, so that ranks are computed in
// integers: p99.9 is 999/1000.
type Quantile struct{ Num, Den int64 }

// Indicator is a number computed for a stage.
type Indicator struct {
	Kind     Kind
	Clock    Clock
	Measure  string        // of MeasuredNumber and Metric: its name
	Of       Kind          // of Metric: Mean, Min, Max or Last
	Quantile Quantile      // of Percentile
	Status   StatusRange   // of Status
	Apdex    time.Duration // of Apdex: the satisfied threshold T; tolerating up to 4T
}

// Cmp is the comparison of an objective.
type Cmp string

// The comparisons that an objective may use.
const (
	LE Cmp = "<="
	GE Cmp = ">="
	LT Cmp = "<"
	GT Cmp = ">"
	EQ Cmp = "=="
)

// Objective is an indicator, a comparison and a bound. A Show objective has
// neither comparison nor bound.
type Objective struct {
	Text      string // as written, blanks folded; in a stage with the scope and the window
	Indicator Indicator
	Cmp       Cmp
	Bound     float64     // in the scale of the indicator's unit
	Relative  []Tolerance // of an objective against the baseline: it holds when one of them does; Bound is 0
	Severity  Severity
	Stage     string        // the only stage it applies to; empty: every judged one
	Scope     Scope         // whose requests it judges
	Window    time.Duration // no part of the stage of this length may miss it, in whole seconds; 0: the stage as a whole is judged
	Decide    Decide        // empty: Measured
	Abort     bool          // stop the run as soon as it cannot be met any more
	Grace     time.Duration // with Abort: how long it must have been broken; 0: only when nothing that follows can mend it
	Implicit  bool          // added by slogate, not written in the file
	Pos       Pos
}

// Scope is a part of the scenarios. The zero value is all of them.
type Scope struct {
	Scenario string // the only one whose requests count; empty: every one
	Step     string // the only step, by the name of its request; empty: every one
}

// Covers reports whether the requests of a step belong to the scope.
func (s Scope) Covers(scenario, step string) bool {
	return (s.Scenario == "" || s.Scenario == scenario) && (s.Step == "" || s.Step == step)
}

// Tolerance is how far from the baseline a relative objective may lie.
type Tolerance struct {
	Value   float64 // added to the baseline; negative after a minus sign
	Percent bool    // Value is a fraction of the baseline's value; otherwise in the scale of the indicator's unit
}

// ParseObjective reads an objective that must hold, such as "p95 <= 450ms" or
// "p95 <= baseline + 10% or + 5ms". Its severity is [Fail]. The error is an
// [*Error] whose column counts from the beginning of the text.
func ParseObjective(text string) (Objective, error) {
	o, err := parseObjective(text)
	if err != nil {
		return Objective{}, standalone(err, text)
	}
	return o, nil
}

// standalone gives an error of a text that is not in a file.
func standalone(err error, text string) *Error {
	f := asFault(err)
	e := &Error{Code: f.code, Line: 1, Column: f.offset + 1, Width: f.width, Msg: f.msg, Hint: f.hint, Source: text}
	if e.Width == 0 {
		e.Width = width(text)
	}
	return e
}

// at gives an error the place of text[from:to]; where that is empty, it is the
// end of the text.
func at(err error, text string, from, to int) error {
	f := *asFault(err)
	part := text[from:to]
	trimmed := strings.TrimSpace(part)
	f.offset = width(text[:from]) + width(part) - width(strings.TrimLeft(part, " "))
	f.width = max(width(trimmed), 1)
	if trimmed == "" {
		f.offset = width(strings.TrimRight(text, " "))
	}
	return &f
}

// objectiveHint is the grammar in one line.
const objectiveHint = "an objective is INDICATOR CMP BOUND, such as p95 <= 450ms; CMP is <= >= < > or =="

func parseObjective(text string) (Objective, error) {
	start := strings.IndexAny(text, "<>=!")
	if start < 0 {
		if _, err := parseIndicator(strings.TrimSpace(text)); err != nil {
			return Objective{}, at(err, text, 0, len(text))
		}
		return Objective{}, at(&fault{code: CodeObjective, msg: "a comparison is missing", hint: objectiveHint}, text, len(text), len(text))
	}
	end := start
	for end < len(text) && strings.IndexByte("<>=!", text[end]) >= 0 {
		end++
	}
	cmp := Cmp(text[start:end])
	indicator, err := parseIndicator(strings.TrimSpace(text[:start]))
	if err != nil {
		return Objective{}, at(err, text, 0, start)
	}
	o := Objective{Text: strings.Join(strings.Fields(text), " "), Indicator: indicator, Cmp: cmp, Severity: Fail}
	switch cmp {
	case LE, GE, LT, GT, EQ:
		return o.withBound(text, end)
	}
	return Objective{}, at(&fault{code: CodeObjective, msg: quote(string(cmp)) + " is not a comparison", hint: objectiveHint}, text, start, end)
}

// withBound reads what follows the comparison, which ends at from.
func (o Objective) withBound(text string, from int) (Objective, error) {
	var err error
	bound := text[from:]
	if rest, ok := strings.CutPrefix(strings.TrimSpace(bound), "baseline"); ok {
		if o.Indicator.Kind == Slope {
			return Objective{}, at(&fault{code: CodeBaseline, msg: "a slope is not compared with the baseline", hint: "compare with a value, such as p95.slope <= 5ms/m"}, text, from, len(text))
		}
		if o.Relative, err = parseTolerances(o.Indicator.Unit(), rest); err != nil {
			return Objective{}, at(err, text, len(text)-len(rest), len(text))
		}
		if f := o.checkRelative(); f != nil {
			return Objective{}, at(f, text, from, len(text))
		}
		return o, nil
	}
	if o.Bound, err = parseValue(o.Indicator.Unit(), bound); err != nil {
		return Objective{}, at(err, text, from, len(text))
	}
	if o.isHopeless() {
		return Objective{}, at(&fault{code: CodeBound, msg: "no measurement can meet " + quote(o.Text)}, text, from, len(text))
	}
	return o, nil
}

// isHopeless reports a bound that lies outside of what the indicator can be.
func (o Objective) isHopeless() bool {
	top := math.Inf(1)
	if u := o.Indicator.Unit(); u == UnitShare || u == UnitScore {
		top = 1
	}
	return o.Cmp == LT && o.Bound == 0 || o.Cmp == GT && o.Bound >= top
}

// checkRelative refuses comparisons with the baseline that decide nothing: an
// equality, which no two runs have, and a tolerance that points to the good
// side, which the next run could not hold.
func (o Objective) checkRelative() *fault {
	sign := 1.0
	switch o.Cmp {
	case EQ:
		return &fault{code: CodeBaseline, msg: "no two runs measure the same", hint: "compare with <= or >= and a tolerance: p95 <= baseline + 10%"}
	case GE, GT:
		sign = -1
	}
	for _, t := range o.Relative {
		switch {
		case sign*t.Value < 0:
			return &fault{code: CodeBaseline, msg: "the tolerance asks every run to be better than the ones before", hint: "<= takes baseline + 10%, >= takes baseline - 10%"}
		case t.Percent && t.Value <= -1:
			return &fault{code: CodeBaseline, msg: "nothing can fall by more than 100 %", hint: "a tolerance is a part of the baseline's value, such as - 10%"}
		}
	}
	return nil
}

// parseTolerances reads what follows "baseline": "+ 10% or + 5ms".
func parseTolerances(unit Unit, s string) ([]Tolerance, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return []Tolerance{{}}, nil
	}
	var all []Tolerance
	for part := range strings.SplitSeq(s, " or ") {
		t, err := parseTolerance(unit, strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

func parseTolerance(unit Unit, s string) (Tolerance, error) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "baseline"))
	sign := 1.0
	switch {
	case strings.HasPrefix(s, "-"):
		sign = -1
	case !strings.HasPrefix(s, "+"):
		return Tolerance{}, &fault{code: CodeObjective, msg: quote(s) + " is not a tolerance", hint: "after baseline follows + or - and a percentage or a value: baseline + 10% or + 5ms"}
	}
	s = strings.TrimSpace(s[1:])
	n, rest, ok := number(s)
	if rest = strings.TrimSpace(rest); ok && rest == "%" && unit != UnitShare {
		return Tolerance{Value: sign * n / 100, Percent: true}, nil
	}
	// For a share a percentage means percentage points: its own unit.
	v, err := parseValue(unit, s)
	if f, wrong := err.(*fault); wrong && ok && rest == "" && unit != UnitShare {
		f.hint = s + "% is a part of the baseline; a value has a unit, " + f.hint
	}
	return Tolerance{Value: sign * v}, err
}
