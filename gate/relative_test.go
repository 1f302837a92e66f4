package gate

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// relative parses a relative objective of the stage "high".
func relative(t testing.TB, text string) slo.Objective {
	t.Helper()
	o, err := slo.ParseObjective(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// day is a moment so many days after the first result.
func day(n int) time.Time { return time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC) }

// earlier makes one result a day, each with requests of one time.
func earlier(took ...time.Duration) []*result.Run {
	var out []*result.Run
	for i, d := range took {
		out = append(out, &result.Run{Start: day(i), Seed: uint64(i + 1), Stages: []result.Stage{steady(1000, d)}})
	}
	return out
}

func same(n int, took time.Duration) []*result.Run {
	times := make([]time.Duration, n)
	for i := range times {
		times[i] = took
	}
	return earlier(times...)
}

const ms = time.Millisecond

// against judges one stage of requests that took so long.
func against(f *slo.File, took time.Duration, opts Options) *result.Judgement {
	return Judge(f, &result.Run{Start: day(40), Stages: []result.Stage{steady(1000, took)}}, opts)
}

func TestJudgeAgainstEarlierResults(t *testing.T) {
	noisy := earlier(80*ms, 120*ms, 100*ms, 90*ms, 110*ms, 85*ms, 115*ms)
	tests := []struct {
		name, text string
		history    []*result.Run
		took       time.Duration
		want       result.Verdict
		reason     string
	}{
		{"unchanged", "p95 <= baseline + 10%", same(7, 100*ms), 100 * ms, result.Pass, ""},
		{"within the tolerance", "p95 <= baseline + 10%", same(7, 100*ms), 109 * ms, result.Pass, ""},
		{"far beyond", "p95 <= baseline + 10%", same(7, 100*ms), 140 * ms, result.Fail, ""},
		{"finer than they can judge", "p95 <= baseline + 10%", noisy, 118 * ms, result.Inconclusive, "the tolerance is finer than these 7 runs can judge: they can see +"},
		{"one result proves little", "p95 <= baseline + 10%", same(1, 100*ms), 160 * ms, result.Inconclusive, "it can see +69.9 %"},
		{"one result, twice as slow", "p95 <= baseline + 10%", same(1, 100*ms), 200 * ms, result.Fail, ""},
		{"improved", "p95 <= baseline + 10%", same(7, 100*ms), 50 * ms, result.Pass, "improved"},
		{"a value as tolerance", "p95 <= baseline + 50ms", same(7, 100*ms), 140 * ms, result.Pass, ""},
		{"either alternative", "p95 <= baseline + 10% or + 50ms", same(7, 100*ms), 149 * ms, result.Pass, ""},
		{"beyond both alternatives", "p95 <= baseline + 10% or + 30ms", same(7, 100*ms), 150 * ms, result.Fail, ""},
		{"throughput held", "throughput >= baseline - 5%", same(7, 100*ms), 100 * ms, result.Pass, ""},
		{"success held", "success_rate >= baseline - 0.5%", same(7, 100*ms), 100 * ms, result.Pass, ""},
		{"no baseline", "p95 <= baseline + 10%", nil, 100 * ms, result.Skipped, "no baseline"},
	}
	for _, tt := range tests {
		f := plan(relative(t, tt.text))
		got := against(f, tt.took, Options{Baseline: tt.history}).Objectives[0]
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", tt.name, got.Verdict, got.Reason, tt.want, tt.reason)
		}
	}
}

// The shares of statistics.md's S4: a point lost is beyond the limit, half a
// point is not even beyond the tolerance.
func TestJudgeShareAgainstEarlierResults(t *testing.T) {
	f := plan(relative(t, "success_rate >= baseline - 0.5%"))
	for failed, want := range map[int]result.Verdict{0: result.Pass, 4: result.Pass, 8: result.Inconclusive, 40: result.Fail} {
		now := &result.Run{Start: day(9), Stages: []result.Stage{mixed(1000-failed, failed, 100*ms)}}
		got := Judge(f, now, Options{Baseline: same(7, 100*ms)}).Objectives[0]
		if got.Verdict != want || !got.Comparison.Points {
			t.Errorf("%d of 1000 failed: %s (%s), want %s", failed, got.Verdict, got.Reason, want)
		}
	}
}

