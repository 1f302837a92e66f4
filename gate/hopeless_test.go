package gate

import (
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

func aborting(o slo.Objective, grace time.Duration) slo.Objective {
	o.Abort, o.Grace = true, grace
	return o
}

func TestHopelessByCount(t *testing.T) {
	closed := slo.Workload{Model: slo.Closed, Requests: 1000, WorkersFrom: 10, WorkersTo: 10}
	open := slo.Workload{Model: slo.Open, RateFrom: 0, RateTo: 100, Duration: 20 * time.Second} // 1000 arrivals
	endless := slo.Workload{Model: slo.Closed, Duration: time.Minute, WorkersFrom: 10, WorkersTo: 10}
	poisson := open
	poisson.Arrivals = slo.Poisson
	kind := func(k slo.Kind) slo.Indicator { return slo.Indicator{Kind: k} }
	status := slo.Indicator{Kind: slo.Status, Status: slo.StatusRange{From: 500, To: 599}}
	apdex := slo.Indicator{Kind: slo.Apdex, Apdex: time.Second}

	tests := []struct {
		name string
		w    slo.Workload
		o    slo.Objective
		live result.Stage
		want bool
	}{
		{"20 of 1000 may fail", closed, success98, mixed(40, 20, time.Millisecond), false},
		{"the 21st may not", closed, success98, mixed(40, 21, time.Millisecond), true},
		{"open: the integral of the rate", open, success98, mixed(40, 20, time.Millisecond), false},
		{"open: one more", open, success98, mixed(40, 21, time.Millisecond), true},
		{"poisson: the schedule may be longer", poisson, success98, mixed(40, 21, time.Millisecond), false},
		{"poisson: beyond any schedule", poisson, success98, mixed(40, 24, time.Millisecond), true},
		{"more than planned came", closed, success98, mixed(2000, 40, time.Millisecond), false},
		{"error rate", closed, objective(kind(slo.ErrorRate), slo.LE, 0.02), mixed(40, 21, time.Millisecond), true},
		{"status", closed, objective(status, slo.LE, 0.02), mixed(40, 21, time.Millisecond), true},
		{"status below", closed, objective(status, slo.LE, 0.02), mixed(40, 20, time.Millisecond), false},
		{"apdex", closed, objective(apdex, slo.GE, 0.98), mixed(40, 21, time.Millisecond), true},
		{"p95: 50 of 1000 may lie above", closed, p95Within450ms, steady(50, time.Second), false},
		{"p95: the 51st may not", closed, p95Within450ms, steady(51, time.Second), true},
		{"p95: in the bound's bucket", closed, p95Within450ms, steady(51, 450*time.Millisecond), false},
		{"p95: in the bound's bucket, strictly", closed, objective(percentile(95), slo.LT, 450_000), steady(51, 450*time.Millisecond), true},
		{"p95 from below can rise", closed, objective(percentile(95), slo.GE, 450_000), steady(999, time.Millisecond), false},
		{"no plan: shares can mend", endless, success98, mixed(5000, 4000, time.Millisecond), false},
		{"no plan: percentiles can mend", endless, p95Within450ms, steady(5000, time.Second), false},
		{"no plan: none may fail", endless, objective(kind(slo.SuccessRate), slo.GE, 1), mixed(5000, 1, time.Millisecond), true},
		{"no plan: no error rate", endless, objective(kind(slo.ErrorRate), slo.LE, 0), mixed(5000, 1, time.Millisecond), true},
		{"counts only grow", endless, objective(kind(slo.Errors), slo.LE, 5), mixed(100, 6, time.Millisecond), true},
		{"counts, met", endless, objective(kind(slo.Errors), slo.LE, 5), mixed(100, 5, time.Millisecond), false},
		{"a count to be equal, passed", endless, objective(kind(slo.Errors), slo.EQ, 5), mixed(100, 6, time.Millisecond), true},
		{"a count to be equal, not reached", endless, objective(kind(slo.Errors), slo.EQ, 5), mixed(100, 4, time.Millisecond), false},
		{"maximum", endless, objective(kind(slo.Max), slo.LE, 1000), steady(1, time.Second), true},
		{"minimum", endless, objective(kind(slo.Min), slo.GE, 1e6), steady(1, time.Millisecond), true},
		{"throughput can rise", closed, objective(kind(slo.Throughput), slo.GE, 1e6), steady(100, time.Millisecond), false},
		{"nothing measured", closed, success98, result.Stage{}, false},
		{"only a number", closed, as(slo.Show, success98), mixed(40, 21, time.Millisecond), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stage := slo.Stage{Workload: tt.w, Objectives: []slo.Objective{throughput30, aborting(tt.o, 0)}}
			o, why, got := Hopeless(stage, &tt.live)
			if got != tt.want || got && (o.Indicator != tt.o.Indicator || why == "") {
				t.Errorf("got %v (%s %q), want %v", got, o.Indicator, why, tt.want)
			}
		})
	}
}

