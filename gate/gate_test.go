package gate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Every indicator, severity and comparison with zero requests, in every state
// of a stage and in none: nothing may pass.
func TestNoDataIsNeverAPass(t *testing.T) {
	stages := map[string][]result.Stage{"missing": nil}
	for _, state := range []result.State{result.Completed, result.NotRun, result.Cancelled, result.Aborted, result.Dead, result.Limited} {
		stages[string(state)] = []result.Stage{{Name: "high", State: state, Duration: 20 * time.Second, Slices: make([]result.Slice, 20)}}
	}
	onlyCancelled := result.Stage{Name: "high", State: result.Completed, Duration: time.Second}
	onlyCancelled.Counters.Cancelled = 100
	stages["all requests cancelled"] = []result.Stage{onlyCancelled}
	unsent := result.Stage{Name: "high", State: result.Completed, Duration: time.Second}
	unsent.Counters.Unsent = 1000
	stages["all requests unsent"] = []result.Stage{unsent}

	for name, measured := range stages {
		for _, ind := range append(indicators(), slo.Indicator{Kind: slo.Slope}, slo.Indicator{Kind: slo.Mean, Clock: slo.IterationTime}) {
			for _, c := range []slo.Cmp{slo.LE, slo.GE, slo.LT, slo.GT, slo.EQ} {
				for _, bound := range []float64{0, 1} {
					for _, severity := range []slo.Severity{slo.Fail, slo.Warn, slo.Show} {
						o := as(severity, objective(ind, c, bound))
						j := judge(plan(o), measured...)
						if j.Verdict == result.Pass || j.Objectives[0].Verdict == result.Pass {
							t.Errorf("%s: %s: %s %s %v: objective %s, run %s", name, severity, ind, c, bound, j.Objectives[0].Verdict, j.Verdict)
						}
					}
				}
			}
		}
	}
}

