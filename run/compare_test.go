package run

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// scriptedPair is a comparison whose stages last as planned, and whose services
// are started anew when they are to be.
type scriptedPair struct {
	turns []loader.Turns
}

func (p *scriptedPair) Snapshot() *result.Stage { return nil }

func (p *scriptedPair) Run(ctx context.Context, stage slo.Stage, turns loader.Turns) (base, head *result.Stage) {
	p.turns = append(p.turns, turns)
	s := &result.Stage{Name: stage.Name, State: result.Completed}
	since := turns.Restarts.Since
	for range turns.Windows {
		if every := turns.Restarts.Every; every > 0 && since >= every {
			since = 0
			if err := turns.Restarts.Do(ctx); err != nil {
				s.State, s.Reason = result.Dead, err.Error()
				break
			}
		}
		select {
		case <-ctx.Done():
			stop, _ := errors.AsType[*loader.StopError](context.Cause(ctx))
			s.State, s.Reason = stop.State, stop.Reason
			return s, s
		case <-time.After(2 * turns.Block):
		}
		since++
		s.Slices = append(s.Slices, result.Slice{})
	}
	return s, s
}

// planned are the stages of a comparison, each of a constant rate.
func planned(lengths ...time.Duration) *slo.File {
	file := &slo.File{Name: "test", Baseline: slo.Baseline{Max: time.Minute}}
	for i, d := range lengths {
		file.Stages = append(file.Stages, slo.Stage{Name: string(rune('a' + i)), Workload: slo.Workload{Model: slo.Open, Duration: d, RateFrom: 10, RateTo: 10}})
	}
	return file
}

// In comparisons of three minutes both services are started anew each minute,
// also where that is between or across stages; in shorter ones they are not.
func TestServicesAreStartedAnew(t *testing.T) {
	for name, test := range map[string]struct {
		file   *slo.File
		starts int
		since  []int // windows since the latest start when a stage begins
	}{
		"two minutes":        {planned(2 * time.Minute), 1, []int{0}},
		"three minutes":      {planned(3 * time.Minute), 3, []int{0}},
		"across stages":      {planned(40*time.Second, 40*time.Second, 100*time.Second), 3, []int{0, 20, 10}},
		"between stages":     {planned(time.Minute, time.Minute, time.Minute), 3, []int{0, 30, 30}},
		"may be extended":    {extended(planned(2 * time.Minute)), 2, []int{0}},
		"counted":            {counted(planned(2 * time.Minute)), 34, []int{0}},
		"nothing in turn":    {ramp(planned(5 * time.Minute)), 1, nil},
		"ramps do not count": {ramp(planned(5*time.Minute, 2*time.Minute)), 1, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var pair scriptedPair
				restarts := 0
				r := Conduct(t.Context(), test.file, &scripted{lasts: time.Second}, Options{
					Pair: &pair, Restart: func(context.Context) error { restarts++; return nil },
				})
				if r.Base.Starts != test.starts || restarts != test.starts-1 {
					t.Errorf("%d starts, %d restarts; want %d starts", r.Base.Starts, restarts, test.starts)
				}
				var since []int
				for _, turns := range pair.turns {
					since = append(since, turns.Restarts.Since)
				}
				if diff := cmp.Diff(test.since, since); test.starts > 1 && diff != "" {
					t.Errorf("windows since the latest start (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// extended may last three minutes.
func extended(file *slo.File) *slo.File {
	file.Baseline.Max = 3 * time.Minute
	file.Stages[0].Judge = true
	file.Stages[0].Objectives = []slo.Objective{{
		Indicator: slo.Indicator{Kind: slo.Throughput}, Cmp: slo.GE, Severity: slo.Fail, Relative: []slo.Tolerance{{Value: -0.1, Percent: true}},
	}}
	return file
}

// counted has a thousand requests, for which the script takes a window each.
func counted(file *slo.File) *slo.File {
	file.Stages[0].Workload = slo.Workload{Model: slo.Closed, Requests: 1000, WorkersFrom: 1, WorkersTo: 1}
	return file
}

func ramp(file *slo.File) *slo.File {
	file.Stages[0].Workload.RateTo = 20
	return file
}

// unequal is a comparison of counted stages whose head is done in half of the
// windows.
type unequal struct{ scriptedPair }

func (p *unequal) Run(ctx context.Context, stage slo.Stage, turns loader.Turns) (base, head *result.Stage) {
	turns.Windows = 50
	base, _ = p.scriptedPair.Run(ctx, stage, turns)
	fewer := *base
	fewer.Slices = base.Slices[:len(base.Slices)/2]
	return base, &fewer
}

// The windows since a start are those that were loaded, also where one side had
// nothing to send in them any more.
func TestStartsOfCountedStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := planned(time.Minute, time.Minute)
		for i := range file.Stages {
			file.Stages[i].Workload = slo.Workload{Model: slo.Closed, Requests: 1000, WorkersFrom: 1, WorkersTo: 1}
		}
		var pair unequal
		Conduct(t.Context(), file, &scripted{}, Options{Pair: &pair, Restart: func(context.Context) error { return nil }})
		if got := pair.turns[1].Restarts.Since; got != 20 {
			t.Errorf("the second stage begins %d windows after the latest start, want 20 of 50", got)
		}
	})
}

// Services that somebody else started are left alone.
func TestOthersAreNotStartedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pair scriptedPair
		r := Conduct(t.Context(), planned(10*time.Minute), &scripted{}, Options{Pair: &pair})
		if r.Base.Starts != 0 || pair.turns[0].Restarts.Every != 0 {
			t.Errorf("%d starts, plan %+v", r.Base.Starts, pair.turns[0].Restarts)
		}
	})
}

