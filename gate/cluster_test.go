package gate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

func TestJudgeReplicas(t *testing.T) {
	seen := &result.ClusterUse{ReplicasMax: 3, ScaleUp: 21 * time.Second, CPUMax: 1.4, Cores: 0.25, MemoryMax: 250e6, Restarts: new(2)}
	still := &result.ClusterUse{ReplicasMax: 3}
	for _, test := range []struct {
		name      string
		objective string
		use       *result.ClusterUse
		timeline  *result.Timeline
		want      result.Verdict
		why       string
	}{
		{"met", "replicas.max <= 3", seen, nil, result.Pass, ""},
		{"missed", "replicas.max <= 2", seen, nil, result.Fail, ""},
		{"in time", "scale_up_time <= 30s", seen, nil, result.Pass, ""},
		{"late", "scale_up_time <= 20s", seen, nil, result.Fail, ""},
		{"above the request", "cpu.max <= 100%", seen, nil, result.Fail, ""},
		{"restarted", "restarts <= 0", seen, nil, result.Fail, ""},
		{"memory of the pods", "memory.max <= 300MB", seen, nil, result.Pass, ""},
		{"too much memory of the pods", "memory.max <= 200MB", seen, nil, result.Fail, ""},
		{"CPU of the pods", "cpu <= 0.3", seen, nil, result.Pass, ""},
		{"too much CPU of the pods", "cpu <= 0.2", seen, nil, result.Fail, ""},
		{"CPU of the pods for each request", "cpu_per_request >= 1us", seen, nil, result.Pass, ""},
		{"too short for the CPU of the pods", "cpu_per_request <= 1s", &result.ClusterUse{MemoryMax: 1}, nil, result.Inconclusive, "it needs two minutes"},
		{"no throttling", "throttled <= 1%", seen, nil, result.Inconclusive, "the cost of the service is not known"},
		{"no memory", "memory.max <= 200MB", still, nil, result.Inconclusive, "the cost of the service is not known"},
		{"never scaled", "scale_up_time <= 30s", still, &result.Timeline{}, result.Inconclusive, "no more pods became ready"},
		{"no metrics", "cpu.max <= 90%", still, &result.Timeline{Missing: []string{"usage: no metrics server"}}, result.Inconclusive, "usage: no metrics server"},
		{"no pods", "restarts <= 0", still, &result.Timeline{Missing: []string{"pods: forbidden"}}, result.Inconclusive, "pods: forbidden"},
		{"not watched", "replicas.max <= 3", nil, nil, result.Inconclusive, "it was not watched"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := slo.ParseObjective(test.objective)
			if err != nil {
				t.Fatal(err)
			}
			s := taking{median: 20 * ms, within: 0.3}.side(rand.New(rand.NewPCG(1, 1)), 20)
			s.Name, s.State, s.Cluster = "high", result.Completed, test.use
			r := &result.Run{Stages: []result.Stage{s}, Timeline: test.timeline}
			file := &slo.File{Stages: []slo.Stage{{Name: "high", Judge: true, Objectives: []slo.Objective{o}}}}
			got := Judge(file, r, Options{}).Objectives[0]
			if got.Verdict != test.want || !strings.Contains(got.Reason, test.why) {
				t.Errorf("got %s, %q, want %s, %q", got.Verdict, got.Reason, test.want, test.why)
			}
		})
	}
}

// What the replicas did is compared with earlier results as a latency is.
func TestCompareReplicasWithEarlierResults(t *testing.T) {
	o, err := slo.ParseObjective("cpu.max <= baseline + 10%")
	if err != nil {
		t.Fatal(err)
	}
	run := func(cpu float64, day int) *result.Run {
		s := taking{median: 20 * ms, within: 0.3}.side(rand.New(rand.NewPCG(1, 1)), 20)
		s.Name, s.State, s.Cluster = "high", result.Completed, &result.ClusterUse{ReplicasMax: 1, CPUMax: cpu}
		return &result.Run{Start: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC), Stages: []result.Stage{s}}
	}
	var earlier []*result.Run
	for day := range 10 {
		earlier = append(earlier, run(0.5+0.001*float64(day%2), day+1))
	}
	file := &slo.File{Stages: []slo.Stage{{Name: "high", Judge: true, Objectives: []slo.Objective{o}}}, Baseline: slo.Baseline{Last: 20}}
	for _, test := range []struct {
		cpu  float64
		want result.Verdict
	}{{0.5, result.Pass}, {0.9, result.Fail}} {
		got := Judge(file, run(test.cpu, 20), Options{Baseline: earlier}).Objectives[0]
		if got.Verdict != test.want {
			t.Errorf("%v: got %s, %q, want %s", test.cpu, got.Verdict, got.Reason, test.want)
		}
	}
}
