package gate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// inScope is an objective of a scenario or a step.
func inScope(o slo.Objective, scenario, step string) slo.Objective {
	o.Scope = slo.Scope{Scenario: scenario, Step: step}
	return o
}

// step is one step's requests in a stage of 20 s.
type step struct {
	scenario, name string
	population
}

// evenly makes n equal requests, evenly spread over 20 s.
func evenly(scenario, name string, n int, took time.Duration) step {
	s := step{scenario: scenario, name: name}
	for i := range n {
		s.add(time.Duration(i)*20*time.Second/time.Duration(n), took, result.Success)
	}
	return s
}

// of makes the stage "high" of its steps, whose slices are kept.
func of(steps ...step) result.Stage {
	var all population
	for _, s := range steps {
		all = append(all, s.population...)
	}
	stage := all.stage("high", 20*time.Second)
	for _, s := range steps {
		alone := s.stage("", 20*time.Second)
		stage.Steps = append(stage.Steps, result.Step{Scenario: s.scenario, Name: s.name, Requests: alone.Requests, Slices: alone.Slices})
	}
	return stage
}

func TestJudgeScopes(t *testing.T) {
	fast, slow := evenly("shop", "search", 1000, 100*time.Millisecond), evenly("shop", "buy", 200, 800*time.Millisecond)
	other, rare := evenly("api", "search", 400, 300*time.Millisecond), evenly("api", "list", 40, 100*time.Millisecond)
	s := of(fast, slow, other, rare)
	starved := s
	starved.Generator.UnsentOwn = 1 // of 1640 due: less than one in 100, but not of 40
	throughput8 := objective(slo.Indicator{Kind: slo.Throughput}, slo.GE, 8)
	requests := objective(slo.Indicator{Kind: slo.Requests}, slo.EQ, 1400)
	tests := []struct {
		name     string
		o        slo.Objective
		s        result.Stage
		want     result.Verdict
		reason   string
		measured float64
	}{
		{"the whole", p95Within450ms, s, result.Fail, "", 800_000},
		{"a fast step", inScope(p95Within450ms, "", "search"), s, result.Pass, "", 300_000},
		{"a step of one scenario", inScope(p95Within450ms, "shop", "search"), s, result.Pass, "", 100_000},
		{"a slow step", inScope(p95Within450ms, "", "buy"), s, result.Fail, "", 800_000},
		{"a scenario", inScope(p95Within450ms, "shop", ""), s, result.Fail, "", 800_000},
		{"too few requests of the step", inScope(p95Within450ms, "", "list"), s, result.Inconclusive, "p95 needs 100, there were 40", 100_000},
		{"its throughput is its own", inScope(throughput8, "", "buy"), s, result.Pass, "", 10},
		{"its requests are its own", inScope(requests, "", "search"), s, result.Pass, "", 1400},
		{"a stage without the step", inScope(p95Within450ms, "", "pay"), s, result.Inconclusive, "nothing was measured", 0},
		{"unsent is counted of the stage", inScope(success98, "", "search"), starved, result.Pass, "", 1},
		{"a window of a step", inWindows(inScope(p95Within450ms, "", "buy"), 10), s, result.Fail, "", 800_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := only(t, tt.o, tt.s)
			measured := 0.0
			if got.Measured != nil {
				measured = *got.Measured
			}
			near := measured > tt.measured*0.998 && measured < tt.measured*1.002 || measured == tt.measured
			if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) || !near {
				t.Errorf("got %s (%s) at %v, want %s (%s) at %v", got.Verdict, got.Reason, measured, tt.want, tt.reason, tt.measured)
			}
			if got.Scenario != tt.o.Scope.Scenario || got.Step != tt.o.Scope.Step {
				t.Errorf("judged scenario %q, step %q", got.Scenario, got.Step)
			}
		})
	}
	j := judge(plan(inScope(p95Within450ms, "", "buy")), s)
	if want := `p95 of step "buy" in "high" was 800 ms`; !strings.HasPrefix(j.Reason, want) {
		t.Errorf("the reason is %q, want it to begin with %q", j.Reason, want)
	}
}

// A step's interval comes from its own slices, as if it had been alone; without
// them there is none, unless it is the only step.
func TestIntervalOfStep(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	noisy := func(name string, level time.Duration) step {
		s := step{scenario: "shop", name: name}
		for range 2000 {
			took := level + time.Duration(random.ExpFloat64()*float64(50*time.Millisecond))
			s.add(time.Duration(random.IntN(20_000))*time.Millisecond, took, result.Success)
		}
		return s
	}
	search, buy := noisy("search", 100*time.Millisecond), noisy("buy", 300*time.Millisecond)
	s := of(search, buy)
	got, alone := only(t, inScope(p95Within450ms, "", "buy"), s), only(t, p95Within450ms, of(buy))
	if got.Lower == nil || got.Upper == nil || *got.Lower != *alone.Lower || *got.Upper != *alone.Upper {
		t.Errorf("the interval of the step is %v to %v, alone %v to %v", got.Lower, got.Upper, *alone.Lower, *alone.Upper)
	}
	both, whole := only(t, inScope(p95Within450ms, "shop", ""), s), only(t, p95Within450ms, s)
	if *both.Lower != *whole.Lower || *both.Upper != *whole.Upper {
		t.Errorf("the interval of all steps is %v to %v, of the stage %v to %v", *both.Lower, *both.Upper, *whole.Lower, *whole.Upper)
	}
	s.Steps[1].Slices = nil
	if got := only(t, inScope(p95Within450ms, "", "buy"), s); got.Lower != nil {
		t.Errorf("without slices the interval begins at %v", *got.Lower)
	}
}