func TestJudgeObjective(t *testing.T) {
	late := mixed(1000, 0, 620*time.Millisecond)
	late.OnTime = steady(1000, 430*time.Millisecond).Response
	starved := steady(1000, 100*time.Millisecond)
	starved.Generator.UnsentOwn = 3
	barely := steady(1000, 100*time.Millisecond)
	barely.Generator.UnsentOwn = 2

	// failing makes failures of another class of those of mixed.
	failing := func(s result.Stage, of func(*result.Counters) *int64) result.Stage {
		failed := s.Counters.Errors()
		s.Counters = result.Counters{Success: s.Counters.Success}
		*of(&s.Counters) = failed
		return s
	}
	local := func(c *result.Counters) *int64 { return &c.Local }
	timeout := func(c *result.Counters) *int64 { return &c.Timeout }
	heldBack := func(s result.Stage, share float64) result.Stage {
		s.Generator.Throttled = share
		return s
	}
	bursts := func(s result.Stage, late, service time.Duration) result.Stage {
		s.OnTime = s.Response
		s.Generator.Lateness, s.Service = steady(1000, late).Response, steady(1000, service).Response
		return s
	}
	asked := objective(slo.Indicator{Kind: slo.Goodput}, slo.GE, 45)
	costly := objective(slo.Indicator{Kind: slo.MemoryMax}, slo.LE, 1000)
	tooLarge := failing(mixed(1000, 200, time.Millisecond), local)
	tooLarge.Cost = &result.Cost{Memory: 2000}
	okSlow := failing(mixed(1000, 200, 620*time.Millisecond), local)
	slow := steady(1000, 620*time.Millisecond)
	tail := mixed(1000, 150, time.Millisecond) // the failed ones count with their timeout
	measured95 := objective(slo.Indicator{Kind: slo.Percentile, Clock: slo.MeasuredNumber, Measure: "hits", Quantile: slo.Quantile{Num: 19, Den: 20}}, slo.LE, 100)
	numbers := steady(1000, time.Millisecond)
	numbers.Measures = map[string]result.Histogram{"hits": slow.Response}
	fewErrors := objective(slo.Indicator{Kind: slo.Errors}, slo.LE, 10)

	p99 := objective(percentile(99), slo.LE, 450_000)
	okP95 := objective(slo.Indicator{Kind: slo.Percentile, Clock: slo.OK, Quantile: slo.Quantile{Num: 19, Den: 20}}, slo.LE, 450_000)
	noErrors := objective(slo.Indicator{Kind: slo.ErrorRate}, slo.LE, 0)
	tests := []struct {
		name   string
		o      slo.Objective
		s      result.Stage
		want   result.Verdict
		reason string // contained; "" for none at all
	}{
		{"met", p95Within450ms, steady(1000, 300*time.Millisecond), result.Pass, ""},
		{"equal is met", p95Within450ms, steady(1000, 450*time.Millisecond), result.Pass, ""},
		{"missed", p95Within450ms, steady(1000, 620*time.Millisecond), result.Fail, ""},
		{"missed warning", as(slo.Warn, p95Within450ms), steady(1000, 620*time.Millisecond), result.Warn, ""},
		{"shown", as(slo.Show, p95Within450ms), steady(1000, 620*time.Millisecond), result.Shown, ""},
		{"too few", p99, steady(499, 300*time.Millisecond), result.Inconclusive, "p99 needs 500, there were 499"},
		{"enough", p99, steady(500, 300*time.Millisecond), result.Pass, ""},
		{"too few, but clearly slow", p99, steady(499, 900*time.Millisecond), result.Fail, ""},
		{"too few successes for a share", success98, steady(49, time.Millisecond), result.Inconclusive, "success_rate needs 50, there were 49"},
		{"too few, but failed already", success98, mixed(49, 5, time.Millisecond), result.Fail, ""},
		{"one failure of none allowed", noErrors, mixed(1000, 1, time.Millisecond), result.Fail, ""},
		{"no failure", noErrors, steady(1000, time.Millisecond), result.Pass, ""},
		{"a bound above the timeout of what failed", objective(percentile(95), slo.LE, 60_000_000), mixed(1000, 400, time.Millisecond), result.Inconclusive, "counts with its timeout"},
		{"and where little failed", objective(percentile(95), slo.LE, 60_000_000), mixed(1000, 40, time.Millisecond), result.Pass, ""},
		{"at least as slow as the timeout", objective(percentile(95), slo.GE, 1000), mixed(1000, 400, time.Millisecond), result.Pass, "40 % failed"},
		{"failed requests reach the percentile", p95Within450ms, mixed(1000, 70, 300*time.Millisecond), result.Fail, "7 % failed and count with their timeout; p95 of the successful ones was 300 ms"},
		{"failed requests below the percentile", p95Within450ms, mixed(1000, 10, 300*time.Millisecond), result.Pass, ""},
		{"successful ones alone", okP95, mixed(1000, 70, 300*time.Millisecond), result.Pass, ""},
		{"mostly failed, nothing else fails", p95Within450ms, mixed(1000, 600, time.Millisecond), result.Fail, "60 % failed"},
		{"mostly failed, met", okP95, mixed(1000, 600, time.Millisecond), result.Inconclusive, "only 40 % of the requests succeeded"},
		{"generator late", p95Within450ms, late, result.Inconclusive, "without slogate's own lateness p95 was 430 ms"},
		{"generator late, not judged by it", success98, late, result.Pass, ""},
		{"generator left requests unsent", success98, starved, result.Inconclusive, "left 0.3 % of the due requests unsent"},
		{"two of few unsent", success98, barely, result.Pass, ""},
		{"local limits alone miss a share", success98, failing(mixed(1000, 200, time.Millisecond), local), result.Inconclusive, "20 % of the requests ended at limits of slogate's own machine"},
		{"local limits alone miss a count", fewErrors, failing(mixed(1000, 200, time.Millisecond), local), result.Inconclusive, "limits of slogate's own machine"},
		{"local limits alone miss a percentile", p95Within450ms, failing(mixed(1000, 200, time.Millisecond), local), result.Inconclusive, "limits of slogate's own machine"},
		{"local limits beside a slow service", p95Within450ms, failing(mixed(1000, 200, 620*time.Millisecond), local), result.Fail, "20 % failed"},
		{"local limits alone, of all requests", success98, failing(mixed(1000, 1000, time.Millisecond), local), result.Inconclusive, "100 % of the requests ended at limits of slogate's own machine"},
		{"local limits alone, of all times", p95Within450ms, failing(mixed(1000, 1000, time.Millisecond), local), result.Inconclusive, "limits of slogate's own machine"},
		{"local limits alone miss what was asked for", asked, failing(mixed(1000, 200, time.Millisecond), local), result.Inconclusive, "limits of slogate's own machine"},
		{"local limits use no memory", costly, tooLarge, result.Fail, ""},
		{"local limits slow no successful request", okP95, okSlow, result.Fail, ""},
		{"bursts of a generator that was late", p95Within450ms, bursts(slow, 500*time.Millisecond, 100*time.Millisecond), result.Inconclusive, "slogate itself was late by 500 ms (p95) and sent in bursts; from write to answer p95 was 100 ms"},
		{"late, but within the bound", p95Within450ms, bursts(slow, 400*time.Millisecond, 100*time.Millisecond), result.Fail, ""},
		{"late, and the service slow", p95Within450ms, bursts(slow, 500*time.Millisecond, 500*time.Millisecond), result.Fail, ""},
		{"held back by a CPU limit", p95Within450ms, heldBack(tail, 0.05), result.Inconclusive, "a CPU limit held slogate back for 5 % of the time"},
		{"held back a little", p95Within450ms, heldBack(tail, 0.04), result.Fail, "15 % failed"},
		{"held back a little, but p99", p99, heldBack(mixed(1000, 30, time.Millisecond), 0.01), result.Inconclusive, "a CPU limit"},
		{"held back, but most are slow", p95Within450ms, heldBack(slow, 0.2), result.Fail, ""},
		{"held back for long", p95Within450ms, heldBack(slow, 0.25), result.Inconclusive, "a CPU limit"},
		{"held back, met", p95Within450ms, heldBack(steady(1000, 300*time.Millisecond), 0.5), result.Pass, ""},
		{"held back until requests timed out", success98, heldBack(failing(mixed(1000, 200, time.Millisecond), timeout), 0.5), result.Inconclusive, "a CPU limit"},
		{"held back, and numbers of answers too high", measured95, heldBack(numbers, 0.5), result.Fail, ""},
		{"held back, and nothing was answered", success98, heldBack(failing(mixed(1000, 1000, time.Millisecond), timeout), 0.5), result.Inconclusive, "a CPU limit"},
		{"held back less than requests timed out", success98, heldBack(failing(mixed(1000, 400, time.Millisecond), timeout), 0.05), result.Fail, ""},
		{"held back, answered wrongly", success98, heldBack(mixed(1000, 200, time.Millisecond), 0.5), result.Fail, ""},
		{"throughput of a stage", throughput30, steady(1000, time.Millisecond), result.Pass, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := only(t, tt.o, tt.s)
			if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) || tt.reason == "" && got.Reason != "" {
				t.Errorf("got %s (%s), want %s (%s)", got.Verdict, got.Reason, tt.want, tt.reason)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	deciding := func(d slo.Decide, o slo.Objective) slo.Objective {
		o.Decide = d
		return o
	}
	noErrors := objective(slo.Indicator{Kind: slo.ErrorRate}, slo.LE, 0)
	maximum := objective(slo.Indicator{Kind: slo.Max}, slo.LE, 450_000)
	stopping := success98
	stopping.Abort, stopping.Text = true, "success_rate >= 98%"
	aborted := mixed(1000, 22, time.Millisecond)
	aborted.State = result.Aborted
	mended := mixed(1000, 18, time.Millisecond)
	mended.State, mended.Lost = result.Aborted, stopping.Text
	scored := objective(slo.Indicator{Kind: slo.Apdex, Apdex: time.Second}, slo.GE, 0.5)
	tests := []struct {
		name                    string
		o                       slo.Objective
		s                       result.Stage
		measured, sure, lenient result.Verdict
	}{
		{"clearly met", success98, mixed(1000, 0, time.Millisecond), result.Pass, result.Pass, result.Pass},
		{"nearly missed", success98, mixed(1000, 18, time.Millisecond), result.Pass, result.Inconclusive, result.Pass},
		{"nearly met", success98, mixed(1000, 22, time.Millisecond), result.Fail, result.Inconclusive, result.Pass},
		{"clearly missed", success98, mixed(1000, 60, time.Millisecond), result.Fail, result.Fail, result.Fail},
		{"only a warning", as(slo.Warn, success98), mixed(1000, 22, time.Millisecond), result.Warn, result.Inconclusive, result.Pass},
		{"too few", success98, steady(49, time.Millisecond), result.Inconclusive, result.Inconclusive, result.Inconclusive},
		{"a count, met", noErrors, steady(1000, time.Millisecond), result.Pass, result.Pass, result.Pass},
		{"a count, missed", noErrors, mixed(1000, 1, time.Millisecond), result.Fail, result.Fail, result.Fail},
		{"an extreme", maximum, steady(1000, 300*time.Millisecond), result.Pass, result.Pass, result.Pass},
		{"aborted by it", stopping, aborted, result.Fail, result.Fail, result.Fail},
		{"aborted by it, mended since", stopping, mended, result.Fail, result.Fail, result.Fail},
		{"no interval", scored, steady(1000, time.Millisecond), result.Pass, result.Inconclusive, result.Pass},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := []result.Verdict{tt.measured, tt.sure, tt.lenient}
			for i, d := range []slo.Decide{slo.Measured, slo.Sure, slo.Lenient} {
				if got := only(t, deciding(d, tt.o), tt.s); got.Verdict != want[i] {
					t.Errorf("decide %s: %s (%s), want %s", d, got.Verdict, got.Reason, want[i])
				}
			}
		})
	}
}

