package report

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// evenStage has a request every so often, in slices of a sixteenth of what was
// planned. It ends a little later.
func evenStage(name string, start, planned, every time.Duration) result.Stage {
	width := planned / 16
	s := result.Stage{Name: name, State: result.Completed, Start: started.Add(start), Duration: planned + 600*time.Microsecond}
	recorders := make([]result.Recorder, 16)
	s.Slices = make([]result.Slice, 16)
	for due := time.Duration(0); due < planned; due += every {
		s.Slices[due/width].Counters.Success++
		recorders[due/width].Record(time.Millisecond)
	}
	for i := range s.Slices {
		s.Slices[i].Offset, s.Slices[i].Width = time.Duration(i)*width, width
		s.Slices[i].Response = recorders[i].Histogram()
		s.Counters.Add(s.Slices[i].Counters)
	}
	return s
}

// An even load is an even line from the first to the last step, whatever the
// width of the slices and wherever the run ends.
func TestEvenLoadIsAnEvenLine(t *testing.T) {
	for _, c := range []struct {
		name    string
		planned []time.Duration
		steps   int
	}{
		{"slices of a second", []time.Duration{16 * time.Second}, 16},
		{"narrow slices", []time.Duration{10 * time.Second}, 10},
		{"ends in the first half of a step", []time.Duration{8400 * time.Millisecond}, 8},
		{"ends in the second half", []time.Duration{8600 * time.Millisecond}, 9},
		{"two stages meet in a step", []time.Duration{5500 * time.Millisecond, 4500 * time.Millisecond}, 10},
		{"long", []time.Duration{16 * time.Second, 16 * time.Second, 16 * time.Second, 16 * time.Second, 16 * time.Second}, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, at := &result.Run{Start: started}, time.Duration(0)
			for _, planned := range c.planned {
				r.Stages = append(r.Stages, evenStage("s", at, planned, 10*time.Millisecond))
				at += planned
			}
			chart, _ := evenly(r, mermaidMoments)
			if len(chart.At) != c.steps {
				t.Errorf("%d steps, want %d", len(chart.At), c.steps)
			}
			for i, rate := range chart.Rate {
				if math.Abs(rate-100) > 5 || math.IsNaN(chart.P95[i]) {
					t.Errorf("step %d: %v/s, p95 %v ms; want 100/s and 1 ms", i, rate, chart.P95[i])
				}
			}
		})
	}
}

// A line of p95 goes up to what was measured, also where p50 is far below.
func TestLinesAreNotCut(t *testing.T) {
	for kind, want := range map[string]float64{"line": 400, "bar": 6} {
		top, cut := scale(latencySeries(kind, Series{1, 1}, Series{2, 2}, Series{2, 400}))
		if top != want || cut != (kind == "bar") {
			t.Errorf("%s: up to %v, cut %t; want %v", kind, top, cut, want)
		}
	}
}

// Stages that ran together are one load over time: no moment comes twice, and
// their rates add up. Those before and after are their own.
func TestChartsOfStagesThatRanTogether(t *testing.T) {
	beside := []result.Workload{{Model: "open"}}
	r := &result.Run{Start: started, Stages: []result.Stage{
		evenStage("before", 0, 4*time.Second, 10*time.Millisecond),
		evenStage("mixed/reads", 5*time.Second, 10*time.Second, 10*time.Millisecond),
		evenStage("mixed/writes", 5*time.Second, 4*time.Second, 5*time.Millisecond),
		evenStage("after/a", 16*time.Second, 4*time.Second, 10*time.Millisecond),
		evenStage("after/b", 16*time.Second, 4*time.Second, 10*time.Millisecond),
	}}
	for i := range r.Stages[1:] {
		s := &r.Stages[i+1]
		s.Beside = beside
		s.Metrics = []result.Metric{{Name: "queue"}}
		for at := time.Duration(0); at < s.Duration; at += time.Second {
			s.Metrics[0].Points = append(s.Metrics[0].Points, result.MetricPoint{At: at, Value: seconds(s.Start.Sub(r.Start) + at)})
		}
	}
	c := timeChart(r, timePoints, stagesTogether(r))
	var names []string
	for _, span := range c.Spans {
		names = append(names, span.Stage)
	}
	if diff := cmp.Diff([]string{"before", "mixed", "after"}, names); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for i, at := range c.At {
		if i > 0 && at <= c.At[i-1] {
			t.Errorf("point %d lies at %v s, the one before at %v s", i, at, c.At[i-1])
		}
		want := 100.0
		switch {
		case at > 5 && at < 8.5:
			want = 300
		case at > 8.5 && at < 9.5:
			continue // one ends
		case at > 16:
			want = 200
		}
		if math.Abs(c.Rate[i]-want) > 10 || c.P95[i] < 0.9 || c.P95[i] > 1.1 {
			t.Errorf("at %v s: %v/s and p95 %v ms, want %v/s and 1 ms", at, c.Rate[i], c.P95[i], want)
		}
	}
	m := metricCharts(r)[0]
	for i, v := range m.Line {
		if i > 0 && m.At[i] <= m.At[i-1] || !math.IsNaN(v) && v != m.At[i] {
			t.Errorf("value %d, of %v s, lies at %v s", i, v, m.At[i])
		}
	}
	if n := len(m.At); n != 11+1+5 {
		t.Errorf("%d values of a metric, want 11, a gap and 5", n)
	}
}