// Objectives on iterations look at these, of one scenario or of all, with the
// same rules as at requests.
func TestJudgeIterations(t *testing.T) {
	s := of(evenly("shop", "search", 1000, 100*time.Millisecond))
	iterations := func(scenario string, p population) result.Iterations {
		alone := p.stage("", 20*time.Second)
		return result.Iterations{
			Scenario: scenario, Counters: alone.Counters, Duration: alone.Response, OK: alone.OK, OnTime: alone.OnTime, Slices: alone.Slices,
		}
	}
	failing := evenly("", "", 200, 300*time.Millisecond).population
	for i := range 4 {
		failing[i].class = result.BadStatus
	}
	s.Iterations = []result.Iterations{
		iterations("shop", evenly("", "", 100, 800*time.Millisecond).population), iterations("api", failing),
	}
	none := of(evenly("shop", "search", 1000, 100*time.Millisecond))
	of := func(o slo.Objective, scenario string) slo.Objective {
		o.Indicator.Clock, o.Scope.Scenario = slo.IterationTime, scenario
		return o
	}
	p99 := objective(percentile(99), slo.LE, 900_000)
	tests := []struct {
		name   string
		o      slo.Objective
		s      result.Stage
		want   result.Verdict
		reason string
	}{
		{"all", of(p95Within450ms, ""), s, result.Fail, ""},
		{"of one scenario", of(p95Within450ms, "api"), s, result.Pass, ""},
		{"too few", of(p99, "shop"), s, result.Inconclusive, "too few iterations: iteration.p99 needs 500, there were 100"},
		{"success", of(success98, "api"), s, result.Pass, ""},
		{"throughput counts iterations", of(throughput30, ""), s, result.Fail, ""},
		{"a window", inWindows(of(p95Within450ms, "api"), 10), s, result.Pass, "the worst of 11 windows of 10 s"},
		{"where they were not counted", of(p95Within450ms, ""), none, result.Inconclusive, "no iterations were counted"},
	}
	for _, tt := range tests {
		got := only(t, tt.o, tt.s)
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", tt.name, got.Verdict, got.Reason, tt.want, tt.reason)
		}
	}
	if got := only(t, of(p95Within450ms, "api"), s); got.Lower == nil {
		t.Error("iterations have no interval")
	}
}

// A regression of one step fails its own objective, against earlier results and
// against base, and not that of the other.
func TestCompareSteps(t *testing.T) {
	usual := taking{median: 20 * ms, within: 0.3, between: 0.1}
	slower := usual
	slower.median = 30 * ms
	random := rand.New(rand.NewPCG(7, 8))
	shop := func(search, buy taking) result.Stage {
		a, b := search.side(random, 30), buy.side(random, 30)
		all := a
		all.Steps = []result.Step{
			{Scenario: "shop", Name: "search", Requests: a.Requests, Slices: a.Slices},
			{Scenario: "shop", Name: "buy", Requests: b.Requests, Slices: b.Slices},
		}
		return all
	}
	file := plan(inScope(relative(t, "p50 <= baseline + 10%"), "", "search"), inScope(relative(t, "p50 <= baseline + 10%"), "", "buy"))
	verdicts := func(j *result.Judgement) string {
		return fmt.Sprint(j.Objectives[0].Verdict, " ", j.Objectives[1].Verdict)
	}
	r := &result.Run{Start: day(40), Stages: []result.Stage{shop(usual, slower)}, Base: &result.Base{Stages: []result.Stage{shop(usual, usual)}}}
	j := Judge(file, r, Options{})
	if got := verdicts(j); got != "pass fail" || j.Objectives[1].Comparison.Pairs != 30 {
		t.Errorf("against base: %s, %+v", got, j.Objectives[1].Comparison)
	}
	var earlier []*result.Run
	for n := range 8 {
		earlier = append(earlier, &result.Run{Start: day(n), Seed: uint64(n), Stages: []result.Stage{shop(usual, usual)}})
	}
	if got := verdicts(Judge(file, &result.Run{Start: day(40), Stages: []result.Stage{shop(usual, slower)}}, Options{Baseline: earlier})); got != "pass fail" {
		t.Errorf("against earlier results: %s", got)
	}
}
