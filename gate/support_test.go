package gate

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// supportOf is what results say of one objective.
func supportOf(t *testing.T, text string, runs []*result.Run) Support {
	t.Helper()
	all, _ := Supports(plan(relative(t, text)), runs)
	if len(all) != 1 {
		t.Fatalf("%s: %d supports", text, len(all))
	}
	return all[0]
}

// The numbers are those of the prediction: a bound at its limit is missed by
// one unchanged run in a hundred.
func TestSupportsOfBounds(t *testing.T) {
	runs := earlier(100*ms, 104*ms, 98*ms, 101*ms, 96*ms, 110*ms, 99*ms)
	s := supportOf(t, "p95 <= 105ms", runs)
	near := func(got, want float64) bool { return math.Abs(got/want-1) < 0.002 } // the width of a bucket
	if s.Runs != 7 || s.Missed != 1 || !near(s.Median, 100_000) || !near(s.Worst, 110_000) || s.Holds() {
		t.Errorf("support is %+v", s)
	}
	// 7 results: s² = (4·0.1² + 6·sd²)/10, ν = 10, t⁻¹(0.99, 10) = 2.7638.
	var sum, squares float64
	for _, ms := range []float64{100, 104, 98, 101, 96, 110, 99} {
		sum, squares = sum+math.Log(ms), squares+math.Log(ms)*math.Log(ms)
	}
	spread := math.Sqrt((4*0.01 + squares - sum*sum/7) / 10)
	want := 100_000 * math.Exp(2.7638*spread*math.Sqrt(8.0/7))
	if !near(s.Within, want) {
		t.Errorf("within %v, want %v", s.Within, want)
	}
	if s = supportOf(t, "p95 <= "+slo.WriteValue(slo.UnitDuration, s.Within), runs); math.Abs(s.Alarms-0.01) > 0.0002 {
		t.Errorf("%v of unchanged runs lie beyond the limit", s.Alarms)
	}
	if s = supportOf(t, "p95 <= 1s", runs); !s.Holds() || s.Missed != 0 {
		t.Errorf("a loose bound: %+v", s)
	}
	if s = supportOf(t, "throughput >= 1/s", runs); !s.Holds() || s.Worst > s.Median || s.Within >= s.Worst {
		t.Errorf("a bound from below: %+v", s)
	}
}

func TestSupportsOfTolerances(t *testing.T) {
	runs := same(7, 100*ms)
	fine, coarse := supportOf(t, "p95 <= baseline + 10%", runs), supportOf(t, "p95 <= baseline + 10% or + 50ms", runs)
	if fine.Holds() || fine.Smallest < 0.15 || fine.Smallest > 0.25 || math.Abs(fine.Tolerance-0.1) > 1e-9 {
		t.Errorf("fine: %+v", fine)
	}
	if !coarse.Holds() || coarse.Smallest != fine.Smallest || math.Abs(coarse.Tolerance-0.5) > 0.001 {
		t.Errorf("coarse: %+v", coarse)
	}
	if one := supportOf(t, "p95 <= baseline + 10%", runs[:1]); one.Smallest < 0.69 || one.Smallest > 0.71 {
		t.Errorf("one result can judge %v", one.Smallest)
	}
	share := supportOf(t, "success_rate >= baseline - 0.1%", runs)
	if share.Holds() || !share.Points || share.Smallest < 0.005 || share.Smallest > 0.015 {
		t.Errorf("share: %+v", share)
	}
}

// What has never failed and must not may stay so.
func TestSupportsOfPerfectShares(t *testing.T) {
	for text, want := range map[string]bool{
		"error_rate <= 0": true, "status(5xx) <= 0": true, "success_rate >= 100%": true,
		"success_rate >= 99.5%":  true, // none of 5,000 failed: at most 0.07 % do
		"success_rate >= 99.99%": false,
	} {
		if s := supportOf(t, text, same(5, 100*ms)); s.Holds() != want || s.Missed != 0 {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

// Counts, shown indicators and equalities are left alone.
func TestSupportsOfNothing(t *testing.T) {
	shown := relative(t, "p95 <= 1s")
	shown.Severity = slo.Show
	step, window := relative(t, "p95 <= 1s"), relative(t, "p95 <= 1s")
	step.Scope.Step, window.Window = "GET /", 10*time.Second
	all, _ := Supports(plan(step, window, relative(t, "errors <= 5"), relative(t, "bytes_in <= 1MB"), relative(t, "p95 == 1s"), shown), same(3, 100*ms))
	if len(all) > 0 {
		t.Errorf("supports are %+v", all)
	}
	if all, left := Supports(plan(relative(t, "p95 <= 1s")), nil); len(all)+len(left) > 0 {
		t.Errorf("without results: %v, %v", all, left)
	}
	// p99.9 of a thousand requests is no number to build on.
	if all, _ := Supports(plan(relative(t, "p99.9 <= 1s")), same(3, 100*ms)); len(all) > 0 {
		t.Errorf("of too few requests: %+v", all)
	}
}

// Results that cannot be compared with the newest are named and left out.
func TestSupportsLeaveOut(t *testing.T) {
	runs := earlier(100*ms, 101*ms, 102*ms, 103*ms, 104*ms, 105*ms)
	for _, r := range runs {
		r.Machine.CPU = "Xeon"
	}
	runs[0].Machine.CPU = "EPYC"
	runs[1].Stages[0].State = result.Aborted
	runs[2].Cancelled = true
	runs[3].Stages[0].Name = "other"
	twice, gap := *runs[5], *runs[5]
	gap.Seed, gap.Gaps = 77, []string{"shard 2 of 2 is missing"}
	all, left := Supports(plan(relative(t, "p95 <= 1s")), append(runs, &twice, &gap))
	if len(all) != 1 || all[0].Runs != 2 {
		t.Errorf("supports are %+v", all)
	}
	var why []string
	for _, l := range left {
		why = append(why, l.Why)
	}
	for _, want := range []string{"another CPU: EPYC, now Xeon", "the stage is not complete: aborted", "cancelled", "has no such stage", "the same run as another", "not whole: shard 2 of 2 is missing"} {
		if !strings.Contains(strings.Join(why, "\n"), want) {
			t.Errorf("left out because of %q, want %q", why, want)
		}
	}
	if len(left) != 6 {
		t.Errorf("%d are left out, want 6", len(left))
	}
}

// Iterations are measured by theirs, not by single requests.
func TestSupportsOfIterations(t *testing.T) {
	runs := same(3, 100*ms)
	for _, r := range runs {
		whole := steady(1000, 900*ms)
		r.Stages[0].Iterations = []result.Iterations{{Scenario: "main", Counters: whole.Counters, Duration: whole.Response}}
	}
	if s := supportOf(t, "iteration.p50 <= 2s", runs); math.Abs(s.Median/900_000-1) > 0.002 {
		t.Errorf("the median is %v us, want 900 ms", s.Median)
	}
}

// Where base and head were loaded in turn, the spread between runs says nothing
// of relative objectives.
func TestSupportsOfComparisons(t *testing.T) {
	runs := same(3, 100*ms)
	for _, r := range runs {
		r.Base = &result.Base{Stages: []result.Stage{steady(1000, 100*ms)}}
	}
	all, _ := Supports(plan(relative(t, "p95 <= baseline + 10%"), relative(t, "p95 <= 1s")), runs)
	if len(all) != 1 || len(all[0].Objective.Relative) > 0 {
		t.Errorf("supports are %+v", all)
	}
}