// With a success objective that fails the run, the times of the few successes
// are not held against the service as well.
func TestMostlyFailedLeavesTheTimesOpen(t *testing.T) {
	j := judge(plan(p95Within450ms, success98), mixed(1000, 600, time.Millisecond))
	got := []result.Verdict{j.Objectives[0].Verdict, j.Objectives[1].Verdict, j.Verdict}
	if diff := cmp.Diff([]result.Verdict{result.Inconclusive, result.Fail, result.Fail}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJudgedObjectiveHoldsTheNumbers(t *testing.T) {
	o := p95Within450ms
	o.Text, o.Implicit, o.Pos = "p95 <= 450ms", true, slo.Pos{Line: 14, Column: 9}
	got := only(t, o, mixed(1000, 70, 300*time.Millisecond))
	measured := micros(result.Equivalent(timeout))
	want := result.JudgedObjective{
		Text: "p95 <= 450ms", Indicator: "p95", Unit: "duration", Stage: "high", Severity: "fail",
		Verdict: result.Fail, Reason: got.Reason, Measured: &measured, AtLeast: true,
		Lower: &measured, Margin: "clear", Samples: 1000, Cmp: "<=", Bound: 450_000,
		Implicit: true, Line: 14, Column: 9,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("judged objective (-want +got):\n%s", diff)
	}
}

func TestStagesThatWereCutShort(t *testing.T) {
	type verdicts struct{ P95, Success, Run result.Verdict }
	cut := func(s result.Stage, state result.State) result.Stage {
		s.State = state
		return s
	}
	abort := success98
	abort.Abort, abort.Text = true, "success_rate >= 98%"
	byIt := func(s result.Stage) result.Stage {
		s.State, s.Lost = result.Aborted, abort.Text
		return s
	}
	refused := func() result.Stage {
		var p population
		for i := range 1000 {
			p.add(time.Duration(i)*10*time.Millisecond, time.Millisecond, result.Refused)
		}
		return p.stage("high", 20*time.Second)
	}()
	tests := []struct {
		name    string
		success slo.Objective
		s       result.Stage
		want    verdicts
	}{
		{"cancelled", success98, cut(steady(500, time.Millisecond), result.Cancelled), verdicts{result.Inconclusive, result.Inconclusive, result.Inconclusive}},
		{"cancelled, missed so far", success98, cut(mixed(500, 15, time.Second), result.Cancelled), verdicts{result.Fail, result.Inconclusive, result.Fail}},
		{"cancelled, lost already", success98, cut(mixed(500, 50, time.Millisecond), result.Cancelled), verdicts{result.Inconclusive, result.Fail, result.Fail}},
		{"limited", success98, cut(steady(500, time.Millisecond), result.Limited), verdicts{result.Inconclusive, result.Inconclusive, result.Inconclusive}},
		{"limited, missed so far", success98, cut(mixed(500, 15, time.Second), result.Limited), verdicts{result.Fail, result.Inconclusive, result.Fail}},
		{"limited, lost already", success98, cut(mixed(500, 50, time.Millisecond), result.Limited), verdicts{result.Inconclusive, result.Fail, result.Fail}},
		{"aborted", abort, byIt(mixed(500, 100, time.Second)), verdicts{result.Fail, result.Fail, result.Fail}},
		{"aborted, mended by late answers", abort, byIt(mixed(500, 5, time.Millisecond)), verdicts{result.Inconclusive, result.Fail, result.Fail}},
		{"aborted by a warning", as(slo.Warn, abort), byIt(mixed(500, 20, time.Millisecond)), verdicts{result.Inconclusive, result.Warn, result.Inconclusive}},
		{"aborted by something else", abort, cut(mixed(500, 5, time.Millisecond), result.Aborted), verdicts{result.Inconclusive, result.Inconclusive, result.Inconclusive}},
		{"aborted by something else, missed", abort, cut(mixed(500, 20, time.Millisecond), result.Aborted), verdicts{result.Inconclusive, result.Fail, result.Fail}},
		{"dead after a good hour", success98, cut(mixed(1000, 10, time.Millisecond), result.Dead), verdicts{result.Inconclusive, result.Fail, result.Fail}},
		{"dead, success only warns", as(slo.Warn, success98), cut(mixed(1000, 10, time.Millisecond), result.Dead), verdicts{result.Inconclusive, result.Warn, result.Fail}},
		{"dead, mostly failed", success98, cut(mixed(1000, 900, time.Millisecond), result.Dead), verdicts{result.Inconclusive, result.Fail, result.Fail}},
		{"dead from the start", success98, cut(refused, result.Dead), verdicts{result.Inconclusive, result.Inconclusive, result.Inconclusive}},
		{"not run", success98, result.Stage{Name: "high", State: result.NotRun}, verdicts{result.Inconclusive, result.Inconclusive, result.Inconclusive}},
		{"not run, success only warns", as(slo.Warn, success98), result.Stage{Name: "high", State: result.NotRun}, verdicts{result.Inconclusive, result.Inconclusive, result.Inconclusive}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := judge(plan(p95Within450ms, tt.success), tt.s)
			got := verdicts{j.Objectives[0].Verdict, j.Objectives[1].Verdict, j.Verdict}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, j.Reason)
			}
		})
	}
}

