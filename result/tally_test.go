package result

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// most is as much as a result can count, in the fewest bytes.
func most() (Counters, Histogram) {
	return Counters{Success: maxCount}, counted(Bucket{Low: 7, Count: maxCount})
}

// mostRequests has it everywhere that is compared with the counters.
func mostRequests() Requests {
	c, h := most()
	return Requests{Counters: c, Response: h, OK: h, Service: h, OnTime: h}
}

// Each value is one that a file can hold; what they add up to is not.
func TestSumsAreBounded(t *testing.T) {
	c, h := most()
	full := func(n int) (list []Slice) {
		for i := range n {
			list = append(list, Slice{Offset: time.Duration(i), Width: 1, Counters: c, Response: h})
		}
		return list
	}
	step := func(name string) Step { return Step{Name: name, Requests: mostRequests()} }
	for _, tt := range []struct {
		name  string
		stage Stage
		want  string
	}{
		{"slices", Stage{Slices: full(1025)}, `stage "s": slice 1: counters: sum: with the count 9007199254740992, all counts add up to more than a result can hold`},
		{"steps", Stage{Steps: []Step{step("a"), step("b")}}, `step "b": counters: sum`},
		{"slices of steps", Stage{Steps: []Step{{Name: "a", Slices: full(1)}, {Name: "b", Slices: full(1)}}}, `step "b": slice 0: counters: sum`},
		{"iterations", Stage{Iterations: []Iterations{
			{Scenario: "a", Counters: c, Duration: h, OK: h, OnTime: h},
			{Scenario: "b", Counters: c, Duration: h, OK: h, OnTime: h},
		}}, `iterations of "b": counters: sum`},
		{"a histogram beside the counters", Stage{Requests: Requests{Connect: h, TTFB: h}}, "histograms: with the count"},
		{"lateness", Stage{Requests: mostRequests(), Generator: Generator{Lateness: h}}, "all counts"},
		{"status", Stage{Requests: Requests{Status: map[int]int64{500: maxCount, 501: maxCount}}}, "status 50"},
		{"closed by the other side", Stage{Generator: Generator{ClosedByPeer: -1}}, "generator: the count -1 is negative"},
		{"redirects", Stage{Requests: Requests{Redirects: maxCount + 1}}, "redirects: the count"},
		{"bytes", Stage{Requests: Requests{BytesIn: maxSpan, BytesOut: 1}}, "with one of 1, the sum of all durations and sizes is out of range"},
		{"processor time", Stage{Slices: []Slice{{Cost: &Cost{CPU: maxSpan}}, {Offset: 1, Cost: &Cost{CPU: maxSpan}}}}, "slice 1: cost: with one of"},
		{"waits", Stage{Cost: &Cost{Throttling: &Throttling{Periods: maxCount, Throttled: 1}}}, "cost: with the count 1"},
		{"end of a slice", Stage{Slices: []Slice{{Offset: maxSpan, Width: 1}}}, "slice 0: a duration or size of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.stage.Name, tt.stage.State, tt.stage.Workload.Model = "s", Completed, "open"
			_, err := Decode(strings.NewReader(encoded(t, &Run{Version: Version, Stages: []Stage{tt.stage}})))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// Stages and base's side are added up, too, and each is there once.
func TestSumsOfStagesAreBounded(t *testing.T) {
	stage := Stage{Name: "s", State: Completed, Workload: Workload{Model: "open"}, Requests: mostRequests()}
	other := stage
	other.Name = "t"
	for want, r := range map[string]*Run{
		`stage "t": counters`:        {Stages: []Stage{stage, other}},
		`stage "s" is there twice`:   {Stages: []Stage{{Name: "s", State: NotRun, Workload: stage.Workload}, stage}},
		`base: 1001 stages, at most`: {Base: &Base{Stages: make([]Stage, maxStages+1)}},
		`base: stage "s": counters`:  {Stages: []Stage{stage}, Base: &Base{Stages: []Stage{stage}}},
	} {
		if err := check(r); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := check(&Run{Stages: []Stage{stage}}); err != nil {
		t.Errorf("one is refused: %v", err)
	}
}

// checkSums adds up a stage in every way in which reports do.
func checkSums(t *testing.T, s *Stage) {
	t.Helper()
	all := func(string) bool { return true }
	both := Append(s, s)
	for i, sum := range []*Stage{s, &both, s.Passes(all), both.Passes(all), s.Part(allButFirst()), both.Part(allButFirst())} {
		checkSum(t, fmt.Sprint("sum ", i), sum.Counters, sum.Response)
		checkSum(t, fmt.Sprint("on time of sum ", i), sum.Counters, sum.OnTime)
		if len(sum.Slices) > 0 {
			joined := Joined(sum.Slices)
			checkSum(t, fmt.Sprint("slices of sum ", i), joined.Counters, joined.Response)
		}
	}
}

// allButFirst covers all steps but the first, which makes a part.
func allButFirst() func(scenario, step string) bool {
	n := 0
	return func(_, _ string) bool { n++; return n > 1 }
}

// checkSum compares what was added up with each other.
func checkSum(t *testing.T, what string, c Counters, h Histogram) {
	t.Helper()
	var n int64
	for _, b := range h.Buckets() {
		if b.Count <= 0 {
			t.Errorf("%s: %d values in a bucket", what, b.Count)
		}
		n += b.Count
	}
	if n != h.Total() || n != c.Judged() {
		t.Errorf("%s: the buckets hold %d values, the histogram %d, the counters %d", what, n, h.Total(), c.Judged())
	}
}
