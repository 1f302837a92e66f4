package run

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// scripted is a loader whose stages last a while and end as told.
type scripted struct {
	lasts time.Duration
	ends  map[string]result.State
	live  *result.Stage
}

func (l *scripted) Snapshots() []*result.Stage {
	if l.live == nil {
		return nil
	}
	return []*result.Stage{l.live}
}

func (l *scripted) RunTogether(ctx context.Context, stages []slo.Stage) []*result.Stage {
	out := make([]*result.Stage, len(stages))
	var wg sync.WaitGroup
	for i, stage := range stages {
		wg.Go(func() { out[i] = l.Run(ctx, stage) })
	}
	wg.Wait()
	return out
}

func (l *scripted) Run(ctx context.Context, stage slo.Stage) *result.Stage {
	s := &result.Stage{Name: stage.Name, State: result.Completed}
	if state, ok := l.ends[stage.Name]; ok {
		s.State = state
	}
	select {
	case <-time.After(l.lasts):
	case <-ctx.Done():
		s.State = result.Cancelled
		if stop, ok := errors.AsType[*loader.StopError](context.Cause(ctx)); ok {
			s.State, s.Reason = stop.State, stop.Reason
		}
	}
	return s
}

func states(r *result.Run) map[string]result.State {
	out := map[string]result.State{}
	for _, s := range r.Stages {
		out[s.Name] = s.State
	}
	return out
}

func stages(names ...string) *slo.File {
	f := &slo.File{Name: "test"}
	for _, n := range names {
		f.Stages = append(f.Stages, slo.Stage{Name: n, Judge: true})
	}
	return f
}

func TestConductRunsStagesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("one", "two")
		file.Stages[1].IdleBefore = 7 * time.Second
		start := time.Now()
		r := Conduct(t.Context(), file, &scripted{lasts: 3 * time.Second}, Options{})
		want := map[string]result.State{"one": result.Completed, "two": result.Completed}
		if diff := cmp.Diff(want, states(r)); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if got := time.Since(start); got != 13*time.Second {
			t.Errorf("took %v, want 3 s, 7 s of idling and 3 s", got)
		}
	})
}

func TestConductEndsAfterDeadTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &scripted{lasts: time.Second, ends: map[string]result.State{"two": result.Dead}}
		r := Conduct(t.Context(), stages("one", "two", "three"), l, Options{})
		want := map[string]result.State{"one": result.Completed, "two": result.Dead, "three": result.NotRun}
		if diff := cmp.Diff(want, states(r)); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if r.Stages[2].Reason == "" {
			t.Error("a stage that was not run says no reason")
		}
	})
}

func TestConductKeepsWhatACancelLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		r := Conduct(ctx, stages("one", "two", "three"), &scripted{lasts: time.Second}, Options{})
		want := map[string]result.State{"one": result.Completed, "two": result.Cancelled, "three": result.NotRun}
		if diff := cmp.Diff(want, states(r)); diff != "" || !r.Cancelled {
			t.Errorf("cancelled %v, states (-want +got):\n%s", r.Cancelled, diff)
		}
	})
}

func TestConductStopsWhenAnObjectiveIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("one", "two")
		file.Stages[0].Workload = slo.Workload{Model: slo.Closed, Requests: 100, WorkersFrom: 1, WorkersTo: 1}
		file.Stages[0].Objectives = []slo.Objective{{
			Text: "success_rate >= 98%", Indicator: slo.Indicator{Kind: slo.SuccessRate},
			Cmp: slo.GE, Bound: 0.98, Severity: slo.Fail, Abort: true,
		}}
		live := &result.Stage{Name: "one"}
		live.Counters = result.Counters{Success: 10, BadStatus: 40}
		r := Conduct(t.Context(), file, &scripted{lasts: time.Hour, live: live}, Options{})
		want := map[string]result.State{"one": result.Aborted, "two": result.NotRun}
		if diff := cmp.Diff(want, states(r)); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

// The cause says which objective of which stage is lost.
func TestLostObjectiveIsNamed(t *testing.T) {
	synctest.Test(t, lostObjectiveIsNamed)
}

