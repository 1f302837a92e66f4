package gate

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// taking is how one side of a comparison answers: lognormal times around a
// median, with a spread that is drawn for each block, and failures.
type taking struct {
	median  time.Duration
	within  float64 // spread of the requests of a block, on the ln scale
	between float64 // spread of the blocks
	fails   float64 // share
}

// side makes so many blocks of 100 requests in a second each.
func (k taking) side(random *rand.Rand, blocks int) result.Stage {
	s := result.Stage{Name: "high", Judged: true, State: result.Completed}
	for range blocks {
		block := result.Slice{Offset: s.Duration, Width: time.Second}
		level := k.between * random.NormFloat64()
		var times result.Recorder
		for range 100 {
			if random.Float64() < k.fails {
				block.Counters.Timeout++
				times.Record(10 * time.Second)
				continue
			}
			block.Counters.Success++
			times.Record(time.Duration(float64(k.median) * math.Exp(level+k.within*random.NormFloat64())))
		}
		block.Response = times.Histogram()
		s.Slices = append(s.Slices, block)
		s.Duration += block.Width
		s.Counters.Add(block.Counters)
		s.Response = s.Response.Merge(block.Response)
	}
	s.OnTime = s.Response
	return s
}

// compareSides judges head against base in so many windows.
func compareSides(f *slo.File, base, head taking, blocks int, opts Options) *result.Judgement {
	random := rand.New(rand.NewPCG(7, 8))
	r := &result.Run{
		Start:  day(40),
		Stages: []result.Stage{head.side(random, blocks)},
		Base:   &result.Base{Stages: []result.Stage{base.side(random, blocks)}},
	}
	return Judge(f, r, opts)
}

func TestJudgeBaseAgainstHead(t *testing.T) {
	usual := taking{median: 20 * ms, within: 0.3, between: 0.1}
	at := func(factor float64) taking {
		k := usual
		k.median = time.Duration(float64(k.median) * factor)
		return k
	}
	failing := usual
	failing.fails = 0.03
	wild := taking{median: 20 * ms, within: 0.3, between: 1}
	for _, tt := range []struct {
		name, text string
		base, head taking
		windows    int
		want       result.Verdict
		reason     string
	}{
		{"unchanged", "p95 <= baseline + 10%", usual, usual, 30, result.Pass, ""},
		{"slower", "p95 <= baseline + 10%", usual, at(1.4), 30, result.Fail, ""},
		{"slower within the tolerance", "p95 <= baseline + 50%", usual, at(1.3), 30, result.Pass, ""},
		{"slower, a value as tolerance", "p50 <= baseline + 20ms", usual, at(1.4), 30, result.Pass, ""},
		{"slower, beyond a value", "p50 <= baseline + 2ms", usual, at(1.4), 30, result.Fail, ""},
		{"slower, either alternative holds", "p50 <= baseline + 5% or + 20ms", usual, at(1.4), 30, result.Pass, ""},
		{"faster", "p95 <= baseline + 10%", usual, at(0.7), 30, result.Pass, "improved"},
		{"too few windows", "p95 <= baseline + 10%", usual, at(3), 6, result.Inconclusive, "base and head make 6 pairs of enough requests, and 1 objective can prove a change from 7 on"},
		{"percentile of few requests", "p99.9 <= baseline + 10%", usual, at(3), 60, result.Inconclusive, "base and head make 1 pair"},
		{"noise that hides what matters", "p95 <= baseline + 10%", wild, wild, 30, result.Inconclusive, "this run could only have seen +"},
		{"beyond the tolerance, not proven", "p95 <= baseline + 1%", usual, at(1.04), 30, result.Pass, "possible +"},
		{"more failures", "success_rate >= baseline - 1%", usual, failing, 30, result.Fail, ""},
		{"failures within the tolerance", "success_rate >= baseline - 5%", usual, failing, 30, result.Pass, ""},
		{"throughput", "throughput >= baseline - 5%", usual, usual, 30, result.Pass, ""},
		{"no answers of base", "p95 <= baseline + 10%", taking{fails: 1}, usual, 30, result.Inconclusive, "base: only 0 % of the requests succeeded"},
	} {
		got := compareSides(plan(relative(t, tt.text)), tt.base, tt.head, tt.windows, Options{}).Objectives[0]
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s), want %s (%s); %+v", tt.name, got.Verdict, got.Reason, tt.want, tt.reason, got.Comparison)
		}
	}
}

