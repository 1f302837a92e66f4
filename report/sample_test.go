package report

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/slogate/slogate/result"
)

// started is when every sample run began.
var started = time.Date(2026, 11, 23, 14, 30, 0, 0, time.UTC)

// sampleRun is a run of the demo's three stages, judged with the verdict: one
// pod serves 25 requests a second, the autoscaler goes from 1 to 3 in the
// second stage, and in the third all three are busy.
func sampleRun(v result.Verdict) *result.Run {
	r := &result.Run{
		Version: result.Version,
		Slogate: "1.0.0",
		Name:    "iris-classifier",
		SLO:     result.SLO{Path: "slo.yaml", Digest: "sha256:6d1c9a53f6a5b2a1c4e0"},
		Target:  "http://localhost:8000",
		Route:   "127.0.0.1:8000",
		Start:   started,
		End:     started.Add(61 * time.Second),
		Seed:    4711,
		Source:  result.Source{Commit: "3f2a9c1d5b7e", Branch: "faster-model", RunURL: "https://github.com/acme/iris/actions/runs/42"},
		Machine: result.Machine{OS: "linux", Arch: "amd64", CPU: "AMD EPYC 7763", Cores: 4},
		Stages: []result.Stage{
			sampleStage("normal", 100, 5, 1*time.Second, func(float64) float64 { return 25 }, 0),
			sampleStage("high", 1000, 10, 7*time.Second, scaling, 0),
			sampleStage("extreme", 2000, 20, 32*time.Second, func(float64) float64 { return 73 }, 0.012),
		},
		Timeline: sampleTimeline(),
		Findings: sampleFindings(),
		Warnings: []string{"the target resolved to one address only: 127.0.0.1"},
	}
	r.Judgement = sampleJudgement(v, r)
	return r
}

// scaling is the capacity in the second stage: one pod for 9 s, then three.
func scaling(at float64) float64 {
	if at < 9 {
		return 25
	}
	return 74
}

// sampleStage simulates a closed stage: response times follow from the
// workers and the capacity, with a tail, and a share of answers is 503.
func sampleStage(name string, requests int64, workers int, start time.Duration, capacity func(float64) float64, refused float64) result.Stage {
	random := rand.New(rand.NewPCG(uint64(requests), uint64(workers)))
	var whole, ok, lateness result.Recorder
	var counters result.Counters
	slices := map[int]*sampleSlice{}
	at := 0.0
	for range requests {
		d := responseTime(random, float64(workers)/capacity(at))
		slice := slices[int(at)]
		if slice == nil {
			slice = &sampleSlice{}
			slices[int(at)] = slice
		}
		if random.Float64() < refused {
			d = 10 * time.Second
			slice.counters.BadStatus++
		} else {
			slice.counters.Success++
			ok.Record(d)
		}
		whole.Record(d)
		slice.recorder.Record(d)
		lateness.Record(time.Duration(20+random.ExpFloat64()*40) * time.Microsecond)
		at += 1 / capacity(at)
	}
	s := result.Stage{
		Name:     name,
		Workload: result.Workload{Model: "closed", Requests: requests, WorkersFrom: workers, WorkersTo: workers},
		Judged:   true,
		State:    result.Completed,
		Start:    started.Add(start),
		Duration: time.Duration(at * float64(time.Second)),
		Generator: result.Generator{
			Engine: "http1", Mode: "sleep and spin", CPU: 0.031,
			Lateness: lateness.Histogram(), Opened: int64(workers), Reused: requests - int64(workers),
		},
	}
	for i := range len(slices) {
		counters.Add(slices[i].counters)
		s.Slices = append(s.Slices, result.Slice{
			Offset: time.Duration(i) * time.Second, Width: time.Second,
			Counters: slices[i].counters, Response: slices[i].recorder.Histogram(),
		})
	}
	s.Counters = counters
	s.Response, s.OK = whole.Histogram(), ok.Histogram()
	s.Service, s.OnTime = s.Response, s.Response
	s.Status = map[int]int64{200: counters.Success}
	if counters.BadStatus > 0 {
		s.Status[503] = counters.BadStatus
		s.Failures = sampleFailures()
	}
	s.BytesIn, s.BytesOut = 210*requests, 180*requests
	return s
}

