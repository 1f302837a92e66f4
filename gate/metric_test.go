package gate

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// metered is the stage with the values of a metric.
func metered(s result.Stage, asked int, values ...float64) result.Stage {
	m := result.Metric{Name: "cpu", Asked: asked}
	for i, v := range values {
		m.Points = append(m.Points, result.MetricPoint{At: time.Duration(i) * time.Second, Value: v})
	}
	s.Metrics = []result.Metric{m}
	return s
}

func TestJudgeMetric(t *testing.T) {
	plain := taking{median: 20 * ms, within: 0.3}.side(rand.New(rand.NewPCG(1, 1)), 20)
	endless := metered(plain, 3, 1, 2)
	endless.Metrics[0].Missing = "the query gave an infinite value"
	until := func(d time.Duration, s result.Stage) result.Stage {
		s.Metrics[0].Every = time.Second
		s.Loaded = []result.Loaded{{From: s.Start, Until: s.Start.Add(d)}}
		return s
	}
	for _, c := range []struct {
		text   string
		stage  result.Stage
		want   result.Verdict
		reason string
	}{
		{"metric.cpu <= 2", metered(plain, 3, 1, 2, 3), result.Pass, ""},
		{"metric.cpu < 2", metered(plain, 3, 1, 2, 3), result.Fail, ""},
		{"metric.cpu.max <= 2", metered(plain, 3, 1, 3, 2), result.Fail, ""},
		{"metric.cpu.last <= 2", metered(plain, 3, 1, 3, 2), result.Pass, ""},
		{"metric.cpu.min >= 1", metered(plain, 3, 1, 3, 2), result.Pass, ""},
		{"metric.cpu <= 0.0000001", metered(plain, 1, 2e-7), result.Fail, ""}, // no bucket of a histogram
		{"metric.cpu >= 5000000", metered(plain, 1, 4999999), result.Fail, ""},
		{"metric.cpu <= 2", metered(plain, 6, 1, 2, 3), result.Pass, ""},
		{"metric.cpu <= 2", metered(plain, 7, 1, 2, 3), result.Inconclusive, "the metric has a value at 3 of 7 moments of the stage"},
		{"metric.cpu <= 2", metered(plain, 7), result.Inconclusive, "at 0 of 7 moments"},
		{"metric.cpu.last <= 2", until(2*time.Second, metered(plain, 3, 1, 3, 2)), result.Pass, ""},
		{"metric.cpu.last <= 2", until(4*time.Second, metered(plain, 5, 1, 3, 2)), result.Pass, ""}, // a step late
		{"metric.cpu.last <= 2", until(5*time.Second, metered(plain, 6, 1, 3, 2)), result.Inconclusive, "no value at the stage's end"},
		{"metric.cpu.max <= 3", until(5*time.Second, metered(plain, 6, 1, 3, 2)), result.Pass, ""},
		{"metric.cpu <= 2", endless, result.Inconclusive, "the query gave an infinite value"},
		{"metric.cpu <= 2", plain, result.Inconclusive, "the metric was not asked for"},
	} {
		o, err := slo.ParseObjective(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got := judge(plan(o), c.stage).Objectives[0]
		if got.Verdict != c.want || !strings.Contains(got.Reason, c.reason) || got.Unit != "number" {
			t.Errorf("%s: %s (%s), want %s (%s)", c.text, got.Verdict, got.Reason, c.want, c.reason)
		}
	}
}

// Earlier results judge a metric as they judge a time.
func TestJudgeMetricAgainstEarlierResults(t *testing.T) {
	o, err := slo.ParseObjective("metric.cpu <= baseline + 10%")
	if err != nil {
		t.Fatal(err)
	}
	stage := func(value float64) result.Stage {
		s := metered(taking{median: 20 * ms, within: 0.3}.side(rand.New(rand.NewPCG(1, 1)), 20), 1, value)
		s.Name, s.State = "high", result.Completed
		return s
	}
	var earlier []*result.Run
	for i, v := range []float64{0.50, 0.51, 0.49, 0.50, 0.52, 0.50} {
		earlier = append(earlier, &result.Run{Start: time.Unix(int64(1000*i), 0), Seed: uint64(i), Stages: []result.Stage{stage(v)}})
	}
	for value, want := range map[float64]result.Verdict{0.51: result.Pass, 0.9: result.Fail, -1: result.Inconclusive} {
		r := &result.Run{Start: time.Unix(9000, 0), Stages: []result.Stage{stage(value)}}
		got := Judge(plan(o), r, Options{Baseline: earlier}).Objectives[0]
		if got.Verdict != want {
			t.Errorf("%v: %s (%s), want %s", value, got.Verdict, got.Reason, want)
		}
	}
}

// A metric that was rarely there is no baseline, and values below 0 have a spread
// too.
func TestJudgeMetricAgainstDoubtfulResults(t *testing.T) {
	run := func(n int, value float64, missing bool) *result.Run {
		s := metered(taking{median: 20 * ms, within: 0.3}.side(rand.New(rand.NewPCG(1, 1)), 20), 1, value)
		s.Name, s.State = "high", result.Completed
		if missing {
			s.Metrics[0].Points, s.Metrics[0].Asked = s.Metrics[0].Points[:1], 20
		}
		return &result.Run{Start: day(n), Seed: uint64(n + 1), Stages: []result.Stage{s}}
	}
	rare := []*result.Run{run(0, 1, true)}
	if got := Judge(plan(relative(t, "metric.cpu <= baseline + 10%")), run(40, 5, false), Options{Baseline: rare}).Objectives[0]; got.Verdict != result.Skipped {
		t.Errorf("against one moment: %s (%s)", got.Verdict, got.Reason)
	}
	var below []*result.Run
	for i, v := range []float64{-1, 20, 3, 25, 1, 30, 8} {
		below = append(below, run(i, v, false))
	}
	if got := Judge(plan(relative(t, "metric.cpu <= baseline + 5")), run(40, 16, false), Options{Baseline: below}).Objectives[0]; got.Verdict != result.Inconclusive {
		t.Errorf("beside a value below 0: %s (%s)", got.Verdict, got.Reason)
	}
}

// Whatever the values of a metric are, what comes of them can be written.
func TestJudgeMetricOfExtremes(t *testing.T) {
	o, err := slo.ParseObjective("metric.cpu <= baseline + 10%")
	if err != nil {
		t.Fatal(err)
	}
	run := func(second int, value float64) *result.Run {
		s := metered(taking{median: 20 * ms, within: 0.3}.side(rand.New(rand.NewPCG(1, 1)), 20), 1, value)
		s.Name, s.State = "high", result.Completed
		return &result.Run{Version: result.Version, Start: time.Unix(int64(second), 0), Seed: uint64(second), Stages: []result.Stage{s}}
	}
	for _, values := range [][]float64{
		{5e-324, 1.7e308, 5e-324, 1.7e308, 1},
		{1.7e308, 1.7e308, 1.7e308},
		{5e-324, 1.7e308},
		{0, 1.7e308, 0},
		{-1.7e308, 1.7e308, 0},
	} {
		var earlier []*result.Run
		for i, v := range values {
			earlier = append(earlier, run(1000*i, v))
		}
		now := earlier[len(earlier)-1]
		now.Judgement = Judge(plan(o), now, Options{Baseline: earlier[:len(earlier)-1]})
		if err := result.Encode(io.Discard, now); err != nil {
			t.Errorf("%v: %v", values, err)
		}
	}
}

// What is only shown says why it has no value, and decides nothing.
func TestShownWithoutAValue(t *testing.T) {
	plain := taking{median: 20 * ms, within: 0.3}.side(rand.New(rand.NewPCG(1, 1)), 20)
	for text, reason := range map[string]string{
		"metric.cpu <= 2":     "the metric was not asked for",
		"replicas.max <= 3":   "the cluster did not show replicas.max in the stage; it was not watched",
		"scale_up_time <= 9s": "the cluster did not show scale_up_time in the stage; it was not watched",
	} {
		o, err := slo.ParseObjective(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Severity = slo.Show
		got := judge(plan(o), plain).Objectives[0]
		if got.Verdict != result.Shown || got.Reason != reason {
			t.Errorf("%s: %s (%s), want %s", text, got.Verdict, got.Reason, reason)
		}
	}
}