// The length that would prove a change is told where somebody may wait for it.
func TestLengthThatProvesAChange(t *testing.T) {
	o := relative(t, "p50 <= baseline + 0.001%")
	for estimate, want := range map[float64]string{
		0.1:  "; a stage of about 4 min would settle it",
		0.01: "",
		1e-4: "",
		1e-6: "",
	} {
		p := pairing{base: &result.Stage{Duration: 30 * time.Second}, Paired: stats.Paired{Estimate: estimate, Detectable: 0.2}}
		note := p.unproven(&trial{Objective: o, s: &result.Stage{Duration: 30 * time.Second}})
		if _, advice, _ := strings.Cut(note, ", not proven"); advice != want {
			t.Errorf("%v of a detectable 0.2: %q, want %q", estimate, advice, want)
		}
	}
	for _, tt := range []struct {
		text     string
		workload slo.Workload
		want     time.Duration
	}{
		{"p50 <= baseline + 10%", slo.Workload{Model: slo.Open, RateFrom: 100, RateTo: 100}, 14 * time.Second},
		{"p99 <= baseline + 10%", slo.Workload{Model: slo.Open, RateFrom: 100, RateTo: 100}, 70 * time.Second},
		{"p99.9999 <= baseline + 10%", slo.Workload{Model: slo.Open, RateFrom: 1e-9, RateTo: 1e-9}, 0},
		{"p99.9999 <= baseline + 10%", slo.Workload{Model: slo.Closed, WorkersFrom: 5, WorkersTo: 5}, 14 * time.Second},
	} {
		file := &slo.File{Scenarios: []slo.Scenario{{Name: "a", Steps: []slo.Step{{Request: &slo.Request{}}}}}}
		if got := Needed(file, relative(t, tt.text), slo.Stage{Workload: tt.workload}, 1); got != tt.want {
			t.Errorf("%s of %+v needs %v, want %v", tt.text, tt.workload, got, tt.want)
		}
	}
}

// The comparison is printed: base's value, the estimate with its interval, and
// what could have been seen.
func TestPairedComparisonIsDescribed(t *testing.T) {
	usual, slower := taking{median: 20 * ms, within: 0.3, between: 0.1}, taking{median: 28 * ms, within: 0.3, between: 0.1}
	o := compareSides(plan(relative(t, "p50 <= baseline + 10%")), usual, slower, 30, Options{}).Objectives[0]
	c := o.Comparison
	if c == nil || c.Lower == nil || c.Upper == nil || c.Pairs != 30 || c.Runs != 0 {
		t.Fatalf("comparison is %+v", c)
	}
	if *c.Lower > 0.4 || *c.Upper < 0.4 || *c.Lower < 0.25 || *c.Upper > 0.55 || c.Change < *c.Lower || c.Change > *c.Upper {
		t.Errorf("change is %.2f of %.2f to %.2f, made was 0.40", c.Change, *c.Lower, *c.Upper)
	}
	if math.Abs(o.Bound/c.Baseline-1.1) > 1e-9 || math.Abs(c.Tolerance-0.1) > 1e-9 || c.P > 0.01 || c.Detectable < 0.1 {
		t.Errorf("bound %v of %v, %+v", o.Bound, c.Baseline, c)
	}
	lower := compareSides(plan(relative(t, "throughput >= baseline - 5%")), usual, usual, 30, Options{}).Objectives[0].Comparison
	if lower.Tolerance > -0.0499 || lower.Detectable > -0.0499 {
		t.Errorf("where less is worse, the tolerance is %v and what is seen %v", lower.Tolerance, lower.Detectable)
	}
}