func lostObjectiveIsNamed(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	plan := []slo.Stage{{Name: "reads"}, {Name: "writes", Objectives: []slo.Objective{{
		Text: "errors <= 5", Indicator: slo.Indicator{Kind: slo.Errors}, Cmp: slo.LE, Bound: 5, Severity: slo.Fail, Abort: true,
	}}}}
	live := []*result.Stage{{Name: "reads"}, {Name: "writes"}}
	live[1].Counters = result.Counters{Success: 10, BadStatus: 40}
	done := make(chan bool)
	context.AfterFunc(ctx, func() { close(done) })
	lookOn(done, plan, func() []*result.Stage { return live }, nil, Options{Observer: nobody{}}, stop)
	var got *loader.StopError
	if !errors.As(context.Cause(ctx), &got) || got.Stage != "writes" || got.Lost != "errors <= 5" {
		t.Errorf("stopped by %+v", got)
	}
}

// replicas is a cluster that answers some times and then no more.
type replicas struct{ answers int }

func (c *replicas) Timeline() result.Timeline {
	return result.Timeline{Source: "test", Name: "api", Limits: result.ClusterLimits{MaxReplicas: 3}}
}

func (c *replicas) Sample(context.Context) (result.ClusterSample, error) {
	if c.answers == 0 {
		return result.ClusterSample{}, errors.New("forbidden")
	}
	c.answers--
	return result.ClusterSample{At: time.Now(), Ready: 1, Replicas: 6 - c.answers, Pods: []result.ClusterPod{{Name: "api-1"}}}, nil
}

func TestConductWatchesTheCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := Conduct(t.Context(), stages("one"), &scripted{lasts: 10*time.Second + time.Millisecond}, Options{Cluster: &replicas{answers: 5}})
		if got := len(r.Timeline.Samples); got != 5 {
			t.Errorf("%d samples, want 5", got)
		}
		if want := []string{"watch test api: forbidden"}; !cmp.Equal(want, r.Warnings) {
			t.Errorf("warnings = %q, want %q", r.Warnings, want)
		}
		if want := (&result.ClusterUse{ReplicasMax: 6, Restarts: new(0)}); !cmp.Equal(want, r.Stages[0].Cluster) {
			t.Errorf("got %+v, want %+v", r.Stages[0].Cluster, want)
		}
		if r.Timeline.Limits.MaxReplicas != 3 || r.Timeline.Samples[0].Pods == nil || r.Timeline.Samples[1].Pods != nil {
			t.Errorf("got %+v, want the pods where they change", r.Timeline)
		}
	})
}

// Pods are listed again where one has changed, and now and then.
func TestSamplesListPodsThatChange(t *testing.T) {
	start := time.Unix(1e9, 0)
	var samples []result.ClusterSample
	for i := range 25 {
		pod := result.ClusterPod{Name: "api-1", UsageMilli: float64(i), Ready: i >= 4}
		samples = append(samples, result.ClusterSample{At: start.Add(time.Duration(i) * time.Second), Pods: []result.ClusterPod{pod}})
	}
	var listed []int
	for i, s := range thinned(samples) {
		if s.Pods != nil {
			listed = append(listed, i)
		}
	}
	if diff := cmp.Diff([]int{0, 4, 14, 24}, listed); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A run ends when the limits permit no more of it: that is no cancel, and says
// so.
func TestConductEndsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("one", "two", "three")
		file.Limits.Duration = 1500 * time.Millisecond
		r := Conduct(t.Context(), file, &scripted{lasts: time.Second}, Options{})
		want := map[string]result.State{"one": result.Completed, "two": result.Limited, "three": result.NotRun}
		if diff := cmp.Diff(want, states(r)); diff != "" || r.Cancelled {
			t.Errorf("cancelled %v, states (-want +got):\n%s", r.Cancelled, diff)
		}
		for _, s := range r.Stages[1:] {
			if s.Reason != "the limits permit a run of 1.5 s" {
				t.Errorf("%s: %q", s.Name, s.Reason)
			}
		}
		if took := r.End.Sub(r.Start); took != file.Limits.Duration {
			t.Errorf("took %v, the limits permit %v", took, file.Limits.Duration)
		}
	})
}

// A limit in the idle time before a stage is told apart from a cancel, too.
func TestConductEndsAtTheLimitWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("one", "two")
		file.Stages[1].IdleBefore, file.Limits.Duration = time.Minute, 5*time.Second
		r := Conduct(t.Context(), file, &scripted{lasts: time.Second}, Options{})
		if s := r.Stages[1]; s.State != result.NotRun || s.Reason != "the limits permit a run of 5 s" {
			t.Errorf("state %s, reason %q", s.State, s.Reason)
		}
	})
}

