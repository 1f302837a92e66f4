package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// watched is a run of one stage of 30 s with a sample of the cluster each second.
func watched(s result.Stage, of func(i int, s *result.ClusterSample)) *result.Run {
	r := run(s)
	r.Timeline = &result.Timeline{
		Source: "kubernetes", Name: "web",
		Limits: result.ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: 200},
	}
	for i := range 30 {
		sample := result.ClusterSample{At: r.Start.Add(time.Duration(i) * time.Second), Ready: 3, Replicas: 3, Desired: 3, Wanted: 3, UsageMilli: 150, CPU: 0.5}
		of(i, &sample)
		r.Timeline.Samples = append(r.Timeline.Samples, sample)
	}
	return r
}

// using gives a sample one ready pod for each usage.
func using(milli ...float64) []result.ClusterPod {
	var all []result.ClusterPod
	for i, m := range milli {
		all = append(all, result.ClusterPod{Name: fmt.Sprintf("web-%d", i), Phase: "Running", Ready: true, UsageMilli: m})
	}
	return all
}

func reused(s *result.Stage) { s.Generator.Opened, s.Generator.Reused = 6, 1494 }

func TestFindInTheCluster(t *testing.T) {
	failing := func(from, to int, n int64) result.Stage {
		return ofSeconds("a", 30, func(i int) second {
			s := usual(i)
			if i >= from && i < to {
				s.failed = n
			}
			return s
		})
	}
	calm := func() result.Stage { return ofSeconds("a", 30, usual) }
	none := func(int, *result.ClusterSample) {}
	for _, tt := range []struct {
		name string
		run  *result.Run
		want []string
	}{
		{"nothing happens", watched(calm(), none), nil},

		{"even pods", watched(changed(calm(), reused), func(_ int, s *result.ClusterSample) { s.Pods = using(100, 90, 110) }), nil},
		{"uneven pods", watched(changed(calm(), reused), func(_ int, s *result.ClusterSample) { s.Pods = using(50, 200, 50) }), []string{"uneven-pods from 0s"}},
		{"two uneven pods", watched(changed(calm(), reused), func(_ int, s *result.ClusterSample) { s.Pods = using(50, 200) }), []string{"uneven-pods from 0s"}},
		{"uneven pods over new connections", watched(calm(), func(_ int, s *result.ClusterSample) { s.Pods = using(50, 200, 50) }), []string{"uneven-pods from 0s (note)"}},
		{"one pod", watched(changed(calm(), reused), func(_ int, s *result.ClusterSample) { s.Pods = using(200) }), nil},
		{"a pod that came late", watched(changed(calm(), reused), func(i int, s *result.ClusterSample) {
			s.Pods = using(100, 100)
			if i >= 20 {
				s.Pods = using(100, 100, 10)
			}
		}), nil},

		{"restarts for want of memory", watched(failing(12, 14, 25), func(i int, s *result.ClusterSample) {
			s.MemoryBytes = 120e6
			if i >= 12 {
				s.Restarts, s.OOMKills, s.MemoryBytes = 1, 1, 40e6
			}
		}), []string{"restarts from 12s", "errors from 12s"}},
		{"restarts without harm", watched(calm(), func(i int, s *result.ClusterSample) {
			if i >= 12 {
				s.Restarts = 1
			}
		}), []string{"restarts from 12s (note)"}},
		{"restarts before the stage", watched(calm(), func(_ int, s *result.ClusterSample) { s.Restarts = 4 }), nil},
		{"evictions", watched(calm(), func(i int, s *result.ClusterSample) {
			if i >= 12 {
				s.Evictions = 1
			}
		}), []string{"restarts from 12s"}},

		{"pods that came late", watched(failing(0, 10, 20), func(i int, s *result.ClusterSample) {
			if i < 10 {
				s.Ready = 1
			}
		}), []string{"slow-scale-up from 0s", "errors from 0s"}},
		{"pods that came late without failures", watched(calm(), func(i int, s *result.ClusterSample) {
			if i < 10 {
				s.Ready = 1
			}
		}), []string{"scaled from 0s (note)"}},
		{"failures that stay", watched(failing(0, 30, 20), func(i int, s *result.ClusterSample) {
			if i < 10 {
				s.Ready = 1
			}
		}), []string{"errors from 0s (note)"}},

		{"at the CPU limit", watched(failing(0, 30, 5), func(_ int, s *result.ClusterSample) { s.UsageMilli = 600 }), []string{"cpu-limit from 0s", "errors from 0s (note)"}},
		{"at the CPU limit without harm", watched(calm(), func(i int, s *result.ClusterSample) {
			if i >= 10 {
				s.UsageMilli = 600
			}
		}), []string{"cpu-limit from 10s (note)"}},
		{"at the CPU limit for a moment", watched(failing(0, 30, 5), func(i int, s *result.ClusterSample) {
			if i%5 != 0 {
				s.UsageMilli = 600
			}
		}), []string{"errors from 0s (note)"}},
		{"at the CPU limit, and more pods may come", watched(failing(0, 30, 5), func(_ int, s *result.ClusterSample) { s.UsageMilli, s.Ready, s.Desired = 400, 2, 2 }), []string{"errors from 0s (note)"}},
		{"throttled", watched(changed(failing(0, 30, 5), func(s *result.Stage) {
			s.Cost = &result.Cost{CPU: 15 * time.Second, Span: 30 * time.Second, Throttling: &result.Throttling{Periods: 300, Throttled: 100, Waited: 6 * time.Second}}
		}), none), []string{"cpu-limit from 0s", "errors from 0s (note)"}},

		{"a pod without a node", withEvent(watched(calm(), func(i int, s *result.ClusterSample) {
			if i >= 5 {
				s.Pods = append(using(100), result.ClusterPod{Name: "web-9", Phase: "Pending"})
			}
		})), []string{"pending-pods from 5s"}},
		{"pods that start, again and again", watched(calm(), func(i int, s *result.ClusterSample) {
			s.Pods = using(100)
			if i%3 == 0 {
				s.Pods = append(s.Pods, result.ClusterPod{Name: fmt.Sprint("web-1", i), Phase: "Pending"})
			}
		}), nil},
		{"a pod that starts", watched(calm(), func(i int, s *result.ClusterSample) {
			s.Pods = using(100)
			if i >= 5 && i < 8 {
				s.Pods = append(s.Pods, result.ClusterPod{Name: "web-9", Phase: "Pending"})
			}
		}), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := Find(tt.run)
			var got []string
			for _, f := range found {
				complete(t, f)
				got = append(got, placed(f))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%s", diff, written(found))
			}
		})
	}
}