// What a weakness of the generator may have made is no regression.
func TestNoRegressionOfTheGenerators(t *testing.T) {
	ofLocal := mixed(920, 80, 100*ms)
	ofLocal.Counters.Local, ofLocal.Counters.BadStatus = ofLocal.Counters.BadStatus, 0
	held := mixed(920, 80, 100*ms)
	held.Generator.Throttled = 0.05
	for name, c := range map[string]struct {
		text string
		now  result.Stage
		want result.Verdict
	}{
		"local limits":         {"success_rate >= baseline - 0.5%", ofLocal, result.Inconclusive},
		"a CPU limit":          {"p95 <= baseline + 10%", held, result.Inconclusive},
		"a CPU limit, answers": {"success_rate >= baseline - 0.5%", held, result.Fail},
	} {
		now := &result.Run{Start: day(9), Stages: []result.Stage{c.now}}
		got := Judge(plan(relative(t, c.text)), now, Options{Baseline: same(7, 100*ms)}).Objectives[0]
		if got.Verdict != c.want || got.Verdict == result.Inconclusive && !strings.Contains(got.Reason, "generator limited") {
			t.Errorf("%s: %s (%s), want %s", name, got.Verdict, got.Reason, c.want)
		}
	}
}

func TestBaselineRules(t *testing.T) {
	regressed := func(change func(*slo.File, *Options)) *result.Judgement {
		f, opts := plan(relative(t, "p95 <= baseline + 10%")), Options{Baseline: same(7, 100*ms)}
		change(f, &opts)
		return against(f, 150*ms, opts)
	}
	otherMachine := func(opts *Options) {
		for _, r := range opts.Baseline {
			r.Stages[0].Workload = result.Workload{Model: "open", RateFrom: 1, RateTo: 1}
		}
	}
	tests := []struct {
		name   string
		change func(*slo.File, *Options)
		want   result.Verdict
		reason string // of the objective
		run    result.Verdict
	}{
		{"enforced", func(*slo.File, *Options) {}, result.Fail, "", result.Fail},
		{"base branch", func(_ *slo.File, o *Options) { o.BaseBranch = true }, result.Warn, "base branch", result.Warn},
		{"accepted", func(_ *slo.File, o *Options) { o.Accepted = "label of @ann" }, result.Warn, "accepted: label of @ann", result.Warn},
		{"too old", func(f *slo.File, _ *Options) { f.Baseline.MaxAge = 24 * time.Hour }, result.Skipped, "no baseline", result.Inconclusive},
		{"required", func(f *slo.File, o *Options) { f.Baseline.Required, o.Baseline = true, nil }, result.Inconclusive, "requires one", result.Warn},
		{"strict", func(f *slo.File, o *Options) { f.Baseline.Strict, o.Baseline = true, same(1, 100*ms) }, result.Fail, "of unchanged runs would miss", result.Fail},
		{"counted once", func(_ *slo.File, o *Options) { o.Baseline = append(same(1, 100*ms), same(1, 100*ms)...) }, result.Inconclusive, "this 1 run", result.Warn},
		{"the last one", func(f *slo.File, _ *Options) { f.Baseline.Last = 1 }, result.Inconclusive, "this 1 run", result.Warn},
		{"failed ones", func(_ *slo.File, o *Options) {
			for _, r := range o.Baseline {
				r.Judgement = &result.Judgement{Objectives: []result.JudgedObjective{{Severity: "fail", Verdict: result.Fail}}}
			}
		}, result.Skipped, "no baseline", result.Inconclusive},
		{"another load", func(_ *slo.File, o *Options) { otherMachine(o) }, result.Fail, "", result.Fail},
		{"pinned", func(_ *slo.File, o *Options) { o.Ref, o.Baseline = same(1, 50*ms)[0], same(7, 145*ms) }, result.Warn, "against the pinned result +20", result.Warn},
		{"pinned alone", func(_ *slo.File, o *Options) { o.Ref, o.Baseline = same(1, 150*ms)[0], nil }, result.Pass, "pinned", result.Pass},
	}
	for _, tt := range tests {
		j := regressed(tt.change)
		got := j.Objectives[0]
		run := j.Verdict
		if strings.HasPrefix(got.Reason, ";") {
			t.Errorf("%s: the reason %q begins with nothing", tt.name, got.Reason)
		}
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) || (tt.run != run && tt.run != result.Warn) {
			t.Errorf("%s: %s (%s), run %s; want %s (%s), %s", tt.name, got.Verdict, got.Reason, run, tt.want, tt.reason, tt.run)
		}
	}
}