// nearFail is a loader whose stages fail near their bounds and end as told.
type nearFail struct {
	runs int
	ends map[string]result.State
}

func (l *nearFail) Snapshots() []*result.Stage { return nil }

func (l *nearFail) RunTogether(_ context.Context, stages []slo.Stage) []*result.Stage {
	l.runs++
	time.Sleep(20 * time.Second)
	var all []*result.Stage
	for _, stage := range stages {
		s := nearly(stage)
		if state, ok := l.ends[stage.Name]; ok {
			s.State = state
		}
		all = append(all, s)
	}
	return all
}

func nearly(stage slo.Stage) *result.Stage {
	s := &result.Stage{Name: stage.Name, State: result.Completed, Duration: 20 * time.Second}
	for i := range 20 {
		c := result.Counters{Success: 48, BadStatus: 2}
		if i%4 == 0 {
			c = result.Counters{Success: 49, BadStatus: 1}
		}
		s.Counters.Add(c)
		s.Slices = append(s.Slices, result.Slice{Offset: time.Duration(i) * time.Second, Width: time.Second, Counters: c})
	}
	return s
}

// Nothing is confirmed for which the limits leave no time.
func TestConfirmKeepsToTheLimit(t *testing.T) {
	for limit, want := range map[time.Duration]int{0: 2, 41 * time.Second: 2, 39 * time.Second: 1} {
		synctest.Test(t, func(t *testing.T) {
			file := stages("one")
			file.Confirm, file.Limits.Duration = true, limit
			file.Stages[0].Objectives = []slo.Objective{{
				Text: "success_rate >= 97%", Indicator: slo.Indicator{Kind: slo.SuccessRate}, Cmp: slo.GE, Bound: 0.97, Severity: slo.Fail,
			}}
			l := &nearFail{}
			if Conduct(t.Context(), file, l, Options{}); l.runs != want {
				t.Errorf("limit %v: loaded %d times, want %d", limit, l.runs, want)
			}
		})
	}
}

// Nor is anything for which the later stages have no time then.
func TestConfirmLeavesTheLaterStagesTheirTime(t *testing.T) {
	for later, want := range map[time.Duration]int{2 * time.Second: 3, 20 * time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			file := stages("one", "two")
			file.Confirm, file.Limits.Duration = true, 45*time.Second
			file.Stages[1].Workload.Duration = later
			file.Stages[0].Objectives = []slo.Objective{{
				Text: "success_rate >= 97%", Indicator: slo.Indicator{Kind: slo.SuccessRate}, Cmp: slo.GE, Bound: 0.97, Severity: slo.Fail,
			}}
			l := &nearFail{}
			if Conduct(t.Context(), file, l, Options{}); l.runs != want {
				t.Errorf("%v planned after it: loaded %d times, want %d", later, l.runs, want)
			}
		})
	}
}

// Workloads of one stage run at the same time, after one idle time; a stage
// that ends the run ends it for what follows.
func TestConductRunsWorkloadsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("first", "mixed/reads", "mixed/writes", "last")
		for i := 1; i < 3; i++ {
			file.Stages[i].Parallel, file.Stages[i].IdleBefore = "mixed", 7*time.Second
		}
		seen := &observed{}
		start := time.Now()
		r := Conduct(t.Context(), file, &scripted{lasts: 3 * time.Second}, Options{Observer: seen})
		if took := time.Since(start); took != 16*time.Second {
			t.Errorf("took %v, want three times 3 s and 7 s of idling", took)
		}
		want := []string{"+first", "-first", "+mixed/reads", "+mixed/writes", "-mixed/reads", "-mixed/writes", "+last", "-last"}
		if diff := cmp.Diff(want, seen.told); diff != "" || len(r.Stages) != 4 {
			t.Errorf("%d stages, told (-want +got):\n%s", len(r.Stages), diff)
		}
		l := &scripted{lasts: time.Second, ends: map[string]result.State{"mixed/writes": result.Dead}}
		r = Conduct(t.Context(), file, l, Options{})
		if s := r.Stages[3]; s.State != result.NotRun || s.Reason != `the target had stopped answering in stage "mixed/writes"` {
			t.Errorf("the last stage: %s, %q", s.State, s.Reason)
		}
	})
}