// A target that answered in an earlier stage is dead, not absent.
func TestDeadCountsEarlierAnswers(t *testing.T) {
	f := plan(success98)
	f.Stages = append([]slo.Stage{{Name: "warm-up"}}, f.Stages...)
	warm := steady(10, time.Millisecond)
	warm.Name = "warm-up"
	var p population
	for range 200 {
		p.add(0, 0, result.Refused)
	}
	dead := p.stage("high", 10*time.Second)
	dead.State = result.Dead
	if j := judge(f, warm, dead); j.Verdict != result.Fail || j.Objectives[0].Verdict != result.Fail {
		t.Errorf("got %s, %s, want both fail", j.Verdict, j.Objectives[0].Verdict)
	}
}

func TestRunVerdict(t *testing.T) {
	slow := objective(percentile(50), slo.LE, 1000)
	tooFew := objective(slo.Indicator{Kind: slo.Percentile, Quantile: slo.Quantile{Num: 999, Den: 1000}}, slo.LE, 1e9)
	relative := slo.Objective{Indicator: percentile(95), Cmp: slo.LE, Severity: slo.Fail, Relative: []slo.Tolerance{{Value: 0.1, Percent: true}}}
	tests := []struct {
		name       string
		objectives []slo.Objective
		verdict    result.Verdict
		reason     string
		notices    int
	}{
		{"all met", []slo.Objective{p95Within450ms, success98}, result.Pass, "all 2 objectives are met", 0},
		{"one met", []slo.Objective{success98}, result.Pass, "the only objective is met", 0},
		{"fail beats inconclusive", []slo.Objective{tooFew, slow, success98}, result.Fail, `p50 of "high" was 300 ms, 300 times 1 ms; 1 of 3 objectives failed`, 0},
		{"inconclusive beats warn", []slo.Objective{tooFew, as(slo.Warn, slow)}, result.Inconclusive, `p99.9 of "high" is inconclusive: too few requests: p99.9 needs 5000, there were 1000; 1 of 2 objectives inconclusive`, 0},
		{"warn", []slo.Objective{success98, as(slo.Warn, slow)}, result.Warn, `p50 of "high" was 300 ms, 300 times 1 ms; 1 of 2 objectives missed, which only warns`, 0},
		{"inconclusive warning is a notice", []slo.Objective{success98, as(slo.Warn, tooFew)}, result.Pass, "1 of 2 objectives met, the others only warn and are inconclusive", 1},
		{"only an inconclusive warning", []slo.Objective{as(slo.Warn, tooFew)}, result.Inconclusive, "nothing was judged", 1},
		{"only shown", []slo.Objective{as(slo.Show, slow)}, result.Inconclusive, "nothing was judged", 0},
		{"no objective", nil, result.Inconclusive, "nothing was judged", 0},
		{"relative without baseline", []slo.Objective{relative, as(slo.Warn, success98)}, result.Inconclusive, "nothing was judged: no objective that could fail has a value, and there was nothing to compare with", 1},
		{"relative beside an absolute one", []slo.Objective{relative, success98}, result.Pass, "the only objective is met", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := judge(plan(tt.objectives...), steady(1000, 300*time.Millisecond))
			if j.Verdict != tt.verdict || j.Reason != tt.reason || len(j.Notices) != tt.notices {
				t.Errorf("got %s (%s) with notices %q, want %s (%s) with %d", j.Verdict, j.Reason, j.Notices, tt.verdict, tt.reason, tt.notices)
			}
		})
	}
}

