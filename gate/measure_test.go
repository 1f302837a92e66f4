package gate

import (
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// indicators holds one of every kind and clock.
func indicators() []slo.Indicator {
	out := []slo.Indicator{
		{Kind: slo.SuccessRate},
		{Kind: slo.ErrorRate},
		{Kind: slo.Throughput},
		{Kind: slo.Goodput},
		{Kind: slo.Requests},
		{Kind: slo.Errors},
		{Kind: slo.Timeouts},
		{Kind: slo.Unsent},
		{Kind: slo.BytesIn},
		{Kind: slo.BytesOut},
		{Kind: slo.Redirects},
		{Kind: slo.Mean, Clock: slo.MeasuredNumber, Measure: "price"},
		{Kind: slo.Status, Status: slo.StatusRange{From: 500, To: 599}},
		{Kind: slo.Apdex, Apdex: 500 * time.Millisecond},
	}
	for _, clock := range []slo.Clock{slo.Response, slo.OK, slo.Service, slo.Connect, slo.TLSTime, slo.TTFB} {
		for _, kind := range []slo.Kind{slo.Percentile, slo.Min, slo.Mean, slo.Max, slo.StdDev} {
			ind := slo.Indicator{Kind: kind, Clock: clock}
			if kind == slo.Percentile {
				ind.Quantile = slo.Quantile{Num: 1, Den: 2}
			}
			out = append(out, ind)
		}
	}
	return out
}

// Measured numbers are kept as milliseconds and judged as numbers. A bound is
// met by what shares its bucket.
func TestMeasureNumbers(t *testing.T) {
	s := steady(20, time.Millisecond)
	var price result.Recorder
	for i := range 20 {
		price.RecordNumber(float64(i) + 0.5)
	}
	s.Measures = map[string]result.Histogram{"price": price.Histogram()}
	number := func(kind slo.Kind, q slo.Quantile) slo.Indicator {
		return slo.Indicator{Kind: kind, Clock: slo.MeasuredNumber, Measure: "price", Quantile: q}
	}
	median := number(slo.Percentile, slo.Quantile{Num: 1, Den: 2})
	for _, test := range []struct {
		o    slo.Objective
		want result.Verdict
		why  string
	}{
		{objective(median, slo.LE, 9.5), result.Pass, ""},
		{objective(median, slo.LE, 9.4), result.Fail, `measure.price.p50 of "high" was 9.5, 1 % over 9.4`},
		{objective(median, slo.GE, 9.6), result.Fail, `measure.price.p50 of "high" was 9.5, 1 % under 9.6`},
		{objective(number(slo.Mean, slo.Quantile{}), slo.LE, 10.1), result.Pass, ""},
		{objective(number(slo.Max, slo.Quantile{}), slo.LE, 10), result.Fail, `measure.price.max of "high" was 19.5, 95 % over 10`},
		{objective(slo.Indicator{Kind: slo.Max, Clock: slo.MeasuredNumber, Measure: "other"}, slo.LE, 10), result.Inconclusive, ""},
	} {
		j := judge(plan(test.o), s)
		if got := j.Objectives[0]; got.Verdict != test.want {
			t.Errorf("%s %s %v is %s: %s", test.o.Indicator, test.o.Cmp, test.o.Bound, got.Verdict, j.Reason)
		}
		if test.why != "" && j.Reason != test.why+"; 1 of 1 objective failed" {
			t.Errorf("reason is %s, want %s", j.Reason, test.why)
		}
	}
}

func TestMeasure(t *testing.T) {
	// Ten requests in 2 s: 100, 200, … 700 ms and 2.5 s well, then a status 503
	// and a timeout, which count with 10 s.
	var p population
	for i := 1; i <= 7; i++ {
		p.add(0, time.Duration(i)*100*time.Millisecond, result.Success)
	}
	p.add(time.Second, 2500*time.Millisecond, result.Success)
	p.add(time.Second, 5*time.Millisecond, result.BadStatus)
	p.add(time.Second, 10*time.Second, result.Timeout)
	s := p.stage("high", 2*time.Second)

	tests := []struct {
		ind  slo.Indicator
		want float64
	}{
		{percentile(50), 500_000},
		{percentile(80), 2_500_000},
		{percentile(81), 10_000_000}, // rank ⌈8.1⌉ = 9
		{slo.Indicator{Kind: slo.Percentile, Clock: slo.OK, Quantile: slo.Quantile{Num: 99, Den: 100}}, 2_500_000},
		{slo.Indicator{Kind: slo.Min}, 100_000},
		{slo.Indicator{Kind: slo.Max}, 10_000_000},
		{slo.Indicator{Kind: slo.Mean}, 2_530_000},
		{slo.Indicator{Kind: slo.Mean, Clock: slo.OK}, 662_500},
		{slo.Indicator{Kind: slo.SuccessRate}, 0.8},
		{slo.Indicator{Kind: slo.ErrorRate}, 0.2},
		{slo.Indicator{Kind: slo.Throughput}, 5},
		{slo.Indicator{Kind: slo.Goodput}, 4},
		{slo.Indicator{Kind: slo.Requests}, 10},
		{slo.Indicator{Kind: slo.Errors}, 2},
		{slo.Indicator{Kind: slo.Timeouts}, 1},
		{slo.Indicator{Kind: slo.Unsent}, 0},
		{slo.Indicator{Kind: slo.Status, Status: slo.StatusRange{From: 500, To: 599}}, 0.1},
		{slo.Indicator{Kind: slo.Status, Status: slo.StatusRange{From: 200, To: 200}}, 0.8},
		{slo.Indicator{Kind: slo.Apdex, Apdex: 500 * time.Millisecond}, 0.6}, // 5 satisfied, 2 tolerating
		{slo.Indicator{Kind: slo.Apdex, Apdex: time.Hour}, 0.8},
		{slo.Indicator{Kind: slo.BytesIn}, 1000},
		{slo.Indicator{Kind: slo.BytesOut}, 500},
	}
	for _, tt := range tests {
		got, ok := Measure(tt.ind, &s)
		if !ok || !meets(slo.EQ, order(tt.ind.Unit(), got, tt.want)) {
			t.Errorf("%s = %v, %v, want %v", tt.ind, got, ok, tt.want)
		}
	}
}

func TestUnsentRequestsAreUnsuccessful(t *testing.T) {
	var p population
	for range 9 {
		p.add(0, time.Millisecond, result.Success)
	}
	p.add(0, 0, result.UnsentDue)
	s := p.stage("high", time.Second)
	for ind, want := range map[slo.Kind]float64{slo.SuccessRate: 0.9, slo.ErrorRate: 0.1, slo.Unsent: 1, slo.Requests: 9, slo.Errors: 0} {
		if got, ok := Measure(slo.Indicator{Kind: ind}, &s); !ok || got != want {
			t.Errorf("%s = %v, %v, want %v", ind, got, ok, want)
		}
	}
}

func TestMeasureNothing(t *testing.T) {
	cancelled := result.Stage{Duration: time.Second}
	cancelled.Counters.Cancelled = 5
	for _, ind := range indicators() {
		for name, s := range map[string]*result.Stage{"no stage": nil, "no request": {Duration: time.Second}, "all cancelled": &cancelled} {
			if value, ok := Measure(ind, s); ok {
				t.Errorf("%s: %s = %v, want nothing measured", name, ind, value)
			}
		}
	}
	for _, kind := range []slo.Kind{slo.Throughput, slo.Goodput} {
		s := steady(10, time.Millisecond)
		s.Duration = 0
		if value, ok := Measure(slo.Indicator{Kind: kind}, &s); ok {
			t.Errorf("%s of no time = %v, want nothing measured", kind, value)
		}
	}
	one := steady(1, time.Millisecond)
	if value, ok := Measure(slo.Indicator{Kind: slo.StdDev}, &one); ok {
		t.Errorf("stddev of one request = %v, want nothing measured", value)
	}
}

// Counts above 2^32 stay exact.
func TestMeasureLargeCounts(t *testing.T) {
	const many = int64(5) << 32
	s := result.Stage{Duration: time.Second}
	s.Counters.Success, s.Counters.BadStatus = many, 1
	if got, _ := Measure(slo.Indicator{Kind: slo.Requests}, &s); got != float64(many+1) {
		t.Errorf("requests = %v, want %d", got, many+1)
	}
	none := objective(slo.Indicator{Kind: slo.ErrorRate}, slo.LE, 0)
	if got, _ := Measure(none.Indicator, &s); met(none, got) {
		t.Errorf("error_rate %v meets <= 0 with one failure", got)
	}
}

func TestCompare(t *testing.T) {
	p95, rate, success := percentile(95), slo.Indicator{Kind: slo.Throughput}, slo.Indicator{Kind: slo.SuccessRate}
	tests := []struct {
		name  string
		o     slo.Objective
		value float64
		want  bool
	}{
		{"same bucket", objective(p95, slo.LE, 450_000), micros(result.Equivalent(450 * time.Millisecond)), true},
		{"same bucket, strictly", objective(p95, slo.LT, 450_000), 450_000, false},
		{"same bucket, from below", objective(p95, slo.GE, 450_000), 449_920, true},
		{"same bucket, strictly above", objective(p95, slo.GT, 450_000), 450_047, false},
		{"same bucket, equal", objective(p95, slo.EQ, 450_000), 450_047, true},
		{"next bucket", objective(p95, slo.LE, 450_000), micros(result.Equivalent(450*time.Millisecond)) + 1, false},
		{"exact below 2 ms", objective(p95, slo.LE, 1500), 1501, false},
		{"bound above the highest time", objective(p95, slo.LE, 1e13), 3.6e9, true},
		{"share of a division by 100", objective(success, slo.GE, 99.9/100), 0.999, true},
		{"share below", objective(success, slo.GE, 0.98), 0.9799, false},
		{"rate equal", objective(rate, slo.GE, 30), 30, true},
		{"rate above", objective(rate, slo.LT, 30), 29.99, true},
		{"count", objective(slo.Indicator{Kind: slo.Errors}, slo.EQ, 0), 1, false},
		{"unknown comparison", objective(rate, "", 30), 30, false},
	}
	for _, tt := range tests {
		if got := met(tt.o, tt.value); got != tt.want {
			t.Errorf("%s: %v %s %v = %v, want %v", tt.name, tt.value, tt.o.Cmp, tt.o.Bound, got, tt.want)
		}
	}
}

func TestEnough(t *testing.T) {
	success := slo.Indicator{Kind: slo.SuccessRate}
	tests := []struct {
		o    slo.Objective
		want int64
	}{
		{objective(percentile(50), slo.LE, 1), 10},
		{objective(percentile(90), slo.LE, 1), 50},
		{objective(percentile(95), slo.LE, 1), 100},
		{objective(percentile(99), slo.LE, 1), 500},
		{objective(slo.Indicator{Kind: slo.Percentile, Quantile: slo.Quantile{Num: 999, Den: 1000}}, slo.LE, 1), 5000},
		{objective(slo.Indicator{Kind: slo.Percentile, Quantile: slo.Quantile{Num: 2, Den: 3}}, slo.LE, 1), 15},
		{objective(success, slo.GE, 0.5), 20},
		{objective(success, slo.GE, 0.96), 25},
		{objective(success, slo.GE, 0.98), 50},
		{objective(success, slo.GE, 0.999), 1000},
		{objective(success, slo.GE, 1), 20},
		{objective(slo.Indicator{Kind: slo.ErrorRate}, slo.LE, 0.01), 100},
		{objective(slo.Indicator{Kind: slo.ErrorRate}, slo.LE, 0), 20},
		{objective(slo.Indicator{Kind: slo.Throughput}, slo.GE, 30), 1},
		{objective(slo.Indicator{Kind: slo.StdDev}, slo.LE, 30), 2},
	}
	for _, tt := range tests {
		if got := Enough(tt.o); got != tt.want {
			t.Errorf("%s %s %v: %d requests, want %d", tt.o.Indicator, tt.o.Cmp, tt.o.Bound, got, tt.want)
		}
	}
}
