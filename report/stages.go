package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

func (b builder) stages() []Stage {
	var out []Stage
	all := sides(b.run)
	slowest, fastest := 0.0, 0.0
	for _, s := range all {
		slowest = max(slowest, orZero(millis(s.Response, 95, 100)))
		fastest = max(fastest, orZero(throughput(*s.Stage)))
	}
	for _, s := range all {
		stage := b.stage(*s.Stage)
		stage.Side = s.side
		stage.LatencyBar = bar(millis(s.Response, 95, 100), slowest, barCells)
		stage.ThroughputBar = bar(throughput(*s.Stage), fastest, barCells)
		out = append(out, stage)
	}
	return out
}

func (b builder) stage(s result.Stage) Stage {
	return Stage{
		Name:       b.name(s.Name),
		Workload:   workload(s.Workload),
		Requests:   quantity.Count(s.Counters.Due()),
		Throughput: orNone(throughput(s), quantity.Rate),
		Mean:       meanText(s.Response),
		P50:        stageQuantile(s, 50, 100),
		P95:        stageQuantile(s, 95, 100),
		P99:        stageQuantile(s, 99, 100),
		Max:        stageQuantile(s, 1, 1),
		Success:    orNone(successRate(s), quantity.Share),
		Errors:     errorsByClass(s.Counters),
		State:      word(string(s.State), "completed", "not-run", "cancelled", "aborted", "dead", "limited"),
		Reason:     b.sentence(s.Reason),
		Judged:     s.Judged,
		Trend:      trend(s),
		Cost:       newCost(s),
	}
}

// workload says in words how a stage was loaded.
func workload(w result.Workload) string {
	if w.Search {
		return fmt.Sprintf("search %s to %s, %s each", quantity.Rate(w.RateFrom), quantity.Rate(w.RateTo), quantity.Duration(w.Duration))
	}
	if w.Model == "open" {
		text := fmt.Sprintf("%s for %s", quantity.Rate(w.RateTo), quantity.Duration(w.Duration))
		if w.RateFrom != w.RateTo {
			text = fmt.Sprintf("%s to %s over %s", quantity.Rate(w.RateFrom), quantity.Rate(w.RateTo), quantity.Duration(w.Duration))
		}
		if w.Arrivals == "poisson" {
			text += ", Poisson"
		}
		return text
	}
	switch {
	case w.WorkersFrom != w.WorkersTo:
		return fmt.Sprintf("%d to %s over %s", w.WorkersFrom, plural(w.WorkersTo, "worker"), quantity.Duration(w.Duration))
	case w.Requests > 0:
		return fmt.Sprintf("%s by %s", plural(int(w.Requests), "request"), plural(w.WorkersTo, "worker"))
	}
	return fmt.Sprintf("%s for %s", plural(w.WorkersTo, "worker"), quantity.Duration(w.Duration))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return quantity.Count(int64(n)) + " " + noun + "s"
}

// throughput is the stage's finished requests a second, NaN where it did not
// run.
func throughput(s result.Stage) float64 {
	if s.Duration <= 0 {
		return math.NaN()
	}
	return float64(s.Counters.Finished()) / s.Duration.Seconds()
}

// successRate is the share of successful requests, NaN where none was due.
func successRate(s result.Stage) float64 {
	if s.Counters.Judged() == 0 {
		return math.NaN()
	}
	return float64(s.Counters.Success) / float64(s.Counters.Judged())
}

func orNone(v float64, write func(float64) string) string {
	if math.IsNaN(v) {
		return none
	}
	return write(v)
}

// stageQuantile writes a quantile of the response time. Where no successful
// request took that long, it is the timeout of a failed one, whose answer
// would have come later: a lower limit.
func stageQuantile(s result.Stage, num, den int64) string {
	d, ok := s.Response.Quantile(num, den)
	if !ok {
		return none
	}
	if !holds(s.OK, d) {
		return "≥ " + quantity.Duration(d)
	}
	return quantity.Duration(d)
}

// holds reports whether the histogram has a value that is equivalent to d.
func holds(h result.Histogram, d time.Duration) bool {
	for _, b := range h.Buckets() {
		if result.Equivalent(time.Duration(b.Low)*time.Microsecond) == d {
			return true
		}
	}
	return false
}

func meanText(h result.Histogram) string {
	d, ok := h.Mean()
	if !ok {
		return none
	}
	return quantity.Duration(d)
}

// classes are the ways to fail, in the order in which they are listed.
var classes = []struct {
	class result.Class
	name  string
}{
	{result.BadStatus, "bad status"},
	{result.FailedCheck, "failed check"},
	{result.Timeout, "timeout"},
	{result.Refused, "refused"},
	{result.Reset, "reset"},
	{result.DNS, "DNS"},
	{result.TLS, "TLS"},
	{result.Protocol, "protocol error"},
	{result.Local, "local limit"},
	{result.UnsentDue, "unsent"},
	{result.CancelledBy, "cancelled"},
}

func className(c result.Class) string {
	for _, k := range classes {
		if k.class == c {
			return k.name
		}
	}
	return "unknown"
}