type sampleSlice struct {
	counters result.Counters
	recorder result.Recorder
}

// responseTime is around the mean, with one in thirty in a longer tail.
func responseTime(random *rand.Rand, mean float64) time.Duration {
	seconds := mean * math.Exp(random.NormFloat64()*0.22-0.05)
	if random.IntN(30) == 0 {
		seconds *= 1.4 + random.Float64()
	}
	return time.Duration(seconds * float64(time.Second))
}

func sampleFailures() []result.Sample {
	return []result.Sample{
		{
			Scenario: "classify", Step: "POST /predict", Offset: 3200 * time.Millisecond, Class: result.BadStatus, Status: 503,
			Response: 2100 * time.Microsecond, Detail: "status 503 is not accepted (2xx, 3xx)",
			Body: "{\"error\": \"queue full\",\n \"pod\": \"iris-classifier-2\"}",
		},
		{
			Scenario: "classify", Step: "POST /predict", Offset: 3900 * time.Millisecond, Class: result.BadStatus, Status: 503,
			Response: 1900 * time.Microsecond, Detail: "status 503 is not accepted (2xx, 3xx)",
			Body: "{\"error\": \"queue full\",\n \"pod\": \"iris-classifier-1\"}",
		},
	}
}

func sampleTimeline() *result.Timeline {
	t := &result.Timeline{
		Source: "demo", Name: "iris-classifier",
		Limits: result.ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: 200},
	}
	for at := range 61 {
		s := result.ClusterSample{At: started.Add(time.Duration(at) * time.Second), Ready: 1, Replicas: 1, Desired: 1, Wanted: 1, UsageMilli: 20, CPU: 0.2}
		switch {
		case at >= 16:
			s.Ready, s.Replicas, s.Desired, s.Wanted, s.UsageMilli, s.CPU = 3, 3, 3, 12, 590, 1.97
			s.AtCeiling, s.Throttled = true, 0.81
		case at >= 14:
			s.Ready, s.Replicas, s.Desired, s.Wanted, s.UsageMilli, s.CPU = 1, 3, 3, 4, 200, 2
		case at >= 2:
			s.UsageMilli, s.CPU, s.Throttled, s.Wanted = 200, 2, 0.83, 4
		}
		if at >= 30 {
			s.Restarts, s.OOMKills = 1, 1
		}
		t.Samples = append(t.Samples, s)
	}
	t.Samples[0].Pods = []result.ClusterPod{{Name: "iris-classifier-7d9", Phase: "Running", Ready: true}}
	t.Events = []result.ClusterEvent{
		{At: started.Add(14 * time.Second), Object: "HorizontalPodAutoscaler/iris-classifier", Reason: "SuccessfulRescale", Message: "New size: 3"},
		{At: started.Add(30 * time.Second), Object: "Pod/iris-classifier-7d9", Reason: "BackOff", Count: 3},
	}
	t.Missing = []string{"throttling: the kubelet was not asked"}
	return t
}

func sampleFindings() []result.Finding {
	return []result.Finding{
		{
			Rule: "replica-ceiling", Stage: "extreme",
			Title: "The autoscaler is at its ceiling of 3 replicas and wants 12",
			Evidence: []string{
				"desired = maximum = 3 for 45 s of 61 s, wanted 12",
				"CPU usage 197 % of the request, target 50 %; pods waited for their CPU limit 81 % of the time",
			},
			Suggestion: []string{"maxReplicas 3 → 12, or a CPU limit above 200m"},
			Disproof:   "a run with maxReplicas 6 that is not faster",
			Confidence: result.High, Since: 16 * time.Second,
		},
		{
			Rule: "saturated", Stage: "extreme",
			Title: "More load brings no more throughput from stage high on: the service is saturated",
			Evidence: []string{
				"workers 10 → 20 (+100 %), throughput 74/s → 73/s while three pods were ready",
				"p95 grew in proportion to the workers, as a queue does",
			},
			Note: true, Confidence: result.Low,
		},
	}
}