// A judged stage that did not run is missing data, also where its objectives
// only warn.
func TestAMissingStageIsNotAPass(t *testing.T) {
	f := plan(success98)
	f.Stages = append(f.Stages, slo.Stage{Name: "extreme", Judge: true, Objectives: []slo.Objective{as(slo.Warn, success98)}})
	j := judge(f, steady(1000, time.Millisecond))
	if want := `stage "extreme" is not complete: the stage did not run`; j.Verdict != result.Inconclusive || j.Reason != want {
		t.Errorf("got %s (%s), want inconclusive (%s)", j.Verdict, j.Reason, want)
	}
}

func TestCancelledRun(t *testing.T) {
	r := &result.Run{Cancelled: true, Stages: []result.Stage{steady(1000, time.Second)}}
	j := Judge(plan(p95Within450ms, success98), r, Options{})
	if want := "cancelled before the run was complete; 1 of 2 objectives failed until then"; j.Verdict != result.Inconclusive || j.Reason != want {
		t.Errorf("got %s (%s), want inconclusive (%s)", j.Verdict, j.Reason, want)
	}
}

func TestUnjudgedStagesAreLeftOut(t *testing.T) {
	f := plan(p95Within450ms)
	f.Stages[0].Judge = false
	if j := judge(f, steady(1000, time.Millisecond)); len(j.Objectives) != 0 || j.Verdict != result.Inconclusive {
		t.Errorf("got %d objectives and %s, want none and inconclusive", len(j.Objectives), j.Verdict)
	}
}

