package report

import (
	"math"
	"testing"
	"time"

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