// An open stage counts arrivals, and each may come to several requests.
func TestHopelessCountsTheStepsOfAnArrival(t *testing.T) {
	stage := slo.Stage{
		Workload:   slo.Workload{Model: slo.Open, RateFrom: 50, RateTo: 50, Duration: 20 * time.Second},
		Objectives: []slo.Objective{aborting(success98, 0)},
		Longest:    3,
	}
	live := mixed(100, 60, time.Millisecond)
	live.Steps = []result.Step{{Scenario: "a", Name: "repeated"}, {Scenario: "b", Name: "1"}}
	if _, why, lost := Hopeless(stage, &live); lost {
		t.Errorf("60 failures of up to 3000 requests: %s", why)
	}
	live = mixed(100, 61, time.Millisecond)
	if _, _, lost := Hopeless(stage, &live); !lost {
		t.Error("61 failures of up to 3000 requests are not hopeless")
	}
}

func TestHopelessNeedsAbort(t *testing.T) {
	stage := slo.Stage{Workload: slo.Workload{Model: slo.Closed, Requests: 100}, Objectives: []slo.Objective{success98}}
	live := mixed(100, 100, time.Millisecond)
	if _, _, lost := Hopeless(stage, &live); lost {
		t.Error("an objective without abort stopped the run")
	}
	if _, _, lost := Hopeless(stage, nil); lost {
		t.Error("a stage that is not running is hopeless")
	}
}

// A stage whose success falls to nothing after good seconds: the value so far
// breaks 50 % after as many bad ones, and is lost a grace later.
func TestHopelessByGrace(t *testing.T) {
	endless := slo.Workload{Model: slo.Closed, Duration: time.Hour}
	half := objective(slo.Indicator{Kind: slo.SuccessRate}, slo.GE, 0.5)
	after := func(good, bad int) result.Stage {
		var p population
		for i := range good + bad {
			for range 10 {
				class := result.Success
				if i >= good {
					class = result.BadStatus
				}
				p.add(time.Duration(i)*time.Second, time.Millisecond, class)
			}
		}
		return p.stage("high", time.Duration(good+bad)*time.Second)
	}
	mended := after(0, 12)
	mended.Slices[11].Counters = result.Counters{Success: 900}
	mended.Counters.Success = 900
	partial := after(4, 14)
	partial.Duration += 500 * time.Millisecond

	tests := []struct {
		name  string
		o     slo.Objective
		grace time.Duration
		live  result.Stage
		want  bool
	}{
		{"not broken", half, 10 * time.Second, after(10, 10), false},
		{"broken, but not for so long", half, 10 * time.Second, after(4, 14), false},
		{"broken for the whole of it", half, 10 * time.Second, after(4, 15), true},
		{"between two slices", half, 10 * time.Second, partial, false},
		{"from the start, too short", half, 10 * time.Second, after(0, 10), false},
		{"from the start", half, 10 * time.Second, after(0, 11), true},
		{"mended", half, 10 * time.Second, mended, false},
		{"without grace", half, 0, after(0, 60), false},
		{"times", objective(percentile(50), slo.LE, 500), 10 * time.Second, after(20, 0), true},
		{"not kept by slice", objective(slo.Indicator{Kind: slo.BytesIn}, slo.GE, 1e9), 10 * time.Second, after(20, 0), false},
		{"throughput", objective(slo.Indicator{Kind: slo.Throughput}, slo.GE, 11), 10 * time.Second, after(20, 0), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stage := slo.Stage{Workload: endless, Objectives: []slo.Objective{aborting(tt.o, tt.grace)}}
			if _, why, got := Hopeless(stage, &tt.live); got != tt.want {
				t.Errorf("got %v %q, want %v", got, why, tt.want)
			}
		})
	}
}

func TestHopelessSaysWhy(t *testing.T) {
	stage := slo.Stage{
		Workload:   slo.Workload{Model: slo.Closed, Requests: 1000},
		Objectives: []slo.Objective{aborting(success98, 0)},
	}
	live := mixed(100, 30, time.Millisecond)
	_, why, _ := Hopeless(stage, &live)
	if want := "cannot be met any more: the stage would end at 97 % at best"; why != want {
		t.Errorf("got %q, want %q", why, want)
	}
}
