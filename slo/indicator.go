package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// latencyKinds take a [Clock] prefix.
var latencyKinds = map[Kind]bool{Percentile: true, Min: true, Mean: true, Max: true, StdDev: true}

// clocks are the prefixes of latency indicators.
var clocks = []Clock{OK, Service, Connect, TLSTime, TTFB, FirstEvent, EventGap, RoundTrip, IterationTime}

// iterationKinds are those besides latencies that can count iterations.
var iterationKinds = map[Kind]bool{Slope: true, SuccessRate: true, ErrorRate: true, Throughput: true, Goodput: true}

// unitOf holds the indicators that are written as a bare word.
var unitOf = map[Kind]Unit{
	Min: UnitDuration, Mean: UnitDuration, Max: UnitDuration, StdDev: UnitDuration,
	SuccessRate: UnitShare, ErrorRate: UnitShare,
	Throughput: UnitRate, Goodput: UnitRate,
	Requests: UnitCount, Errors: UnitCount, Timeouts: UnitCount, Unsent: UnitCount,
	BytesIn: UnitBytes, BytesOut: UnitBytes,
	Redirects: UnitCount,
	Events:    UnitCount, EventRate: UnitRate,
	CPUPerRequest: UnitDuration, CPU: UnitCores, MemoryMax: UnitBytes, Throttled: UnitShare,
	Capacity:    UnitRate,
	ReplicasMax: UnitCount, ScaleUpTime: UnitDuration, CPUMax: UnitUsage, Restarts: UnitCount,
}

// indicatorNames are listed in messages and searched for the nearest.
var indicatorNames = []string{
	"p50", "p90", "p95", "p99", "p99.9", "min", "mean", "max", "stddev",
	"ok.p95", "service.p95", "connect.p95", "tls.p95", "ttfb.p95",
	"iteration.p95", "iteration.success_rate", "iteration.throughput",
	"success_rate", "error_rate", "throughput", "goodput",
	"requests", "errors", "timeouts", "unsent",
	"status(5xx)", "status(429)", "apdex(500ms)", "bytes_in", "bytes_out", "p95.slope",
	"cpu_per_request", "cpu", "memory.max", "throttled", "capacity",
	"measure.NAME.p95", "redirects", "metric.NAME", "metric.NAME.max",
	"replicas.max", "scale_up_time", "cpu.max", "restarts",
	"first_event.p95", "event_gap.p95", "round_trip.p95", "events", "events_per_second",
}

// Unit gives what the indicator is counted in.
func (i Indicator) Unit() Unit {
	if i.Clock == MeasuredNumber || i.Kind == Metric {
		return UnitNumber
	}
	switch i.Kind {
	case Percentile:
		return UnitDuration
	case Status:
		return UnitShare
	case Apdex:
		return UnitScore
	case Slope:
		return UnitSlope
	}
	return unitOf[i.Kind]
}

// IsCost reports whether the indicator is of what the service used.
func (i Indicator) IsCost() bool {
	switch i.Kind {
	case CPUPerRequest, CPU, MemoryMax, Throttled:
		return true
	}
	return false
}

// IsCluster reports whether the indicator is of what the service's replicas did.
func (i Indicator) IsCluster() bool {
	switch i.Kind {
	case ReplicasMax, ScaleUpTime, CPUMax, Restarts:
		return true
	}
	return false
}

// InSlices reports whether the indicator can be computed for a part of a
// stage's time: slices keep the response times and the counters.
func (i Indicator) InSlices() bool {
	if latencyKinds[i.Kind] {
		return i.Clock == Response || i.Clock == IterationTime
	}
	switch i.Kind {
	case SuccessRate, ErrorRate, Throughput, Goodput, Requests, Errors, Timeouts, Unsent:
		return true
	}
	return false
}

// OfRequests reports whether the indicator is made of single requests, so that
// those of one step have one, too.
func (i Indicator) OfRequests() bool {
	if i.Clock == IterationTime {
		return false
	}
	switch i.Kind {
	case Status, Apdex, BytesIn, BytesOut, Events, EventRate, Slope, Redirects:
		return true
	}
	return latencyKinds[i.Kind] || i.InSlices()
}

// IsOften reports whether one request may give several values, so that nobody
// knows before the run how many there will be.
func (i Indicator) IsOften() bool { return i.Clock == EventGap || i.Clock == RoundTrip }