// A baseline of another machine is named and not used, unless the file says so.
func TestFingerprintMismatch(t *testing.T) {
	f := plan(relative(t, "p95 <= baseline + 10%"))
	now := &result.Run{Start: day(9), Machine: result.Machine{CPU: "new"}, Stages: []result.Stage{steady(1000, 150*ms)}}
	history := same(7, 100*ms)
	for _, r := range history {
		r.Machine.CPU = "old"
	}
	got := Judge(f, now, Options{Baseline: history}).Objectives[0]
	if got.Verdict != result.Inconclusive || !strings.Contains(got.Reason, "another CPU: old, now new") {
		t.Errorf("mismatch: %s (%s)", got.Verdict, got.Reason)
	}
	f.Baseline.AllowMismatch = true
	got = Judge(f, now, Options{Baseline: history}).Objectives[0]
	if got.Verdict != result.Inconclusive || got.Comparison == nil || got.Comparison.Mismatch == "" {
		t.Errorf("allowed: %s (%s)", got.Verdict, got.Reason)
	}
	history[3].Machine.CPU = "new"
	if got = Judge(f, now, Options{Baseline: history}).Objectives[0]; got.Comparison.Runs != 1 {
		t.Errorf("%d runs are used where one has the same fingerprint", got.Comparison.Runs)
	}
}

// After a step in the history only its newer part counts.
func TestHistoryWithAStep(t *testing.T) {
	times := []time.Duration{}
	for i := range 16 {
		base := 100 * ms
		if i >= 8 {
			base = 150 * ms
		}
		times = append(times, base+time.Duration(i)*ms/10)
	}
	got := against(plan(relative(t, "p95 <= baseline + 10%")), 150*ms, Options{Baseline: earlier(times...)}).Objectives[0]
	if got.Verdict != result.Pass || got.Comparison.Runs != 8 || !strings.Contains(got.Reason, "another level") {
		t.Errorf("%s of %+v (%s)", got.Verdict, got.Comparison, got.Reason)
	}
}

func TestCoverageIsTold(t *testing.T) {
	f := plan(relative(t, "p95 <= baseline + 10%"), relative(t, "connect.p95 <= baseline + 10%"))
	history := same(2, 100*ms)
	for _, r := range history {
		r.Stages[0].Connect = result.Histogram{}
	}
	j := against(f, 100*ms, Options{Baseline: history})
	if j.Baseline == nil || j.Baseline.Covered != 1 || j.Baseline.Relative != 2 || !strings.Contains(strings.Join(j.Notices, "\n"), "baseline covers 1 of 2 objectives") {
		t.Errorf("%+v, %q", j.Baseline, j.Notices)
	}
}

// Relative inconclusive objectives alone leave the run a warning.
func TestInconclusiveComparisonWarns(t *testing.T) {
	f := plan(relative(t, "p95 <= baseline + 10%"), objective(percentile(95), slo.LE, 450_000))
	if j := against(f, 150*ms, Options{Baseline: same(1, 100*ms)}); j.Verdict != result.Warn {
		t.Errorf("the run is %s (%s)", j.Verdict, j.Reason)
	}
	j := against(plan(relative(t, "p95 <= baseline + 10%")), 100*ms, Options{})
	if j.Verdict != result.Inconclusive {
		t.Errorf("a run whose fail-objectives were all skipped is %s", j.Verdict)
	}
}

