package result

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// classes are all of them, in the order of [Counters].
var classes = []Class{Success, FailedCheck, BadStatus, Timeout, Refused, Reset, DNS, TLS, Protocol, Local, CancelledBy, UnsentDue}

// began is when every run of the tests starts.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// seeds is how many of so many random runs a test takes: a fifth with -short, as
// beside the race detector, which takes ten times as long.
func seeds(most uint64) uint64 {
	if testing.Short() {
		return most / 5
	}
	return most
}

// randomRun makes one shard's result of a plan that is the same for every seed.
func randomRun(seed uint64) *Run {
	rnd := rand.New(rand.NewPCG(seed, 9))
	r := &Run{
		Version:   Version,
		Slogate:   "v1.2.3",
		Name:      "iris",
		SLO:       SLO{Path: pick(rnd, "slo.yaml", "./slo.yaml"), Digest: "sha256:1234"},
		Target:    "http://localhost:8000",
		Route:     pick(rnd, "127.0.0.1:8000", "[::1]:8000"),
		Start:     began.Add(time.Duration(rnd.IntN(50)) * time.Millisecond),
		End:       began.Add(time.Minute + time.Duration(rnd.IntN(50))*time.Millisecond),
		Seed:      rnd.Uint64N(2),
		Cancelled: rnd.IntN(2) == 0,
		Source:    Source{Commit: "abc", Branch: "main", RunURL: fmt.Sprint("https://ci/", rnd.IntN(2))},
		Machine:   Machine{OS: "linux", Arch: "amd64", CPU: pick(rnd, "EPYC", "Xeon"), Cores: 1 + rnd.IntN(4)},
		Warnings:  []string{pick(rnd, "w1", "w2"), pick(rnd, "w2", "w3")},
		Judgement: &Judgement{Verdict: Pass, Reason: "every objective is met"},
		Findings:  []Finding{{Rule: "knee", Stage: "users"}},
		Stages: []Stage{
			randomStage(rnd, "users", Workload{Model: "closed", Requests: 100, WorkersFrom: 5, WorkersTo: 6}),
			randomStage(rnd, "rate", Workload{Model: "open", Duration: time.Minute, RateFrom: 12.5, RateTo: 100, Arrivals: "poisson"}),
		},
	}
	if rnd.IntN(3) > 0 {
		r.Timeline = randomTimeline(rnd)
	}
	r.Source.Ref = pick(rnd, "HEAD", "feature")
	r.Base = &Base{
		Target: "http://localhost:8001", Route: pick(rnd, "127.0.0.1:8001", "[::1]:8001"), Starts: 1 + rnd.IntN(2),
		Source: Source{Commit: "def", Ref: "main", Branch: pick(rnd, "main", "trunk")},
		Stages: []Stage{randomStage(rnd, "users", r.Stages[0].Workload)},
	}
	r.Cost = CostSource{Source: pick(rnd, "", "process 1 (api), from /proc", "GET /metrics"), Missing: pick(rnd, "", "elsewhere")}
	return r
}

// randomCost is nil at times. Its few values make parts that are alike.
func randomCost(rnd *rand.Rand) *Cost {
	if rnd.IntN(4) == 0 {
		return nil
	}
	c := &Cost{CPU: time.Duration(rnd.IntN(3)), Span: time.Second, Memory: rnd.Int64N(3), Resolution: pick(rnd, time.Nanosecond, 10*time.Millisecond)}
	if rnd.IntN(2) == 0 {
		c.Throttling = &Throttling{Periods: rnd.Int64N(2), Throttled: rnd.Int64N(2), Waited: time.Duration(rnd.IntN(2))}
	}
	return c
}

func pick[T any](rnd *rand.Rand, choices ...T) T { return choices[rnd.IntN(len(choices))] }

func randomStage(rnd *rand.Rand, name string, w Workload) Stage {
	s := Stage{Name: name, Workload: w, Judged: true, State: pick(rnd, Completed, NotRun, Cancelled, Aborted, Dead)}
	if s.State != Completed {
		s.Reason = fmt.Sprint("reason ", rnd.IntN(3))
	}
	if s.State == NotRun {
		return s
	}
	s.Start = began.Add(time.Duration(rnd.IntN(1000)) * time.Millisecond)
	s.Duration = time.Minute + time.Duration(rnd.IntN(1e9))
	s.Requests = randomRequests(rnd)
	s.Steps = []Step{
		{Scenario: "shop", Name: "order", Requests: randomRequests(rnd)},
		{Scenario: "shop", Name: "browse", Requests: randomRequests(rnd)},
	}
	for _, name := range []string{"shop", "api"} {
		c := randomCounters(rnd)
		s.Iterations = append(s.Iterations, Iterations{
			Scenario: name, Counters: c, Slices: []Slice{randomSlice(rnd, 0), randomSlice(rnd, 1)},
			Duration: randomHistogram(rnd, c.Judged()), OnTime: randomHistogram(rnd, c.Judged()), OK: randomHistogram(rnd, c.Success),
		})
	}
	for i := range 20 {
		if rnd.IntN(4) == 0 {
			s.Steps[0].Slices = append(s.Steps[0].Slices, randomSlice(rnd, i))
		}
		if rnd.IntN(4) > 0 {
			s.Slices = append(s.Slices, randomSlice(rnd, i))
		}
		s.InFlight = append(s.InFlight, rnd.IntN(20))
	}
	s.InFlight = s.InFlight[:rnd.IntN(20)]
	s.Generator = Generator{
		Engine: "http1", Mode: pick(rnd, "spin", "timer"),
		Lateness: randomHistogram(rnd, 30), UnsentOwn: rnd.Int64N(5), CPU: float64(rnd.IntN(100)) / 100,
		GCPause: time.Duration(rnd.IntN(1e6)), Opened: rnd.Int64N(50), Reused: rnd.Int64N(5000),
		Pauses: time.Duration(rnd.Int64N(1e12)), ConnectionWait: time.Duration(rnd.Int64N(1e12)),
	}
	s.Cost = randomCost(rnd)
	if rnd.IntN(3) > 0 {
		s.Cluster = &ClusterUse{ReplicasMax: rnd.IntN(3), ScaleUp: time.Duration(rnd.IntN(3)), CPUMax: float64(rnd.IntN(3)), Restarts: pick(rnd, nil, new(0), new(1))}
	}
	for i := range s.Slices {
		s.Slices[i].Cost = randomCost(rnd)
	}
	for range rnd.IntN(8) {
		s.Failures = append(s.Failures, randomSample(rnd))
		s.Slowest = append(s.Slowest, randomSample(rnd))
	}
	return s
}

