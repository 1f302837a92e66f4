package gate

import (
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// timeout is what an unsuccessful request of a test counts with.
const timeout = 10 * time.Second

// request is one request of a population.
type request struct {
	at, took time.Duration
	class    result.Class
}

// population is a set of requests that a stage is made of, so that merging and
// worsening are done to requests and not to histograms.
type population []request

func (p *population) add(at, took time.Duration, class result.Class) {
	*p = append(*p, request{at, took, class})
}

// stage records the population as the loader would: in slices of a second.
func (p population) stage(name string, duration time.Duration) result.Stage {
	s := result.Stage{
		Name: name, Judged: true, State: result.Completed, Duration: duration,
		Slices: make([]result.Slice, (duration+time.Second-1)/time.Second),
	}
	var response, ok result.Recorder
	slices := make([]result.Recorder, len(s.Slices))
	s.Status = map[int]int64{}
	for _, r := range p {
		i := min(int(r.at/time.Second), len(slices)-1)
		took := r.took
		*s.Counters.Of(r.class)++
		*s.Slices[i].Counters.Of(r.class)++
		switch r.class {
		case result.Success:
			ok.Record(took)
			s.Status[200]++
		case result.BadStatus:
			s.Status[503]++
			took = max(took, timeout)
		default:
			took = max(took, timeout)
		}
		response.Record(took)
		slices[i].Record(took)
	}
	s.Response, s.OK = response.Histogram(), ok.Histogram()
	s.Service, s.OnTime, s.TTFB, s.Connect = s.Response, s.Response, s.OK, s.OK
	s.BytesIn, s.BytesOut = 100*int64(len(p)), 50*int64(len(p))
	for i := range s.Slices {
		s.Slices[i].Offset, s.Slices[i].Width = time.Duration(i)*time.Second, time.Second
		s.Slices[i].Response = slices[i].Histogram()
	}
	return s
}

// steady is a stage of 20 s with n equal requests, evenly spread.
func steady(n int, took time.Duration) result.Stage { return mixed(n, 0, took) }

// mixed is a stage of 20 s whose n requests include some that were answered
// with a status that is not accepted, evenly spread.
func mixed(n, failed int, took time.Duration) result.Stage {
	var p population
	for i := range n {
		class := result.Success
		if (i+1)*failed/n > i*failed/n {
			class = result.BadStatus
		}
		p.add(time.Duration(i)*20*time.Second/time.Duration(n), took, class)
	}
	return p.stage("high", 20*time.Second)
}

func percentile(p int64) slo.Indicator {
	return slo.Indicator{Kind: slo.Percentile, Quantile: slo.Quantile{Num: p, Den: 100}}
}

func objective(ind slo.Indicator, c slo.Cmp, bound float64) slo.Objective {
	return slo.Objective{Indicator: ind, Cmp: c, Bound: bound, Severity: slo.Fail}
}

// The objectives that most tests use.
var (
	p95Within450ms = objective(percentile(95), slo.LE, 450_000)
	success98      = objective(slo.Indicator{Kind: slo.SuccessRate}, slo.GE, 0.98)
	throughput30   = objective(slo.Indicator{Kind: slo.Throughput}, slo.GE, 30)
)

func as(severity slo.Severity, o slo.Objective) slo.Objective {
	o.Severity = severity
	return o
}

// plan is a file of one stage, "high", with these objectives.
func plan(objectives ...slo.Objective) *slo.File {
	return &slo.File{Stages: []slo.Stage{{
		Name: "high", Judge: true, Objectives: objectives,
		Workload: slo.Workload{Model: slo.Open, RateFrom: 50, RateTo: 50, Duration: 20 * time.Second},
	}}}
}

func judge(f *slo.File, stages ...result.Stage) *result.Judgement {
	return Judge(f, &result.Run{Stages: stages}, Options{})
}

// only judges one objective in the stage "high".
func only(t *testing.T, o slo.Objective, s result.Stage) result.JudgedObjective {
	t.Helper()
	j := judge(plan(o), s)
	if len(j.Objectives) != 1 {
		t.Fatalf("judged %d objectives, want 1", len(j.Objectives))
	}
	return j.Objectives[0]
}
