package gate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// costed is a stage of so many slices of a second, of 100 requests each, whose
// service uses so much CPU for one.
func costed(random *rand.Rand, slices int, each time.Duration, spread float64) result.Stage {
	s := taking{median: 20 * ms, within: 0.3}.side(random, slices)
	s.Cost = &result.Cost{Memory: 250e6, Throttling: &result.Throttling{Periods: 1000, Throttled: 20}}
	for i := range s.Slices {
		cpu := time.Duration(100 * float64(each) * (1 + spread*random.NormFloat64()))
		s.Slices[i].Cost = &result.Cost{CPU: cpu, Span: 2 * time.Second}
		s.Cost.CPU += cpu
		s.Cost.Span += 2 * time.Second
	}
	return s
}

func TestMeasureCost(t *testing.T) {
	s := costed(rand.New(rand.NewPCG(1, 1)), 20, 2*ms, 0)
	bare := s
	bare.Cost = &result.Cost{}
	unknown := s
	unknown.Cost = nil
	unanswered := s
	unanswered.Counters = result.Counters{Unsent: 5}
	for _, c := range []struct {
		indicator string
		stage     result.Stage
		want      float64
		ok        bool
	}{
		{"cpu_per_request", s, 2000, true},
		{"cpu", s, 0.1, true},
		{"memory.max", s, 250e6, true},
		{"throttled", s, 0.02, true},
		{"cpu_per_request", unknown, 0, false},
		{"cpu_per_request", unanswered, 0, false},
		{"memory.max", bare, 0, false},
		{"throttled", bare, 0, false},
		{"cpu", bare, 0, false},
	} {
		ind, err := slo.ParseIndicator(c.indicator)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Measure(ind, &c.stage)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s of %+v: %v, %v, want %v, %v", c.indicator, c.stage.Cost, got, ok, c.want, c.ok)
		}
	}
}

func TestJudgeCost(t *testing.T) {
	s := costed(rand.New(rand.NewPCG(1, 1)), 20, 2*ms, 0.02)
	slim := s
	slim.Cost = &result.Cost{CPU: 2 * time.Second, Span: time.Second}
	unknown := s
	unknown.Cost = nil
	tiny := s
	tiny.Cost = &result.Cost{CPU: 2000 * 5400 * time.Nanosecond, Span: time.Second}
	coarse := s // 2000 requests of 40 ms of CPU, which is four units
	coarse.Cost = &result.Cost{CPU: 40 * time.Millisecond, Span: time.Second, Resolution: 10 * time.Millisecond}
	failing := s
	failing.Counters = result.Counters{Success: 10, BadStatus: 90}
	for _, c := range []struct {
		text   string
		stage  result.Stage
		want   result.Verdict
		reason string
	}{
		{"cpu_per_request <= 2.5ms", s, result.Pass, ""},
		{"cpu_per_request <= 1.5ms", s, result.Fail, ""},
		{"cpu_per_request <= 5us", tiny, result.Fail, ""}, // no bucket of a histogram
		{"cpu <= 0.2", s, result.Pass, ""},
		{"memory.max <= 300MB", s, result.Pass, ""},
		{"memory.max <= 200MB", s, result.Fail, ""},
		{"throttled <= 5%", s, result.Pass, ""},
		{"throttled <= 1%", s, result.Fail, ""},
		{"cpu_per_request <= 1s", unknown, result.Inconclusive, "the cost of the service is not known; /proc: elsewhere"},
		{"memory.max <= 300MB", slim, result.Inconclusive, "the source of the service's cost does not tell memory.max"},
		{"throttled <= 1%", slim, result.Inconclusive, "does not tell throttled"},
		{"cpu_per_request <= 26us", coarse, result.Pass, ""},
		{"cpu_per_request <= 22us", coarse, result.Inconclusive, "the service's CPU time is counted in units of 10 ms: cpu_per_request lies between 15 µs and 25 µs; a longer stage would tell"},
		{"cpu_per_request <= 18us", coarse, result.Inconclusive, "between 15 µs and 25 µs"},
		{"cpu_per_request <= 14us", coarse, result.Fail, ""},
		{"cpu <= 0.045", coarse, result.Inconclusive, "cpu lies between 0.03 cores and 0.05 cores"},
		{"cpu <= 0.06", coarse, result.Pass, ""},
		{"cpu_per_request <= 1s", failing, result.Inconclusive, "only 10 % of the requests succeeded"},
	} {
		o, err := slo.ParseObjective(c.text)
		if err != nil {
			t.Fatal(err)
		}
		r := &result.Run{Stages: []result.Stage{c.stage}, Cost: result.CostSource{Missing: "/proc: elsewhere"}}
		got := Judge(plan(o), r, Options{}).Objectives[0]
		if got.Verdict != c.want || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", c.text, got.Verdict, got.Reason, c.want, c.reason)
		}
	}
}

