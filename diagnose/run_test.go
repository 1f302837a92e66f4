package diagnose

import (
	"time"

	"github.com/slogate/slogate/result"
)

// began is when every run of the tests starts.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const timeout = 10 * time.Second

// figures are what a test says of a stage; stage makes one with them.
type figures struct {
	name       string
	workers    int
	rate       float64 // with workers 0: an open stage
	seconds    float64
	throughput float64 // finished requests a second
	mean, p99  time.Duration
	ok         float64 // 0 means 1
	timeouts   float64 // share of the requests; the rest of what is not ok was answered with 503
}

// stage makes a completed stage. Of its successful requests 1.5 % take p99 and
// the others what the mean leaves.
func stage(f figures) result.Stage {
	if f.ok == 0 {
		f.ok = 1
	}
	total := f.throughput * f.seconds
	s := result.Stage{Name: f.name, Judged: true, State: result.Completed, Start: began, Duration: time.Duration(f.seconds * 1e9)}
	s.Workload = result.Workload{Model: "closed", WorkersFrom: f.workers, WorkersTo: f.workers}
	if f.workers == 0 {
		s.Workload = result.Workload{Model: "open", RateFrom: f.rate, RateTo: f.rate, Arrivals: "uniform"}
	}
	s.Counters.Success = int64(total*f.ok + 0.5)
	s.Counters.Timeout = int64(total*f.timeouts + 0.5)
	s.Counters.BadStatus = int64(total+0.5) - s.Counters.Success - s.Counters.Timeout
	if s.Counters.BadStatus > 0 {
		s.Status = map[int]int64{200: s.Counters.Success, 503: s.Counters.BadStatus}
	}
	if s.Counters.Timeout > 0 {
		s.Failures = []result.Sample{{Class: result.Timeout, Response: timeout}}
	}
	s.OK = times(s.Counters.Success, f.mean, f.p99)
	var failed result.Recorder
	for range s.Counters.Errors() {
		failed.Record(timeout)
	}
	s.Response = s.OK.Merge(failed.Histogram())
	s.Service, s.OnTime = s.Response, s.Response
	s.Steps = []result.Step{{Requests: s.Requests}}
	return s
}

func times(n int64, mean, p99 time.Duration) result.Histogram {
	slow := n * 15 / 1000
	fast := time.Duration(float64(mean*time.Duration(n)-p99*time.Duration(slow)) / float64(max(n-slow, 1)))
	var r result.Recorder
	for i := range n {
		if i < slow {
			r.Record(p99)
		} else {
			r.Record(fast)
		}
	}
	return r.Histogram()
}

// run puts stages one after the other.
func run(stages ...result.Stage) *result.Run {
	at := began
	for i := range stages {
		stages[i].Start = at
		at = at.Add(stages[i].Duration)
	}
	return &result.Run{Version: result.Version, Start: began, End: at, Stages: stages}
}

// classifier is the example of the documentation: a small service with three
// stages, which scales in the second and is too small in the third.
func classifier() []result.Stage {
	return []result.Stage{
		stage(figures{name: "normal", workers: 5, seconds: 100 / 19.2, throughput: 19.2, mean: 260 * time.Millisecond, p99: 380 * time.Millisecond}),
		stage(figures{name: "high", workers: 10, seconds: 1000 / 38.0, throughput: 38.0, mean: 263 * time.Millisecond, p99: 720 * time.Millisecond, ok: 0.982}),
		stage(figures{name: "extreme", workers: 20, seconds: 2000 / 34.1, throughput: 34.1, mean: 587 * time.Millisecond, p99: 2500 * time.Millisecond, ok: 0.873}),
	}
}

// withReplicas adds the replicas of the example to a run of its stages.
func withReplicas(r *result.Run) *result.Run {
	r.Timeline = &result.Timeline{
		Source: "demo", Name: "iris-classifier-hpa",
		Limits: result.ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: 200},
	}
	sample := func(ready, wanted int, cpu float64, ceiling bool) {
		at := r.Start.Add(time.Duration(len(r.Timeline.Samples)) * time.Second)
		r.Timeline.Samples = append(r.Timeline.Samples, result.ClusterSample{
			At: at, Ready: ready, Replicas: ready, Desired: min(wanted, 3), Wanted: wanted,
			CPU: cpu, UsageMilli: cpu * float64(100*ready), AtCeiling: ceiling,
		})
	}
	for at := r.Start; at.Before(r.End); at = at.Add(time.Second) {
		switch {
		case at.Before(r.Stages[1].Start):
			sample(1, 1, 0.15, false)
		case at.Before(r.Stages[1].Start.Add(15 * time.Second)):
			sample(1, 2, 0.72, false)
		case at.Before(r.Stages[2].Start):
			sample(3, 3, 0.42, false)
		default:
			sample(3, 6, 0.88, true)
		}
	}
	return r
}

// sliced gives a stage twenty slices, with the share of timeouts and the mean
// that each is to have.
func sliced(s result.Stage, of func(i int) (timeouts float64, mean time.Duration)) result.Stage {
	const n = 20
	width := s.Duration / n
	s.Counters, s.Response, s.OK = result.Counters{}, result.Histogram{}, result.Histogram{}
	per := int64(s.Workload.RateTo * width.Seconds())
	for i := range n {
		share, mean := of(i)
		c := result.Counters{Timeout: int64(share * float64(per))}
		c.Success = per - c.Timeout
		ok := times(c.Success, mean, mean)
		all := ok.Merge(times(c.Timeout, timeout, timeout))
		s.Slices = append(s.Slices, result.Slice{Offset: time.Duration(i) * width, Width: width, Counters: c, Response: all})
		s.Counters.Add(c)
		s.OK = s.OK.Merge(ok)
		s.Response = s.Response.Merge(all)
		s.Service, s.OnTime = s.Response, s.Response
	}
	return s
}

// flying sets the requests in flight at the ends of twenty slices.
func flying(s result.Stage, of func(i int) int) result.Stage {
	for i := range 20 {
		s.InFlight = append(s.InFlight, of(i))
	}
	return s
}
