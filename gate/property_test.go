package gate

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// service draws a population: a load of 20 s whose times, tail and failures
// differ from seed to seed. Times are at least 4 ms, where buckets scale with
// powers of two.
func service(rng *rand.Rand) population {
	mean := time.Duration(20+rng.IntN(600)) * time.Millisecond
	failing := rng.Float64() * rng.Float64() * 0.1
	n := 20 + rng.IntN(2000)
	var p population
	for i := range n {
		class := result.Success
		if rng.Float64() < failing {
			class = []result.Class{result.BadStatus, result.Timeout, result.Refused, result.UnsentDue}[rng.IntN(4)]
		}
		took := 4*time.Millisecond + time.Duration(rng.ExpFloat64()*float64(mean))
		p.add(time.Duration(i)*20*time.Second/time.Duration(n), took.Truncate(time.Microsecond), class)
	}
	return p
}

// asked holds objectives for which slower and failing is worse.
func asked() *slo.File {
	return plan(
		p95Within450ms,
		objective(percentile(50), slo.LE, 300_000),
		objective(percentile(99), slo.LT, 900_000),
		objective(slo.Indicator{Kind: slo.Mean}, slo.LE, 400_000),
		objective(slo.Indicator{Kind: slo.Max}, slo.LE, 5_000_000),
		success98,
		objective(slo.Indicator{Kind: slo.ErrorRate}, slo.LE, 0),
		objective(slo.Indicator{Kind: slo.Goodput}, slo.GE, 30),
		objective(slo.Indicator{Kind: slo.Errors}, slo.LE, 10),
		objective(slo.Indicator{Kind: slo.Apdex, Apdex: 300 * time.Millisecond}, slo.GE, 0.8),
		objective(slo.Indicator{Kind: slo.Status, Status: slo.StatusRange{From: 500, To: 599}}, slo.LE, 0.01),
	)
}

func verdicts(j *result.Judgement) []result.Verdict {
	out := []result.Verdict{j.Verdict}
	for _, o := range j.Objectives {
		out = append(out, o.Verdict)
	}
	return out
}

const duration = 20 * time.Second

func TestWorseDataNeverTurnsFailIntoPass(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := service(rng)
		before := judge(asked(), p.stage("high", duration))
		for range 3 {
			i := rng.IntN(len(p))
			p[i].class = result.BadStatus // one more failure
			for k := range p {
				if rng.IntN(3) == 0 {
					p[k].took += time.Duration(rng.IntN(300)) * time.Millisecond
				}
			}
			after := judge(asked(), p.stage("high", duration))
			for k := range before.Objectives {
				if before.Objectives[k].Verdict == result.Fail && after.Objectives[k].Verdict == result.Pass {
					t.Errorf("seed %d: %s %v became a pass", seed, before.Objectives[k].Indicator, before.Objectives[k].Bound)
				}
			}
			if before.Verdict == result.Fail && after.Verdict.Passes() {
				t.Errorf("seed %d: the run became %s", seed, after.Verdict)
			}
			before = after
		}
	}
}

// Twice as slow against bounds twice as wide is the same service.
func TestScalingTimesAndBoundsChangesNoVerdict(t *testing.T) {
	for seed := range uint64(100) {
		p := service(rand.New(rand.NewPCG(seed, 2)))
		for i := range p { // a failure counts with its own time where that is longer
			if p[i].class != result.Success {
				p[i].took = timeout
			}
		}
		scaled, wider := append(population(nil), p...), asked()
		const factor = 4
		for i := range scaled {
			scaled[i].took *= factor
		}
		for i := range wider.Stages[0].Objectives {
			o := &wider.Stages[0].Objectives[i]
			if isLatency(o.Indicator) {
				o.Bound *= factor
			}
			o.Indicator.Apdex *= factor
		}
		want := verdicts(judge(asked(), p.stage("high", duration)))
		got := verdicts(judge(wider, scaled.stage("high", duration)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d (-plain +scaled):\n%s", seed, diff)
		}
	}
}

// Two halves that were recorded apart and merged are judged as the whole.
func TestMergingThenJudgingIsJudgingTheWhole(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		whole := service(rng)
		var halves [2]population
		for _, r := range whole {
			i := rng.IntN(2)
			halves[i] = append(halves[i], r)
		}
		merged := merge(halves[0].stage("high", duration), halves[1].stage("high", duration))
		want, got := judge(asked(), whole.stage("high", duration)), judge(asked(), merged)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d (-whole +merged):\n%s", seed, diff)
		}
	}
}

// merge adds two stages of the same shape.
func merge(a, b result.Stage) result.Stage {
	a.Counters.Add(b.Counters)
	for code, n := range b.Status {
		a.Status[code] += n
	}
	a.BytesIn += b.BytesIn
	a.BytesOut += b.BytesOut
	a.Response = a.Response.Merge(b.Response)
	a.OK = a.OK.Merge(b.OK)
	a.Service = a.Service.Merge(b.Service)
	a.OnTime = a.OnTime.Merge(b.OnTime)
	a.TTFB = a.TTFB.Merge(b.TTFB)
	a.Connect = a.Connect.Merge(b.Connect)
	for i := range a.Slices {
		a.Slices[i].Counters.Add(b.Slices[i].Counters)
		a.Slices[i].Response = a.Slices[i].Response.Merge(b.Slices[i].Response)
	}
	return a
}

func TestTheSameRunHasTheSameJudgement(t *testing.T) {
	for seed := range uint64(20) {
		s := service(rand.New(rand.NewPCG(seed, 4))).stage("high", duration)
		if diff := cmp.Diff(judge(asked(), s), judge(asked(), s)); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
	}
}

// An objective that Hopeless gives up is never judged as a pass when the rest
// of the stage goes perfectly.
func TestHopelessIsNeverMended(t *testing.T) {
	lost := 0
	for seed := range uint64(100) {
		p := service(rand.New(rand.NewPCG(seed, 5)))
		live := p[:len(p)/2].stage("high", duration/2)
		for _, o := range asked().Stages[0].Objectives {
			stage := slo.Stage{
				Workload:   slo.Workload{Model: slo.Closed, Requests: int64(len(p))},
				Objectives: []slo.Objective{aborting(o, 0)},
			}
			if _, _, hopeless := Hopeless(stage, &live); !hopeless {
				continue
			}
			lost++
			perfect := append(population(nil), p...)
			for i := len(p) / 2; i < len(p); i++ {
				perfect[i] = request{perfect[i].at, time.Millisecond, result.Success}
			}
			s := perfect.stage("high", duration)
			if got := only(t, o, s); got.Verdict == result.Pass {
				t.Errorf("seed %d: %s was given up and passed with %v", seed, o.Indicator, *got.Measured)
			}
		}
	}
	if lost == 0 {
		t.Error("no objective was hopeless: the test saw nothing")
	}
}