// The CPU of a request has an interval from the slices, as a mean has.
func TestCostInterval(t *testing.T) {
	s := costed(rand.New(rand.NewPCG(1, 1)), 60, 2*ms, 0.05)
	for name, value := range map[string]float64{"cpu_per_request": 2000, "cpu": 0.1} {
		ind, err := slo.ParseIndicator(name)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := within(ind, &s)
		if !ok || got.lower < 0.95*value || got.upper > 1.05*value || got.lower > value || got.upper < value {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	fine, _ := within(slo.Indicator{Kind: slo.CPUPerRequest}, &s)
	s.Cost.Resolution = time.Second // of 6000 requests
	if got, ok := within(slo.Indicator{Kind: slo.CPUPerRequest}, &s); !ok || got.upper < fine.upper+166 || got.lower > fine.lower-166 {
		t.Errorf("counted in seconds %+v, else %+v", got, fine)
	}
	for i := range s.Slices[4:] {
		s.Slices[4+i].Cost = nil
	}
	if got, ok := within(slo.Indicator{Kind: slo.CPUPerRequest}, &s); ok {
		t.Errorf("four slices have an interval: %+v", got)
	}
}

// compareCosts judges a head that costs so much more, in pairs that differ by
// so much.
func compareCosts(t *testing.T, text string, more, spread float64, resolution time.Duration) result.JudgedObjective {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	base, head := costed(random, 30, 2*ms, spread), costed(random, 30, time.Duration(float64(2*ms)*(1+more)), spread)
	base.Cost.Resolution, head.Cost.Resolution = resolution, resolution
	r := &result.Run{Stages: []result.Stage{head}, Base: &result.Base{Stages: []result.Stage{base}}}
	return Judge(plan(relative(t, text)), r, Options{}).Objectives[0]
}

func TestJudgeCostOfBaseAndHead(t *testing.T) {
	const text = "cpu_per_request <= baseline + 5%"
	for _, c := range []struct {
		name         string
		more, spread float64
		resolution   time.Duration
		pairs        int
		want         result.Verdict
	}{
		{"unchanged", 0, 0.04, 1, 30, result.Pass},
		{"within the tolerance", 0.03, 0.04, 1, 30, result.Pass},
		{"costs more", 0.08, 0.04, 1, 30, result.Fail},
		{"costs less", -0.2, 0.04, 1, 30, result.Pass},
		{"too noisy", 0, 1, 1, 0, result.Inconclusive},
		{"two windows of 200 ms hold twenty units", 0.08, 0.02, 15 * time.Millisecond, 15, result.Fail},
		{"ten of them do", 0.5, 0.02, 90 * time.Millisecond, 3, result.Inconclusive},
	} {
		got := compareCosts(t, text, c.more, c.spread, c.resolution)
		if got.Verdict != c.want || c.pairs > 0 && got.Comparison.Pairs != c.pairs {
			t.Errorf("%s: %s (%s), want %s of %d pairs; %+v", c.name, got.Verdict, got.Reason, c.want, c.pairs, got.Comparison)
		}
	}
	if got := compareCosts(t, text, 0.5, 0.02, 90*time.Millisecond); !strings.Contains(got.Reason, "3 pairs of enough CPU time, which is counted in units of 90 ms") {
		t.Errorf("few units: %s", got.Reason)
	}
	if got := compareCosts(t, "memory.max <= baseline + 5%", 0, 0.04, 1); got.Verdict != result.Skipped || !strings.Contains(got.Reason, "not compared by memory.max") {
		t.Errorf("memory: %s (%s)", got.Verdict, got.Reason)
	}
}

// Without base's cost nothing is compared, and the reason is base's.
func TestCostOfBaseIsUnknown(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	base, head := costed(random, 30, 2*ms, 0), costed(random, 30, 2*ms, 0)
	base.Cost = nil
	r := &result.Run{Stages: []result.Stage{head}, Base: &result.Base{Stages: []result.Stage{base}, Cost: result.CostSource{Missing: "GET /metrics: status 404"}}}
	got := Judge(plan(relative(t, "cpu_per_request <= baseline + 5%")), r, Options{}).Objectives[0]
	if got.Verdict != result.Inconclusive || !strings.Contains(got.Reason, "GET /metrics: status 404") {
		t.Errorf("%s (%s)", got.Verdict, got.Reason)
	}
}

// What pods have used tells the cost of a long stage, and of no window of it.
func TestCostOfHeadIsThatOfItsPods(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	base, head := costed(random, 30, 2*ms, 0), costed(random, 30, 2*ms, 0)
	head.Cost, head.Cluster = nil, &result.ClusterUse{Cores: 0.5}
	for i := range head.Slices {
		head.Slices[i].Cost = nil
	}
	r := &result.Run{Stages: []result.Stage{head}, Base: &result.Base{Stages: []result.Stage{base}}}
	got := Judge(plan(relative(t, "cpu_per_request <= baseline + 5%")), r, Options{}).Objectives[0]
	if got.Verdict != result.Inconclusive || !strings.Contains(got.Reason, "not known window by window") {
		t.Errorf("%s (%s)", got.Verdict, got.Reason)
	}
}

// Against earlier results, too, one unit more or less must not decide.
func TestCoarseCostAgainstEarlierResults(t *testing.T) {
	for resolution, want := range map[time.Duration]result.Verdict{1: result.Pass, 200 * time.Millisecond: result.Inconclusive} {
		s := costed(rand.New(rand.NewPCG(3, 4)), 20, 2*ms, 0)
		s.Cost.Resolution = resolution // 200 ms of 4 s are the tolerance
		r := &result.Run{Stages: []result.Stage{s}}
		var earlier []*result.Run
		for i := range 5 {
			before := costed(rand.New(rand.NewPCG(3, uint64(i))), 20, 2*ms, 0)
			earlier = append(earlier, &result.Run{Seed: uint64(i), Stages: []result.Stage{before}})
		}
		got := Judge(plan(relative(t, "cpu_per_request <= baseline + 4%")), r, Options{Baseline: earlier}).Objectives[0]
		if got.Verdict != want {
			t.Errorf("units of %v: %s (%s), want %s", resolution, got.Verdict, got.Reason, want)
		}
	}
}

// A comparison is not extended for a cost that nobody tells.
func TestSettledWithoutACost(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	base, head := costed(random, 10, 2*ms, 0.5), costed(random, 10, 2*ms, 0.5)
	stage := slo.Stage{Name: "high", Judge: true, Objectives: []slo.Objective{relative(t, "cpu_per_request <= baseline + 5%")}}
	if Settled(stage, 1, &base, &head) {
		t.Error("settled, and its spread hides everything")
	}
	head.Cost = nil
	if !Settled(stage, 1, &base, &head) {
		t.Error("extended, and nothing can become known")
	}
}