// sampleJudgement judges so that the run ends in v.
func sampleJudgement(v result.Verdict, r *result.Run) *result.Judgement {
	j := &result.Judgement{Verdict: v}
	for _, s := range r.Stages {
		p95, _ := s.Response.Quantile(95, 100)
		j.Objectives = append(j.Objectives,
			sampleObjective(s, "p95 <= 600ms", "p95", "duration", float64(p95/time.Microsecond), "<=", 600e3, "fail", result.Pass),
			sampleObjective(s, "success_rate >= 95%", "success_rate", "share", successRate(s), ">=", 0.95, "fail", result.Pass),
		)
	}
	last := r.Stages[2]
	p99, _ := last.Response.Quantile(99, 100)
	missed := sampleObjective(last, "p99 <= 720ms", "p99", "duration", float64(p99/time.Microsecond), "<=", 720e3, string(result.Warn), result.Warn)
	missed.AtLeast, missed.Upper = true, nil
	j.Reason = "All objectives that can fail are met; p99 <= 720ms is missed in extreme: at least 10 s."
	switch v {
	case result.Pass:
		missed.Severity, missed.Verdict, missed.Cmp, missed.Bound, missed.Text = "show", result.Shown, "", 0, "p99"
		j.Reason = "All 6 objectives are met."
	case result.Fail:
		missed.Severity, missed.Verdict = "fail", result.Fail
		j.Loosened = []result.Loosening{
			{Stages: []string{"normal", "high", "extreme"}, Before: "p95 <= 450ms", After: "p95 <= 600ms"},
			{Before: "the check status == 200 of POST /predict", After: "removed"},
		}
		j.Reason = "p99 <= 720ms is missed in extreme: at least 10 s. The autoscaler is at its ceiling of 3 replicas."
	case result.Inconclusive:
		missed.Severity, missed.Verdict, missed.Measured, missed.Lower, missed.Margin = "fail", result.Inconclusive, nil, nil, ""
		missed.Text, missed.Indicator, missed.AtLeast = "p99.9 <= 720ms", "p99.9", false
		missed.Reason = "100 samples are too few for p99.9; it needs 3000"
		j.Reason = "p99.9 <= 720ms cannot be decided: 100 samples are too few, it needs 3000."
	}
	j.Objectives = append(j.Objectives, missed)
	return j
}

func sampleObjective(s result.Stage, text, indicator, unit string, value float64, cmp string, bound float64, severity string, v result.Verdict) result.JudgedObjective {
	lower, upper := value*0.97, value*1.04
	if unit == "share" {
		lower, upper = value-(1-value)*0.5-0.002, min(1, value+(1-value)*0.4)
	}
	return result.JudgedObjective{
		Text: text, Indicator: indicator, Unit: unit, Stage: s.Name, Severity: severity, Verdict: v,
		Measured: &value, Lower: &lower, Upper: &upper, Margin: "clear", Samples: s.Counters.Judged(),
		Cmp: cmp, Bound: bound, Line: 14, Column: 9,
	}
}

// sampleCancelled is the run cancelled in its third stage, before judging.
func sampleCancelled() *result.Run {
	r := sampleRun(result.Pass)
	r.Cancelled, r.Judgement, r.Findings = true, nil, nil
	r.Stages[1].State, r.Stages[1].Reason = result.Cancelled, "interrupted"
	r.Stages[2] = result.Stage{Name: "extreme", Workload: r.Stages[2].Workload, Judged: true, State: result.NotRun, Reason: "the run was cancelled"}
	return r
}