// String gives the indicator as an objective names it, such as "ok.p99.9" or
// "status(5xx)". [ParseIndicator] reads it back.
func (i Indicator) String() string {
	name := string(i.Kind)
	switch i.Kind {
	case Metric:
		name += "." + i.Measure
		if i.Of != Mean {
			name += "." + string(i.Of)
		}
	case Percentile:
		name = "p" + i.Quantile.String()
	case Status:
		name = "status(" + i.Status.String() + ")"
	case Apdex:
		name = "apdex(" + writeDuration(i.Apdex) + ")"
	case Slope:
		name = "mean.slope"
		if i.Quantile.Den > 0 {
			name = "p" + i.Quantile.String() + ".slope"
		}
	}
	switch i.Clock {
	case Response:
	case MeasuredNumber:
		return string(i.Clock) + "." + i.Measure + "." + name
	default:
		return string(i.Clock) + "." + name
	}
	return name
}

// maxQuantileDigits is how many digits a percentile may have after its point:
// beyond them no run has enough requests.
const maxQuantileDigits = 6

// String gives the fraction in percent, without the sign: "99.9".
func (q Quantile) String() string {
	const scale = 100_000_000 // percent with maxQuantileDigits digits
	if q.Den <= 0 || scale%q.Den != 0 {
		return strconv.FormatFloat(100*float64(q.Num)/float64(q.Den), 'f', -1, 64)
	}
	n := q.Num * (scale / q.Den)
	text := fmt.Sprintf("%d.%06d", n/1_000_000, n%1_000_000)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// parseQuantile reads a percentage such as 99.9 as the exact fraction
// 999/1000. It must lie between 0 and 100, both excluded.
func parseQuantile(s string) (Quantile, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(whole) == 0 || len(whole) > 2 || len(frac) > maxQuantileDigits || strings.HasSuffix(s, ".") {
		return Quantile{}, false
	}
	num, den := int64(0), int64(100)
	for _, d := range whole + frac {
		if d < '0' || d > '9' {
			return Quantile{}, false
		}
		num = num*10 + int64(d-'0')
	}
	for range frac {
		den *= 10
	}
	if num == 0 {
		return Quantile{}, false
	}
	g := greatestDivisor(num, den)
	return Quantile{num / g, den / g}, true
}

func greatestDivisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// String gives the range as a file names it: "404", "5xx" or "200..204".
func (r StatusRange) String() string {
	switch {
	case r.From == r.To:
		return strconv.Itoa(r.From)
	case r.From%100 == 0 && r.To == r.From+99:
		return strconv.Itoa(r.From/100) + "xx"
	}
	return fmt.Sprintf("%d..%d", r.From, r.To)
}

// parseStatus reads a status code, a class of them, or a range.
func parseStatus(s string) (StatusRange, error) {
	wrong := notA(CodeStatus, "status", s, "200, 2xx or 200..204")
	if from, to, isRange := strings.Cut(s, ".."); isRange {
		a, errA := parseStatus(from)
		b, errB := parseStatus(to)
		if errA != nil || errB != nil || a.From != a.To || b.From != b.To || a.From > b.From {
			return StatusRange{}, wrong
		}
		return StatusRange{a.From, b.To}, nil
	}
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return StatusRange{}, wrong
	}
	if s[1:] == "xx" {
		from := int(s[0]-'0') * 100
		return StatusRange{from, from + 99}, nil
	}
	if !isDigit(s[1]) || !isDigit(s[2]) {
		return StatusRange{}, wrong
	}
	code, _ := strconv.Atoi(s)
	return StatusRange{code, code}, nil
}

// ParseIndicator reads the name of an indicator.
func ParseIndicator(text string) (Indicator, error) {
	i, err := parseIndicator(strings.TrimSpace(text))
	if err != nil {
		return Indicator{}, standalone(err, text)
	}
	return i, nil
}

func parseIndicator(name string) (Indicator, error) {
	if rest, ok := strings.CutPrefix(name, string(MeasuredNumber)+"."); ok {
		return parseMeasureIndicator(name, rest)
	}
	if rest, ok := strings.CutPrefix(name, string(Metric)+"."); ok {
		return parseMetricIndicator(name, rest)
	}
	clock, kind := Response, name
	for _, c := range clocks {
		if rest, ok := strings.CutPrefix(name, string(c)+"."); ok {
			clock, kind = c, rest
		}
	}
	i, err := parseKind(kind)
	switch {
	case err == nil && clock != Response && !latencyKinds[i.Kind] && !(clock == IterationTime && iterationKinds[i.Kind]):
		alone := "percentiles, min, mean, max and stddev alone"
		if clock == IterationTime {
			alone = "percentiles, min, mean, max, stddev, slopes, success_rate, error_rate, throughput and goodput alone"
		}
		return Indicator{}, &fault{
			code: CodeIndicator, msg: quote(name) + " is unknown: " + string(clock) + ". stands before " + alone,
			hint: "without the prefix: " + kind,
		}
	case err != nil:
		if asFault(err).code != CodeIndicator {
			return Indicator{}, err
		}
		return Indicator{}, unknownIndicator(name)
	}
	i.Clock = clock
	return i, nil
}