// errorsByClass lists how requests failed: "12 timeout, 3 refused".
func errorsByClass(c result.Counters) string {
	var parts []string
	for _, k := range classes {
		if n := *c.Of(k.class); n > 0 {
			parts = append(parts, quantity.Count(n)+" "+k.name)
		}
	}
	return strings.Join(parts, ", ")
}

// barCells is the width of a full bar in a table's cell.
const barCells = 12

// trendCells is the width of a sparkline in a table's cell.
const trendCells = 8

// trend draws the p95 of each part of a stage, at most trendCells of them.
func trend(s result.Stage) string {
	var values []float64
	for _, part := range parted(s.Slices, trendCells) {
		values = append(values, millis(part, 95, 100))
	}
	if len(values) < 2 {
		return ""
	}
	return sparkline(values)
}

// parted merges neighbouring slices into at most n histograms of response
// times.
func parted(list []result.Slice, n int) []result.Histogram {
	n = min(n, len(list))
	out := make([]result.Histogram, n)
	for i := range out {
		for _, s := range list[i*len(list)/n : (i+1)*len(list)/n] {
			out[i] = out[i].Merge(s.Response)
		}
	}
	return out
}

// changes compares neighbouring judged stages where the load grew: elsewhere
// a difference says nothing about load.
func (b builder) changes() []Change {
	var out []Change
	var before *result.Stage
	for i := range b.run.Stages {
		s := &b.run.Stages[i]
		if !s.Judged || s.Counters.Judged() == 0 || s.Workload.Search || len(s.Beside) > 0 {
			continue // one of several workloads is not all of the load
		}
		alike := before != nil && before.Workload.Model == s.Workload.Model && slices.Equal(before.Scenarios(), s.Scenarios())
		if alike && load(*before) < load(*s) {
			out = append(out, b.change(*before, *s))
		}
		before = s
	}
	return out
}

// load is a stage's highest number of workers or arrivals a second.
func load(s result.Stage) float64 {
	if s.Workload.Model == "open" {
		return max(s.Workload.RateFrom, s.Workload.RateTo)
	}
	return float64(max(s.Workload.WorkersFrom, s.Workload.WorkersTo))
}

func (b builder) change(from, to result.Stage) Change {
	step := fmt.Sprintf("%s → %s workers", quantity.Number(load(from)), quantity.Number(load(to)))
	if to.Workload.Model == "open" {
		step = fmt.Sprintf("%s → %s", quantity.Rate(load(from)), quantity.Rate(load(to)))
	}
	return Change{
		From:       b.name(from.Name),
		To:         b.name(to.Name),
		Load:       step,
		Throughput: change(throughput(from), throughput(to)),
		Mean:       change(meanMillis(from.OK), meanMillis(to.OK)),
		P99:        change(millis(from.Response, 99, 100), millis(to.Response, 99, 100)),
		Success:    points(successRate(from), successRate(to)),
	}
}

func meanMillis(h result.Histogram) float64 {
	d, ok := h.Mean()
	if !ok {
		return math.NaN()
	}
	return float64(d) / float64(time.Millisecond)
}

// percentiles writes the distribution of each stage that measured something.
func (b builder) percentiles() []Percentiles {
	var out []Percentiles
	for _, s := range sides(b.run) {
		if s.Response.Total() == 0 {
			continue
		}
		out = append(out, Percentiles{
			Stage: b.name(s.Name),
			Side:  s.side,
			P50:   stageQuantile(*s.Stage, 50, 100),
			P75:   stageQuantile(*s.Stage, 75, 100),
			P90:   stageQuantile(*s.Stage, 90, 100),
			P95:   stageQuantile(*s.Stage, 95, 100),
			P99:   stageQuantile(*s.Stage, 99, 100),
			P999:  stageQuantile(*s.Stage, 999, 1000),
			Most:  stageQuantile(*s.Stage, 1, 1),
		})
	}
	return out
}

// momentRows bounds the table and the chart of what happened over time.
const momentRows = 60

func (b builder) moments() []Moment {
	chart := timeChart(b.run, momentRows, stagesApart(b.run))
	slowest := highest(chart.P95)
	if chart.Base != nil {
		slowest = max(slowest, highest(chart.Base.P95))
	}
	var out []Moment
	for i := range chart.At {
		m := Moment{
			At:    since(time.Duration((chart.At[i] - chart.Width[i]/2) * float64(time.Second))),
			Stage: b.name(chart.stage[i].Name),
			P50:   orNone(chart.P50[i], milliseconds),
			P95:   orNone(chart.P95[i], milliseconds),
			P99:   orNone(chart.P99[i], milliseconds),
			Bar:   bar(chart.P95[i], slowest, barCells),
			Rate:  quantity.Rate(chart.Rate[i]),
			Cores: orNone(chart.cores(i), quantity.Number),
		}
		if base := chart.Base; base != nil {
			m.BaseP95 = orNone(base.P95[i], milliseconds)
			m.BaseBar = bar(base.P95[i], slowest, barCells)
			m.BaseRate = orNone(base.Rate[i], quantity.Rate)
		}
		out = append(out, m)
	}
	return out
}

// highest is the largest number of a series, at least 0.
func highest(s Series) float64 {
	top := 0.0
	for _, v := range s {
		top = max(top, orZero(v))
	}
	return top
}

func milliseconds(v float64) string {
	return quantity.Duration(time.Duration(v * float64(time.Millisecond)))
}