// A value of 0 has no ln. What is met passes all the same, and what is missed by
// an amount, or by a fall to 0, fails where the earlier results do not differ by
// as much.
func TestJudgeFromAndToZero(t *testing.T) {
	results := func(failed ...int) []*result.Run {
		var out []*result.Run
		for i, n := range failed {
			out = append(out, &result.Run{Start: day(i), Seed: uint64(i + 1), Stages: []result.Stage{mixed(1000, n, 100*ms)}})
		}
		return out
	}
	none := results(0, 0, 0, 0, 0, 0, 0)
	for _, tt := range []struct {
		name, text string
		history    []*result.Run
		failed     int
		want       result.Verdict
		reason     string
	}{
		{"0 before and now", "errors <= baseline", none, 0, result.Pass, ""},
		{"0 before and now, a value", "timeouts <= baseline + 10", none, 0, result.Pass, ""},
		{"within the value", "errors <= baseline + 5", none, 5, result.Pass, ""},
		{"one more than the value", "errors <= baseline + 5", none, 6, result.Fail, "it was 0 in 7 earlier runs"},
		{"many more", "errors <= baseline + 5", none, 400, result.Fail, "it was 0 in 7 earlier runs"},
		{"one of what may not be", "errors <= baseline + 0", none, 1, result.Inconclusive, "differ by as much"},
		{"now and then some", "errors <= baseline + 2", results(0, 0, 9, 0, 0, 12, 0), 6, result.Inconclusive, "differ by as much"},
		{"in percent", "errors <= baseline + 10%", none, 400, result.Inconclusive, "give the tolerance as a value"},
		{"fallen to 0", "goodput >= baseline - 10%", none, 1000, result.Fail, "it was 50/s in 7 earlier runs"},
		{"always 0", "goodput >= baseline - 10%", results(1000, 1000), 1000, result.Pass, ""},
	} {
		now := &result.Run{Start: day(40), Stages: []result.Stage{mixed(1000, tt.failed, 100*ms)}}
		j := Judge(plan(relative(t, tt.text)), now, Options{Baseline: tt.history})
		got := j.Objectives[0]
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", tt.name, got.Verdict, got.Reason, tt.want, tt.reason)
		}
		if covered := j.Baseline != nil; covered != (tt.want != result.Inconclusive) {
			t.Errorf("%s: %s, covered by the baseline: %v", tt.name, got.Verdict, covered)
		}
	}
}

// A service that fails most requests is no better than one that fails some:
// its times fail too, unless something else does.
func TestMostlyFailedIsARegression(t *testing.T) {
	baseline := same(7, 100*ms)
	base := result.Base{Stages: []result.Stage{losingBlocks(30, 100, never)}}
	for _, tt := range []struct {
		name   string
		beside []slo.Objective
		text   string
		failed int // of 100
		want   result.Verdict
	}{
		{"some", nil, "p95 <= baseline + 10%", 45, result.Fail},
		{"most", nil, "p95 <= baseline + 10%", 60, result.Fail},
		{"all", nil, "p95 <= baseline + 10%", 100, result.Fail},
		{"most, which fails by itself", []slo.Objective{success98}, "p95 <= baseline + 10%", 60, result.Inconclusive},
		{"most, beside what only warns", []slo.Objective{as(slo.Warn, success98)}, "p95 <= baseline + 10%", 60, result.Fail},
		{"a share says it itself", nil, "success_rate >= baseline - 1%", 60, result.Fail},
	} {
		objectives := append([]slo.Objective{relative(t, tt.text)}, tt.beside...)
		now := mixed(1000, 10*tt.failed, 100*ms)
		paired := losingBlocks(30, 100, func(_, i int) bool { return i < tt.failed })
		for how, j := range map[string]*result.Judgement{
			"earlier results": Judge(plan(objectives...), &result.Run{Start: day(40), Stages: []result.Stage{now}}, Options{Baseline: baseline}),
			"base":            Judge(plan(objectives...), &result.Run{Start: day(40), Stages: []result.Stage{paired}, Base: &base}, Options{}),
		} {
			if got := j.Objectives[0]; got.Verdict != tt.want {
				t.Errorf("%s, against %s: %s (%s), want %s", tt.name, how, got.Verdict, got.Reason, tt.want)
			}
		}
	}
	few := &result.Run{Start: day(40), Stages: []result.Stage{mixed(1000, 600, 100*ms)}}
	if got := Judge(plan(relative(t, "ok.p95 <= baseline + 10%")), few, Options{Baseline: baseline}).Objectives[0]; got.Verdict != result.Inconclusive {
		t.Errorf("those that succeed, as fast as before: %s (%s)", got.Verdict, got.Reason)
	}
}