func randomRequests(rnd *rand.Rand) Requests {
	q := Requests{Counters: randomCounters(rnd), BytesIn: rnd.Int64N(1e9), BytesOut: rnd.Int64N(1e6)}
	if rnd.IntN(3) > 0 {
		q.Status = map[int]int64{200: rnd.Int64N(100), 404 + rnd.IntN(3): 1 + rnd.Int64N(9)}
	}
	q.Response = randomHistogram(rnd, q.Counters.Judged())
	q.OK = randomHistogram(rnd, q.Counters.Success)
	q.Service = randomHistogram(rnd, q.Counters.Judged())
	q.OnTime = randomHistogram(rnd, q.Counters.Judged())
	q.Connect = randomHistogram(rnd, rnd.Int64N(10))
	q.TTFB = randomHistogram(rnd, q.Counters.Success)
	q.Redirects = rnd.Int64N(3)
	for _, name := range []string{"items", "price"} {
		if rnd.IntN(2) > 0 {
			q.Measures = MergeMeasures(q.Measures, map[string]Histogram{name: randomHistogram(rnd, q.Counters.Success)})
		}
	}
	return q
}

func randomSlice(rnd *rand.Rand, i int) Slice {
	c := randomCounters(rnd)
	return Slice{
		Offset: time.Duration(i) * time.Second, Width: time.Second,
		Counters: c, Response: randomHistogram(rnd, c.Judged()),
	}
}

func randomCounters(rnd *rand.Rand) Counters {
	var c Counters
	for _, class := range classes {
		*c.Of(class) = rnd.Int64N(4)
	}
	c.Success = rnd.Int64N(50)
	return c
}

func randomHistogram(rnd *rand.Rand, n int64) Histogram {
	var r Recorder
	for range n {
		r.Record(time.Duration(rnd.ExpFloat64() * float64(20*time.Millisecond)))
	}
	return r.Histogram()
}

func randomSample(rnd *rand.Rand) Sample {
	return Sample{
		Scenario: "shop", Step: pick(rnd, "order", "browse"), Offset: time.Duration(rnd.IntN(10)) * time.Second,
		Class: pick(rnd, classes...), Status: pick(rnd, 0, 200, 500), Response: time.Duration(rnd.IntN(3)) * time.Second,
		Detail: fmt.Sprint("detail ", rnd.IntN(5)), Body: pick(rnd, "", "</script>\x1b[31m::error::"),
	}
}

func randomTimeline(rnd *rand.Rand) *Timeline {
	t := &Timeline{
		Source: "demo", Name: "iris-classifier",
		Limits: ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: pick(rnd, 0, 200)},
	}
	for i := range rnd.IntN(5) {
		t.Samples = append(t.Samples, ClusterSample{
			At: began.Add(time.Duration(i) * time.Second), Ready: rnd.IntN(3), Replicas: rnd.IntN(3), Desired: 1, Wanted: rnd.IntN(6),
			UsageMilli: float64(rnd.IntN(300)), CPU: 0.5, Throttled: 0.25, AtCeiling: rnd.IntN(2) == 0, RefusedTotal: rnd.Int64N(9),
			MemoryBytes: rnd.Int64N(3), Restarts: rnd.IntN(2), OOMKills: rnd.IntN(2), Evictions: rnd.IntN(2),
			Pods: []ClusterPod{{Name: pick(rnd, "web-1", "web-2"), Phase: pick(rnd, "Pending", "Running"), Ready: rnd.IntN(2) == 0, Restarts: rnd.IntN(2)}},
		})
	}
	for i := range rnd.IntN(4) {
		t.Events = append(t.Events, ClusterEvent{
			At: began.Add(time.Duration(i) * time.Second), Object: pick(rnd, "Pod/web-1", "Pod/web-2"),
			Reason: pick(rnd, "BackOff", "Unhealthy"), Message: pick(rnd, "", "no"), Count: rnd.IntN(3),
		})
	}
	t.Missing = pick(rnd, nil, []string{"usage"}, []string{"pods", "usage"})
	return t
}