// A stage that head had alone is judged by earlier results, where there are
// some, and a regression that was accepted only warns.
func TestPairedBesideEverythingElse(t *testing.T) {
	usual, slower := taking{median: 100 * ms, within: 0.1, between: 0.1}, taking{median: 200 * ms, within: 0.1, between: 0.1}
	f := plan(relative(t, "p95 <= baseline + 10%"))
	r := &result.Run{Start: day(40), Stages: []result.Stage{steady(1000, 200*ms)}, Base: &result.Base{}}
	if got := Judge(f, r, Options{Baseline: same(7, 100*ms)}).Objectives[0]; got.Verdict != result.Fail || got.Comparison.Runs != 7 {
		t.Errorf("head alone: %s against %+v, want a fail against 7 runs", got.Verdict, got.Comparison)
	}
	if got := Judge(f, r, Options{}).Objectives[0]; got.Verdict != result.Skipped {
		t.Errorf("head alone and no earlier result: %s, want skipped", got.Verdict)
	}
	for name, opts := range map[string]Options{"accepted: by me": {Accepted: "by me"}, "on the base branch": {BaseBranch: true}} {
		j := compareSides(f, usual, slower, 30, opts)
		if got := j.Objectives[0]; got.Verdict != result.Warn || !strings.Contains(got.Reason, name) || j.Verdict != result.Warn {
			t.Errorf("%s: %s (%s)", name, got.Verdict, got.Reason)
		}
	}
	if j := compareSides(f, usual, slower, 30, Options{Baseline: same(7, 500*ms)}); j.Verdict != result.Fail ||
		!strings.Contains(j.Reason, "against base's") {
		t.Errorf("with both, base in the same run decides: %s, %s", j.Verdict, j.Reason)
	}
}

// Warn-objectives are a family of their own: they take no power from those that
// can fail.
func TestWarnObjectivesAreAnotherFamily(t *testing.T) {
	usual := taking{median: 20 * ms, within: 0.3, between: 0.1}
	alone := compareSides(plan(relative(t, "p95 <= baseline + 10%")), usual, usual, 30, Options{})
	objectives := []slo.Objective{relative(t, "p95 <= baseline + 10%")}
	for _, text := range []string{"p50 <= baseline + 10%", "p90 <= baseline + 10%", "mean <= baseline + 10%"} {
		objectives = append(objectives, as(slo.Warn, relative(t, text)))
	}
	beside := compareSides(plan(objectives...), usual, usual, 30, Options{})
	if diff := cmp.Diff(alone.Objectives[0], beside.Objectives[0]); diff != "" {
		t.Errorf("warn-objectives beside it change a fail-objective (-alone +beside):\n%s", diff)
	}
}

// A comparison goes on until it can see half as much again as the tolerance,
// whatever the change is.
func TestSettled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	steadySide, noisy := taking{median: 20 * ms, within: 0.1, between: 0.02}, taking{median: 20 * ms, within: 0.1, between: 0.5}
	f := plan(relative(t, "p95 <= baseline + 10%"))
	stage := f.Stages[0]
	for _, tt := range []struct {
		name       string
		base, head taking
		want       bool
	}{
		{"steady", steadySide, steadySide, true},
		{"steady and slower", steadySide, taking{median: 80 * ms, within: 0.1, between: 0.02}, true},
		{"noisy", noisy, noisy, false},
	} {
		b, h := tt.base.side(random, 30), tt.head.side(random, 30)
		if got := Settled(stage, 1, &b, &h); got != tt.want {
			t.Errorf("%s: settled is %v", tt.name, got)
		}
	}
	if Settled(stage, 1, nil, nil) {
		t.Error("settled with nothing measured")
	}
	b, h := steadySide.side(random, 3), steadySide.side(random, 3)
	stage.Objectives = []slo.Objective{objective(percentile(95), slo.LE, 1)}
	if !Settled(stage, 1, &b, &h) {
		t.Error("a stage without relative objectives is not settled")
	}
}