// Slower never turns a fail into a pass, and another unit of time changes no
// verdict.
func TestComparisonProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	f := plan(relative(t, "p95 <= baseline + 10%"))
	rank := map[result.Verdict]int{result.Pass: 0, result.Inconclusive: 1, result.Fail: 2}
	for range 50 {
		history := make([]time.Duration, 1+random.IntN(12))
		for i := range history {
			history[i] = lognormal(random, 0.1)
		}
		last := 0
		for _, took := range []time.Duration{60 * ms, 100 * ms, 115 * ms, 140 * ms, 180 * ms, 300 * ms} {
			v := against(f, took, Options{Baseline: earlier(history...)}).Objectives[0].Verdict
			if rank[v] < last {
				t.Fatalf("%s at %s is better than before, history %v", v, took, history)
			}
			last = rank[v]
			for i := range history {
				history[i] *= 8
			}
			scaled := against(f, 8*took, Options{Baseline: earlier(history...)}).Objectives[0].Verdict
			for i := range history {
				history[i] /= 8
			}
			if scaled != v {
				t.Fatalf("%s at %s, %s with all times eightfold", v, took, scaled)
			}
		}
	}
}

// lognormal is a time around 100 ms with so large a standard deviation of its
// ln.
func lognormal(random *rand.Rand, sd float64) time.Duration {
	return time.Duration(float64(100*ms) * math.Exp(sd*random.NormFloat64()))
}

// The false alarms of unchanged builds stay at what statistics of earlier
// results promise: at most 0.3 % at a spread of 5 %, about 1 % at 10 %, 3.4 % at
// 20 %, within four binomial standard errors.
func TestFalseAlarmsOfEarlierResults(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	runs := 4000
	if testing.Short() {
		runs = 800 // beside the race detector, which takes ten times as long
	}
	for _, spread := range []struct{ sd, stated float64 }{{0.05, 0.003}, {0.10, 0.012}, {0.20, 0.034}} {
		for _, k := range []int{1, 2, 3, 7, 12, 20} {
			most := spread.stated + 4*math.Sqrt(spread.stated*(1-spread.stated)/float64(runs))
			if rate := failRate(t, random, k, runs, spread.sd, 1); rate > most {
				t.Errorf("spread %v, %d results: %.2f %% of unchanged runs fail, at most %.2f %%", spread.sd, k, 100*rate, 100*most)
			}
		}
	}
}

// What is called detectable is noticed in four of five runs.
func TestDetectableChangeIsNoticed(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	const runs = 4000
	// 20 results with a spread of 10 %: s = 0.10, 23 degrees of freedom.
	limit := 2.499867 * 0.10 * math.Sqrt(1+1.0/20)
	power := failRate(t, random, 20, runs, 0.10, math.Exp(limit+0.858*0.10*math.Sqrt(1.05)))
	if power < 0.76 || power > 0.84 {
		t.Errorf("the detectable change is noticed in %.1f %% of runs", 100*power)
	}
}

// failRate is how often runs that are so many times slower than the k results
// before them fail.
func failRate(t *testing.T, random *rand.Rand, k, runs int, sd, slower float64) float64 {
	failed := 0
	o := relative(t, "p95 <= baseline + 10%")
	var stage result.Stage // without times of its own, so that none speaks of the generator
	for range runs {
		values := make([]float64, k)
		for i := range values {
			values[i] = math.Log(micros(lognormal(random, sd)))
		}
		now := trial{Objective: o, stage: judgedStage{measured: &stage}, s: &stage, measured: true, value: slower * micros(lognormal(random, sd))}
		c, ok := compare(&now, sample{values: values})
		if !ok {
			t.Fatal("not compared")
		}
		if v, _ := c.verdict(false); v == result.Fail {
			failed++
		}
	}
	return float64(failed) / float64(runs)
}