// A service that ends by itself ends the stage and the run, in a comparison
// and without.
func TestServiceEndsByItself(t *testing.T) {
	for name, pair := range map[string]Comparer{"comparison": &scriptedPair{}, "alone": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan *loader.StopError, 1)
				time.AfterFunc(7*time.Second, func() {
					ended <- &loader.StopError{State: result.Dead, Reason: "head ended by itself"}
				})
				start := time.Now()
				r := Conduct(t.Context(), planned(time.Minute, time.Minute), &scripted{lasts: time.Minute}, Options{Pair: pair, Ended: ended})
				want := map[string]result.State{"a": result.Dead, "b": result.NotRun}
				if diff := cmp.Diff(want, states(r)); diff != "" || r.Stages[0].Reason != "head ended by itself" {
					t.Errorf("reason %q, states (-want +got):\n%s", r.Stages[0].Reason, diff)
				}
				if took := time.Since(start); took != 7*time.Second {
					t.Errorf("it took %v, want 7 s", took)
				}
			})
		})
	}
}

// late is a comparison whose windows are over before the first block has ended
// on some side: its answers are still under way.
type late struct {
	scriptedPair
	base, head *result.Stage
	more       int
}

func (p *late) Run(ctx context.Context, stage slo.Stage, turns loader.Turns) (base, head *result.Stage) {
	p.more = turns.More(p.base, p.head)
	return p.scriptedPair.Run(ctx, stage, turns)
}

// A comparison whose windows are over while a side's first block is still under
// way goes on as one that cannot be told apart.
func TestNothingMeasuredWhenMoreIsAsked(t *testing.T) {
	measured := &result.Stage{Slices: make([]result.Slice, 1)}
	for name, pair := range map[string]*late{
		"neither": {}, "base": {base: measured}, "head": {head: measured},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := Conduct(t.Context(), extended(planned(window)), &scripted{}, Options{Pair: pair})
				if want := int(extension / window); pair.more != want || r.Stages[0].State != result.Completed {
					t.Errorf("%d more windows, then %s; want %d", pair.more, r.Stages[0].State, want)
				}
			})
		})
	}
}

// A comparison is not extended into the time of the stages after it.
func TestExtensionLeavesTheLaterStagesTheirTime(t *testing.T) {
	for later, want := range map[time.Duration]int{time.Second: 8, 20 * time.Second: 0} {
		synctest.Test(t, func(t *testing.T) {
			file := extended(planned(20*time.Second, later))
			file.Limits.Duration = 40 * time.Second
			pair := &extending{}
			Conduct(t.Context(), file, &scripted{}, Options{Pair: pair})
			if pair.more[0] != want {
				t.Errorf("%v planned after it: %d more windows, want %d", later, pair.more[0], want)
			}
		})
	}
}

// extending asks once for more, at the end of a stage.
type extending struct {
	scriptedPair
	more []int
}

func (p *extending) Run(ctx context.Context, stage slo.Stage, turns loader.Turns) (base, head *result.Stage) {
	base, head = p.scriptedPair.Run(ctx, stage, turns)
	p.more = append(p.more, turns.More(base, head))
	return base, head
}

// What may follow in a comparison is what head gets of the longest one, and no
// more.
func TestWhatHeadMayGet(t *testing.T) {
	for most, lost := range map[time.Duration]bool{time.Minute: true, 2 * time.Minute: true, 3 * time.Minute: false} {
		c := &compared{rules: slo.Baseline{Max: most}}
		stage := slo.Stage{
			Name: "a", Judge: true, Longest: 1,
			Workload: slo.Workload{Model: slo.Open, RateFrom: 100, RateTo: 100, Duration: time.Minute},
			Objectives: []slo.Objective{
				{Text: "success_rate >= 98%", Indicator: slo.Indicator{Kind: slo.SuccessRate}, Cmp: slo.GE, Bound: 0.98, Severity: slo.Fail, Abort: true},
				{Text: "success_rate >= baseline", Indicator: slo.Indicator{Kind: slo.SuccessRate}, Cmp: slo.GE, Relative: []slo.Tolerance{{}}, Severity: slo.Fail},
			},
		}
		live := &result.Stage{Name: "a", Duration: 30 * time.Second}
		live.Counters = result.Counters{Success: 2870, BadStatus: 130}
		if _, why, got := gate.Hopeless(c.ofHead(stage), live); got != lost {
			t.Errorf("130 of 3000 failed, and the comparison lasts %v at most: lost is %v (%s)", most, got, why)
		}
	}
}