func TestNearFail(t *testing.T) {
	noisy := population{}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 2000 {
		noisy.add(time.Duration(i)*10*ms, time.Duration(float64(100*ms)*math.Exp(0.5*random.NormFloat64())), result.Success)
	}
	s := noisy.stage("high", 20*time.Second)
	p95, _ := Measure(percentile(95), &s)
	for _, tt := range []struct {
		name string
		o    slo.Objective
		want bool
	}{
		{"just missed", objective(percentile(95), slo.LE, p95*0.99), true},
		{"just met", objective(percentile(95), slo.LE, p95*1.01), false},
		{"clearly missed", objective(percentile(95), slo.LE, p95*0.5), false},
		{"only a warning", as(slo.Warn, objective(percentile(95), slo.LE, p95*0.99)), false},
		{"relative", relative(t, "p95 <= baseline + 10%"), false},
	} {
		if _, got := NearFail(plan(tt.o).Stages[0], &s); got != tt.want {
			t.Errorf("%s: near is %v", tt.name, got)
		}
	}
	s.State = result.Cancelled
	if _, got := NearFail(plan(objective(percentile(95), slo.LE, p95*0.99)).Stages[0], &s); got {
		t.Error("a cancelled stage is to be confirmed")
	}
}

// Where slogate has started one of each, a notice says what that cannot see.
func TestOneStartIsNoticed(t *testing.T) {
	usual := taking{median: 20 * ms, within: 0.3, between: 0.1}
	random := rand.New(rand.NewPCG(7, 8))
	for starts, want := range []bool{false, true, false} {
		r := &result.Run{
			Start:  day(40),
			Stages: []result.Stage{usual.side(random, 10)},
			Base:   &result.Base{Starts: starts, Stages: []result.Stage{usual.side(random, 10)}},
		}
		notices := strings.Join(Judge(plan(relative(t, "p50 <= baseline + 50%")), r, Options{}).Notices, "\n")
		if got := strings.Contains(notices, "one start of base and one of head"); got != want {
			t.Errorf("%d starts: notices are %q", starts, notices)
		}
	}
}

// losingBlocks is a side of so many blocks of as many requests, some of which
// fail.
func losingBlocks(blocks, each int, fails func(block, i int) bool) result.Stage {
	var p population
	for b := range blocks {
		for i := range each {
			class := result.Success
			if fails(b, i) {
				class = result.BadStatus
			}
			p.add(time.Duration(b)*time.Second+time.Duration(i)*time.Second/time.Duration(each), time.Duration(20+(b+7*i)%10)*ms, class)
		}
	}
	return p.stage("high", time.Duration(blocks)*time.Second)
}

func never(int, int) bool { return false }