// observed notes which stages began and ended.
type observed struct {
	nobody
	told []string
}

func (o *observed) StageStart(name string, _ result.Workload, _ time.Duration) {
	o.told = append(o.told, "+"+name)
}
func (o *observed) StageEnd(s *result.Stage) { o.told = append(o.told, "-"+s.Name) }

// A workload that fails near its bound is confirmed together with those beside
// it: alone it would be another load.
func TestConfirmWorkloadsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("mixed/reads", "mixed/writes")
		file.Confirm = true
		file.Stages[0].Parallel, file.Stages[1].Parallel = "mixed", "mixed"
		file.Stages[1].Objectives = []slo.Objective{{
			Text: "success_rate >= 97%", Indicator: slo.Indicator{Kind: slo.SuccessRate}, Cmp: slo.GE, Bound: 0.97, Severity: slo.Fail,
		}}
		l := &nearFail{}
		r := Conduct(t.Context(), file, l, Options{})
		if l.runs != 2 || r.Stages[0].Runs != 2 || r.Stages[1].Runs != 2 {
			t.Errorf("loaded %d times: %d and %d", l.runs, r.Stages[0].Runs, r.Stages[1].Runs)
		}
	})
}

// Where a workload did not run to its end the run ends, however near a bound
// another one fails: the dead target is not loaded again, and stays dead.
func TestConfirmAfterAnEnd(t *testing.T) {
	for _, state := range []result.State{result.Dead, result.Aborted, result.Limited} {
		t.Run(string(state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := stages("mixed/reads", "mixed/writes")
				file.Confirm = true
				file.Stages[0].Parallel, file.Stages[1].Parallel = "mixed", "mixed"
				file.Stages[0].Objectives = []slo.Objective{{
					Text: "success_rate >= 97%", Indicator: slo.Indicator{Kind: slo.SuccessRate}, Cmp: slo.GE, Bound: 0.97, Severity: slo.Fail,
				}}
				l := &nearFail{ends: map[string]result.State{"mixed/writes": state}}
				r := Conduct(t.Context(), file, l, Options{})
				if l.runs != 1 || r.Stages[1].State != state {
					t.Errorf("loaded %d times, the last state is %s", l.runs, r.Stages[1].State)
				}
			})
		})
	}
}

func TestWatchBesideOthersLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		finish := Watch(t.Context(), growing{start})
		time.Sleep(10*time.Second + time.Millisecond)
		r := &result.Run{Stages: []result.Stage{
			{Name: "first", State: result.Completed, Start: start, Duration: 4 * time.Second},
			{Name: "second", State: result.Completed, Start: start.Add(5 * time.Second), Duration: 5 * time.Second},
			{Name: "third", State: result.NotRun},
		}}
		finish(r)
		if r.Timeline == nil || len(r.Timeline.Samples) != 11 {
			t.Fatalf("timeline %+v, want 11 samples", r.Timeline)
		}
		for i, want := range []int{5, 11} {
			if s := r.Stages[i]; s.Cluster == nil || s.Cluster.ReplicasMax != want {
				t.Errorf("stage %s: %+v, want %d replicas", s.Name, s.Cluster, want)
			}
		}
		if r.Stages[2].Cluster != nil {
			t.Error("a stage that did not run has replicas")
		}
		Watch(t.Context(), nil)(r)
		Watch(t.Context(), growing{start})(nil)
	})
}

// growing is a cluster with one more pod every second.
type growing struct{ since time.Time }

func (g growing) Sample(context.Context) (result.ClusterSample, error) {
	n := 1 + int(time.Since(g.since)/time.Second)
	return result.ClusterSample{At: time.Now(), Replicas: n, Ready: n}, nil
}

func (g growing) Timeline() result.Timeline {
	return result.Timeline{Source: "kubernetes", Name: "web"}
}

// A clock that is set back during a run does not cost its result.
func TestSamplesStayInOrder(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var samples []result.ClusterSample
	for _, s := range []int{0, 1, -60, -59, 2} {
		samples = append(samples, result.ClusterSample{At: at.Add(time.Duration(s) * time.Second)})
	}
	for i, s := range ordered(samples) {
		if want := at.Add(time.Duration([]int{0, 1, 1, 1, 2}[i]) * time.Second); !s.At.Equal(want) {
			t.Errorf("sample %d is of %v, want %v", i, s.At, want)
		}
	}
}