func TestReasons(t *testing.T) {
	used := steady(2000, time.Millisecond)
	used.Cost = &result.Cost{CPU: 2000 * 250_050, Span: 20 * time.Second, Resolution: 1}
	cpu, heap := slo.Indicator{Kind: slo.Metric, Of: slo.Mean, Measure: "cpu"}, steady(1000, time.Millisecond)
	tests := []struct {
		o    slo.Objective
		s    result.Stage
		want string
	}{
		{objective(cpu, slo.LE, 0.8), metered(heap, 1, 0.8004), `metric.cpu of "high" was 0.8004, just over 0.8`},
		{objective(cpu, slo.LE, 0), metered(heap, 1, 0.0004), `metric.cpu of "high" was 0.0004, over 0`},
		{objective(cpu, slo.LE, 4e9), metered(heap, 1, 5e9), `metric.cpu of "high" was 5 000 000 000, 25 % over 4 000 000 000`},
		{objective(slo.Indicator{Kind: slo.CPUPerRequest}, slo.LE, 250), used, `cpu_per_request of "high" was 250.1 µs, just over 250 µs`},
		{p95Within450ms, steady(1000, 620*time.Millisecond), `p95 of "high" was 620 ms, 38 % over 450 ms`},
		{p95Within450ms, steady(1000, 450600*time.Microsecond), `p95 of "high" was 451 ms, just over 450 ms`},
		{p95Within450ms, steady(1000, 450200*time.Microsecond), `p95 of "high" was 450.3 ms, just over 450 ms`},
		{p95Within450ms, mixed(1000, 70, time.Millisecond), `p95 of "high" was at least 10 s, 22 times 450 ms`},
		{success98, mixed(1000, 88, time.Millisecond), `success_rate of "high" was 91.2 %, 6.8 points under 98 %`},
		{success98, mixed(100_000, 2001, time.Millisecond), `success_rate of "high" was 97.999 %, 0.001 points under 98 %`},
		{throughput30, steady(500, time.Millisecond), `throughput of "high" was 25/s, 17 % under 30/s`},
		{objective(slo.Indicator{Kind: slo.Errors}, slo.LE, 0), mixed(1000, 3, time.Millisecond), `errors of "high" was 3, over 0`},
		{objective(slo.Indicator{Kind: slo.Requests}, slo.LT, 500), steady(500, time.Millisecond), `requests of "high" was 500, and has to be < 500`},
		{objective(slo.Indicator{Kind: slo.BytesIn}, slo.LE, 1e6), steady(20_000, time.Millisecond), `bytes_in of "high" was 2 MB, 100 % over 1 MB`},
		{objective(slo.Indicator{Kind: slo.Apdex, Apdex: time.Millisecond}, slo.GE, 0.85), steady(1000, 3*time.Millisecond), `apdex(1ms) of "high" was 0.5, under 0.85`},
	}
	for _, tt := range tests {
		if got := judge(plan(tt.o), tt.s).Reason; got != tt.want+"; 1 of 1 objective failed" {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// A stage name is quoted as text and cannot break out of the sentence.
func TestReasonQuotesHostileNames(t *testing.T) {
	f := plan(p95Within450ms)
	f.Stages[0].Name = "x\n::error::\x1b[31m"
	s := steady(1000, time.Second)
	s.Name = f.Stages[0].Name
	if got := judge(f, s).Reason; strings.ContainsAny(got, "\n\x1b") {
		t.Errorf("reason holds control characters: %q", got)
	}
}

func TestNotes(t *testing.T) {
	closed := plan(throughput30)
	closed.Stages[0].Workload = slo.Workload{Model: slo.Closed, Requests: 200, WorkersFrom: 5, WorkersTo: 5}
	var bunched population
	for i := range 2000 {
		class := result.Success
		if i >= 700 && i < 900 { // two seconds of 20
			class = result.BadStatus
		}
		bunched.add(time.Duration(i)*10*time.Millisecond, time.Millisecond, class)
	}
	tests := []struct {
		name string
		f    *slo.File
		s    result.Stage
		want string
	}{
		{"closed throughput", closed, steady(200, 500*time.Millisecond), "5 workers at a mean of 500 ms cannot make more than 10/s"},
		{"bunched failures", plan(success98), bunched.stage("high", 20*time.Second), "failures were bunched: 100 % of them within 2 s, so the interval is unreliable"},
		{"near", plan(success98), mixed(1000, 22, time.Millisecond), "near the bound: a stage of about 7 min would settle it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := judge(tt.f, tt.s).Objectives[0]
			if got.Verdict != result.Fail || !strings.Contains(got.Reason, tt.want) {
				t.Errorf("got %s (%s), want fail (%s)", got.Verdict, got.Reason, tt.want)
			}
		})
	}
}

func TestMargin(t *testing.T) {
	tests := []struct {
		failed int
		want   string
	}{{0, "clear"}, {18, "near"}, {22, "near"}, {60, "clear"}}
	for _, tt := range tests {
		if got := only(t, success98, mixed(1000, tt.failed, time.Millisecond)); got.Margin != tt.want {
			t.Errorf("%d of 1000 failed: %s, want %s (%v to %v)", tt.failed, got.Margin, tt.want, *got.Lower, *got.Upper)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	f, r := &slo.File{}, &result.Run{}
	for i := range 10 {
		s := mixed(20_000, 200, time.Duration(100+i)*time.Millisecond)
		s.Name = fmt.Sprintf("stage %d", i)
		r.Stages = append(r.Stages, s)
		one := plan()
		one.Stages[0].Name = s.Name
		for _, ind := range indicators()[:10] {
			if ind.Kind == slo.Requests {
				ind = percentile(95)
			}
			one.Stages[0].Objectives = append(one.Stages[0].Objectives, objective(ind, slo.GE, 0.5))
		}
		f.Stages = append(f.Stages, one.Stages...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if j := Judge(f, r, Options{}); len(j.Objectives) != 100 {
			b.Fatalf("judged %d objectives, want 100", len(j.Objectives))
		}
	}
}

// A stage that was loaded twice, to confirm, has done so with what is counted
// too: a bound on a count is one of a single load.
func TestJudgeCountsOfAStageThatWasLoadedTwice(t *testing.T) {
	requests := func(c slo.Cmp, bound float64) slo.Objective {
		return objective(slo.Indicator{Kind: slo.Requests}, c, bound)
	}
	errors := func(bound float64) slo.Objective {
		return objective(slo.Indicator{Kind: slo.Errors}, slo.LE, bound)
	}
	for _, tt := range []struct {
		o    slo.Objective
		want result.Verdict
	}{
		{requests(slo.EQ, 60), result.Pass},
		{requests(slo.GE, 61), result.Fail},
		{errors(3), result.Pass},
		{errors(2), result.Fail},
	} {
		first, again := mixed(60, 4, ms), mixed(60, 2, ms)
		both := result.Append(&first, &again)
		both.Runs = 2
		if got := only(t, tt.o, both); got.Verdict != tt.want {
			t.Errorf("%s %s %v: %s (%s), measured %v, want %s", tt.o.Indicator, tt.o.Cmp, tt.o.Bound, got.Verdict, got.Reason, *got.Measured, tt.want)
		}
	}
}

// The worse a service is, the earlier an objective with abort stops the stage:
// too few requests are no excuse then.
func TestJudgeWhatEndedTheStage(t *testing.T) {
	abort := aborting(relative(t, "p95 <= 100ms"), 0)
	few := steady(11, 400*time.Millisecond)
	few.State, few.Slices = result.Aborted, few.Slices[:2] // no interval
	stopped := few
	stopped.Lost = abort.Text
	f := plan(abort)
	f.Stages[0].Workload = slo.Workload{Model: slo.Closed, Duration: time.Minute, WorkersFrom: 10, WorkersTo: 10}
	for name, tt := range map[string]struct {
		s    result.Stage
		want result.Verdict
	}{"by it": {stopped, result.Fail}, "by another": {few, result.Inconclusive}} {
		if got := judge(f, tt.s).Objectives[0]; got.Verdict != tt.want {
			t.Errorf("ended %s: %s (%s), want %s", name, got.Verdict, got.Reason, tt.want)
		}
	}
}

// All or nothing is a count, of which one is sure.
func TestSureOfAll(t *testing.T) {
	for _, tt := range []struct {
		o      slo.Objective
		failed int
		want   result.Verdict
	}{
		{objective(slo.Indicator{Kind: slo.SuccessRate}, slo.GE, 1), 0, result.Pass},
		{objective(slo.Indicator{Kind: slo.SuccessRate}, slo.GE, 1), 1, result.Fail},
		{objective(slo.Indicator{Kind: slo.SuccessRate}, slo.GE, 0.99), 0, result.Inconclusive},
		{objective(slo.Indicator{Kind: slo.ErrorRate}, slo.LE, 0), 0, result.Pass},
	} {
		tt.o.Decide = slo.Sure
		if got := only(t, tt.o, mixed(60, tt.failed, ms)); got.Verdict != tt.want {
			t.Errorf("%s %s %v, %d failed: %s (%s), want %s", tt.o.Indicator, tt.o.Cmp, tt.o.Bound, tt.failed, got.Verdict, got.Reason, tt.want)
		}
	}
}