// What head loses in a few windows is lost, though most windows have no
// difference.
func TestLossesInFewWindows(t *testing.T) {
	everyBlock := func(n int) func(int, int) bool { return func(b, _ int) bool { return b%n == 0 } }
	oneIn := func(n int) func(int, int) bool { return func(b, i int) bool { return b%n == 0 && i == 3 } }
	for _, tt := range []struct {
		name, text   string
		blocks, each int
		fails        func(block, i int) bool
		want         result.Verdict
		reason       string
	}{
		{"every sixth block", "success_rate >= baseline - 1%", 45, 100, everyBlock(6), result.Fail, ""},
		{"every sixth block, errors", "error_rate <= baseline + 1%", 45, 100, everyBlock(6), result.Fail, ""},
		{"every sixth block, times", "p95 <= baseline + 10%", 45, 100, everyBlock(6), result.Fail, ""},
		{"every sixth block, what is done", "goodput >= baseline - 10%", 45, 100, everyBlock(6), result.Fail, ""},
		{"a request in every fourth block", "success_rate >= baseline - 0.5%", 60, 20, oneIn(4), result.Fail, ""},
		{"a request in every fifth block", "success_rate >= baseline - 0.2%", 45, 20, oneIn(5), result.Fail, ""},
		{"within the tolerance", "success_rate >= baseline - 2%", 60, 20, oneIn(4), result.Pass, ""},
		{"a single block", "success_rate >= baseline - 1%", 45, 100, func(b, _ int) bool { return b == 20 }, result.Inconclusive, "could only have seen −7"},
		{"one long outage", "success_rate >= baseline - 1%", 45, 100, func(b, _ int) bool { return b >= 20 && b < 28 }, result.Fail, ""},
		{"one long outage, times", "p95 <= baseline + 10%", 45, 100, func(b, _ int) bool { return b >= 20 && b < 28 }, result.Inconclusive, "head is worse in some windows"},
		{"nothing fails, and little was sent", "success_rate >= baseline - 1%", 30, 2, never, result.Inconclusive, "could only have seen −16.9 points"},
		{"nothing fails", "success_rate >= baseline - 1%", 30, 20, never, result.Pass, ""},
	} {
		r := &result.Run{
			Start:  day(40),
			Stages: []result.Stage{losingBlocks(tt.blocks, tt.each, tt.fails)},
			Base:   &result.Base{Stages: []result.Stage{losingBlocks(tt.blocks, tt.each, never)}},
		}
		got := Judge(plan(relative(t, tt.text)), r, Options{}).Objectives[0]
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s), want %s (%s); %+v", tt.name, got.Verdict, got.Reason, tt.want, tt.reason, got.Comparison)
		}
		if c := got.Comparison; got.Verdict == result.Fail && math.Abs(c.Change) < math.Abs(c.Tolerance) {
			t.Errorf("%s: fails with a change of %v, the tolerance is %v", tt.name, c.Change, c.Tolerance)
		}
	}
}

// What may be the generator's own is no regression, and no base to compare with.
func TestPairedBesideTheGeneratorsLimits(t *testing.T) {
	inFirst := func(n int) func(int, int) bool { return func(_, i int) bool { return i < n } }
	local := func(s *result.Stage) {
		s.Counters.Local, s.Counters.BadStatus = s.Counters.BadStatus, 0
		for i := range s.Slices {
			c := &s.Slices[i].Counters
			c.Local, c.BadStatus = c.BadStatus, 0
		}
	}
	unsent := func(s *result.Stage) { s.Generator.UnsentOwn = 1000 }
	for _, tt := range []struct {
		name, text string
		fails      int // of head's 100 requests in a block
		base, head func(*result.Stage)
		want       result.Verdict
		reason     string
	}{
		{"answers of the service", "success_rate >= baseline - 1%", 5, nil, nil, result.Fail, ""},
		{"local limits", "success_rate >= baseline - 1%", 5, nil, local, result.Inconclusive, "generator limited: 5 % of the requests"},
		{"local limits beside answers", "p95 <= baseline + 10%", 10, nil, local, result.Inconclusive, "generator limited: 10 % of the requests"},
		{"base left unsent", "p95 <= baseline + 10%", 0, unsent, nil, result.Inconclusive, "base: generator limited: it left 33.3 % of the due requests unsent"},
		{"head left unsent", "p95 <= baseline + 10%", 0, nil, unsent, result.Inconclusive, "generator limited: it left"},
	} {
		base, head := losingBlocks(30, 100, never), losingBlocks(30, 100, inFirst(tt.fails))
		if tt.base != nil {
			tt.base(&base)
		}
		if tt.head != nil {
			tt.head(&head)
		}
		r := &result.Run{Start: day(40), Stages: []result.Stage{head}, Base: &result.Base{Stages: []result.Stage{base}}}
		got := Judge(plan(relative(t, tt.text)), r, Options{}).Objectives[0]
		if got.Verdict != tt.want || !strings.HasPrefix(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", tt.name, got.Verdict, got.Reason, tt.want, tt.reason)
		}
	}
}