// sampleCompared is a comparison: in the stage steady head is slower, in crowd
// it is as fast as base, and the ramp was head's alone.
func sampleCompared() *result.Run {
	r := sampleRun(result.Fail)
	steady := result.Workload{Model: "open", Duration: time.Minute, RateFrom: 50, RateTo: 50, Arrivals: "uniform"}
	crowd := result.Workload{Model: "closed", Duration: time.Minute, WorkersFrom: 10, WorkersTo: 10}
	r.Stages = []result.Stage{
		sampleBlocks("steady", steady, 1, 6*time.Second, 0.048, 0),
		sampleBlocks("crowd", crowd, 2, 71*time.Second, 0.041, 0.004),
		sampleStage("ramp", 500, 5, 135*time.Second, func(float64) float64 { return 50 }, 0),
	}
	r.Stages[2].Workload = result.Workload{Model: "open", Duration: 10 * time.Second, RateFrom: 10, RateTo: 90, Arrivals: "uniform"}
	r.Base = &result.Base{Target: "http://localhost:8001", Route: "127.0.0.1:8001", Stages: []result.Stage{
		sampleBlocks("steady", steady, 3, 7*time.Second, 0.040, 0),
		sampleBlocks("crowd", crowd, 4, 70*time.Second, 0.041, 0),
	}}
	r.End = started.Add(146 * time.Second)
	r.Timeline, r.Warnings = nil, nil
	r.Findings = nil
	r.Judgement = &result.Judgement{
		Verdict: result.Fail, Reason: `p95 of "steady" was 70.6 ms, 20 % above base; 1 of 5 objectives failed`,
		Notices:  []string{`stage "ramp": head was loaded alone: a ramp gives base and head other loads`},
		Baseline: &result.BaselineUse{Covered: 3, Relative: 4},
	}
	for _, o := range []struct {
		stage         int
		indicator     string
		percent       int64
		allowed       string
		verdict       result.Verdict
		change, reach float64 // the estimate, and how far its interval reaches
		detectable    float64
		why           string
	}{
		{0, "p95", 95, "baseline + 10%", result.Fail, 0.198, 0.04, 0.13, ""},
		{1, "p95", 95, "baseline + 10%", result.Pass, 0.021, 0.036, 0.13, ""},
		{1, "p99", 99, "baseline + 10%", result.Inconclusive, 0.048, 0.13, 0.31, "this run could only have seen +31 %"},
		{2, "p95", 95, "baseline + 10%", result.Skipped, 0, 0, 0, "head was loaded alone: a ramp gives base and head other loads"},
		{2, "p95", 95, "450ms", result.Pass, 0, 0, 0, ""},
	} {
		s := r.Stages[o.stage]
		value, _ := s.Response.Quantile(o.percent, 100)
		j := sampleObjective(s, o.indicator+" <= "+o.allowed, o.indicator, "duration", float64(value/time.Microsecond), "<=", 450e3, "fail", o.verdict)
		j.Relative, j.Reason = o.allowed != "450ms", o.why
		if o.detectable > 0 {
			base, _ := r.Base.Stage(s.Name).Response.Quantile(o.percent, 100)
			lower, upper := o.change-o.reach, o.change+o.reach
			j.Comparison = &result.Comparison{
				Baseline: float64(base / time.Microsecond), Pairs: 30, Change: o.change, Lower: &lower, Upper: &upper, P: 0.001,
				Tolerance: 0.1, Limit: o.detectable, Detectable: o.detectable, Spread: 0.06,
			}
			j.Bound = j.Comparison.Baseline * 1.1
		}
		r.Judgement.Objectives = append(r.Judgement.Objectives, j)
	}
	return r
}

// sampleBlocks simulates one side of a stage in thirty blocks of a second.
func sampleBlocks(name string, w result.Workload, seed uint64, start time.Duration, mean, failed float64) result.Stage {
	random := rand.New(rand.NewPCG(seed, 7))
	s := result.Stage{
		Name: name, Workload: w, Judged: true, State: result.Completed, Start: started.Add(start), Duration: 30 * time.Second,
		Generator: result.Generator{Engine: "http1", Mode: "sleep and spin", CPU: 0.012, Opened: 12, Reused: 1488},
	}
	var whole, ok, lateness result.Recorder
	for i := range 30 {
		var block result.Recorder
		var counters result.Counters
		for range 50 {
			d := responseTime(random, mean)
			if random.Float64() < failed {
				d = 10 * time.Second
				counters.BadStatus++
			} else {
				counters.Success++
				ok.Record(d)
			}
			whole.Record(d)
			block.Record(d)
			lateness.Record(time.Duration(20+random.ExpFloat64()*40) * time.Microsecond)
		}
		s.Counters.Add(counters)
		s.Slices = append(s.Slices, result.Slice{Offset: time.Duration(i) * time.Second, Width: time.Second, Counters: counters, Response: block.Histogram()})
	}
	s.Response, s.OK, s.Generator.Lateness = whole.Histogram(), ok.Histogram(), lateness.Histogram()
	s.Service, s.OnTime = s.Response, s.Response
	s.Status = map[int]int64{200: s.Counters.Success}
	if s.Counters.BadStatus > 0 {
		s.Failures = sampleFailures()
	}
	return s
}