// parseMeasureIndicator reads NAME.KIND after "measure.".
func parseMeasureIndicator(name, rest string) (Indicator, error) {
	of, kind, _ := strings.Cut(rest, ".")
	i, err := parseKind(kind)
	if !variableName.MatchString(of) || err != nil || !latencyKinds[i.Kind] {
		return Indicator{}, &fault{
			code: CodeIndicator, msg: quote(name) + " is unknown",
			hint: "of a measure there are percentiles, min, mean, max and stddev: measure.price.p95",
		}
	}
	i.Clock, i.Measure = MeasuredNumber, of
	return i, nil
}

// parseMetricIndicator reads NAME or NAME.KIND after "metric.".
func parseMetricIndicator(name, rest string) (Indicator, error) {
	of, kind, has := strings.Cut(rest, ".")
	i := Indicator{Kind: Metric, Measure: of, Of: Kind(kind)}
	if !has {
		i.Of = Mean
	}
	if !variableName.MatchString(of) || has && i.Of != Min && i.Of != Max && i.Of != Last {
		return Indicator{}, &fault{
			code: CodeIndicator, msg: quote(name) + " is unknown",
			hint: "of a metric there are the mean over the stage, metric.cpu, and metric.cpu.min, metric.cpu.max and metric.cpu.last",
		}
	}
	return i, nil
}

func parseKind(name string) (Indicator, error) {
	if unitOf[Kind(name)] != "" {
		return Indicator{Kind: Kind(name)}, nil
	}
	if of, ok := strings.CutSuffix(name, ".slope"); ok {
		return parseSlope(name, of)
	}
	if digits, ok := strings.CutPrefix(name, "p"); ok {
		if q, ok := parseQuantile(digits); ok {
			return Indicator{Kind: Percentile, Quantile: q}, nil
		}
	}
	word, rest, _ := strings.Cut(name, "(")
	arg, closed := strings.CutSuffix(rest, ")")
	arg = strings.TrimSpace(arg)
	switch {
	case word == string(Status) && closed:
		r, err := parseStatus(arg)
		return Indicator{Kind: Status, Status: r}, err
	case word == string(Apdex) && closed:
		return parseApdex(arg)
	}
	return Indicator{}, unknownIndicator(name)
}

// parseSlope reads what a slope is of: a percentile or the mean.
func parseSlope(name, of string) (Indicator, error) {
	i, err := parseKind(of)
	if err != nil || i.Kind != Percentile && i.Kind != Mean {
		return Indicator{}, unknownIndicator(name)
	}
	return Indicator{Kind: Slope, Quantile: i.Quantile}, nil
}

func parseApdex(arg string) (Indicator, error) {
	d, err := parseDuration(arg)
	if err == nil && (d <= 0 || d > maxTimeout) {
		err = &fault{code: CodeRange, msg: "the threshold of apdex must be above 0 and at most " + writeDuration(maxTimeout)}
	}
	return Indicator{Kind: Apdex, Apdex: d}, err
}

func unknownIndicator(name string) error {
	if name == "" {
		return &fault{code: CodeIndicator, msg: "an indicator is missing", hint: "the indicators are " + strings.Join(indicatorNames, " ")}
	}
	return &fault{
		code: CodeIndicator, msg: "unknown indicator " + quote(name) + didYouMean(name, indicatorNames),
		hint: "the indicators are " + strings.Join(indicatorNames, " "),
	}
}

// writeNumber gives a number with two digits after the point at most.
func writeNumber(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

// DurationText gives a duration as a file may write it.
func DurationText(d time.Duration) string { return writeDuration(d) }

// writeDuration gives a duration in the largest unit that keeps it a short
// decimal: 500ms, 1.5s, 2m.
func writeDuration(d time.Duration) string {
	for _, u := range []struct {
		scale time.Duration
		name  string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d >= u.scale && d%u.scale == 0 {
			return strconv.FormatInt(int64(d/u.scale), 10) + u.name
		}
	}
	return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', -1, 64) + "us"
}