// A timeline leaves out pods that have not changed.
func TestPodsOfThinnedSamples(t *testing.T) {
	r := watched(changed(ofSeconds("a", 30, usual), reused), func(i int, s *result.ClusterSample) {
		if i%10 == 0 {
			s.Pods = using(50, 200, 50)
		}
	})
	if found := Find(r); len(found) != 1 || found[0].Rule != "uneven-pods" || found[0].Note {
		t.Errorf("findings:\n%s", written(found))
	}
	r = watched(ofSeconds("a", 30, usual), func(i int, s *result.ClusterSample) {
		if i == 5 || i == 15 {
			s.Pods = []result.ClusterPod{{Name: "web-9", Phase: "Pending"}}
		}
		if i == 17 {
			s.Pods = using(50)
		}
	})
	if text := written(Find(r)); !strings.Contains(text, "from 5 s to 16 s") {
		t.Errorf("no pending pod from 5 s to 16 s:\n%s", text)
	}
}

func withEvent(r *result.Run) *result.Run {
	r.Timeline.Events = []result.ClusterEvent{{
		At: r.Start.Add(6 * time.Second), Object: "Pod/web-9", Reason: "FailedScheduling",
		Message: "0/3 nodes are available:\n" + strings.Repeat("x", 5000),
	}}
	return r
}

// An event is a stranger's text of any length.
func TestEventsAreCut(t *testing.T) {
	r := withEvent(watched(ofSeconds("a", 30, usual), func(_ int, s *result.ClusterSample) {
		s.Pods = append(using(100), result.ClusterPod{Name: "web-9", Phase: "Pending"})
	}))
	if text := written(Find(r)); len(text) > 2000 || !strings.Contains(text, "0/3 nodes are available") {
		t.Errorf("%d bytes: %.3000s", len(text), text)
	}
}

// What the limits of the container cost, with the numbers of the run.
func TestNumbersOfTheCPULimit(t *testing.T) {
	s := ofSeconds("a", 30, func(i int) second { return second{median: 10 * ms, failed: 5} })
	s.Cost = &result.Cost{CPU: 15 * time.Second, Span: 30 * time.Second, Throttling: &result.Throttling{Periods: 300, Throttled: 100, Waited: 6 * time.Second}}
	text := written(Find(run(s)))
	for _, want := range []string{"in 33.3 % of the scheduler's periods and waited 6 s in all (200 ms a second of the stage)", "about 0.5 cores: 50/s × 10 ms"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A container whose seconds are slower where they were throttled says so, with
// what they are held against.
func TestThrottledSecondsAreSlower(t *testing.T) {
	of := func(slow time.Duration) *result.Run {
		s := ofSeconds("a", 30, func(i int) second {
			if i%2 == 0 {
				return second{median: slow}
			}
			return second{median: 10 * ms}
		})
		for i := range s.Slices {
			s.Slices[i].Cost = &result.Cost{Span: time.Second, Throttling: &result.Throttling{Periods: 10, Throttled: int64(5 * (1 - i%2))}}
		}
		s.Cost = &result.Cost{CPU: 15 * time.Second, Span: 30 * time.Second, Throttling: &result.Throttling{Periods: 300, Throttled: 75, Waited: 6 * time.Second}}
		return run(s)
	}
	const slower = "seconds in which it was throttled are slower: a median of 40 ms against 10 ms"
	found := Find(of(40 * ms))
	if text := written(found); !strings.Contains(text, slower) || len(found) != 1 || found[0].Note {
		t.Errorf("no %q in a finding of two signs:\n%s", slower, text)
	}
	if text := written(Find(of(11 * ms))); strings.Contains(text, "slower") || !strings.Contains(text, "cpu-limit in a (note: true)") {
		t.Errorf("a tenth is no sign:\n%s", text)
	}
}
