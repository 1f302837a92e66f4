package run

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// using is a service that uses a part of a core all the time, until it cannot
// be read any more.
type using struct {
	cores float64
	since time.Time
	reads int // that succeed; negative: all
}

func (u *using) Read(context.Context) (cost.Reading, error) {
	if u.reads == 0 {
		return cost.Reading{}, errors.New("it has gone")
	}
	u.reads--
	now := time.Now()
	return cost.Reading{At: now, CPU: time.Duration(u.cores * float64(now.Sub(u.since))), Memory: 1000}, nil
}

func (u *using) String() string            { return "a service" }
func (u *using) Resolution() time.Duration { return time.Millisecond }

// sliced is a loader whose stages are cut into slices of a second.
type sliced struct{ scripted }

func (l *sliced) Run(ctx context.Context, stage slo.Stage) *result.Stage {
	start := time.Now()
	s := l.scripted.Run(ctx, stage)
	s.Start, s.Duration = start, l.lasts
	for at := time.Duration(0); at < l.lasts; at += time.Second {
		s.Slices = append(s.Slices, result.Slice{Offset: at, Width: min(time.Second, l.lasts-at)})
	}
	return s
}

func TestConductReadsTheCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("one", "two")
		file.Stages[1].IdleBefore = time.Minute // what is used then is not the stage's
		source := &using{cores: 0.5, since: time.Now(), reads: -1}
		r := Conduct(t.Context(), file, &sliced{scripted{lasts: 4500 * time.Millisecond}}, Options{Cost: Cost{Source: source, Missing: "no endpoint"}})
		if want := (result.CostSource{Source: "a service", Missing: "no endpoint"}); r.Cost != want {
			t.Errorf("source %+v, want %+v", r.Cost, want)
		}
		for _, s := range r.Stages {
			whole := &result.Cost{CPU: 2250 * time.Millisecond, Span: 4500 * time.Millisecond, Memory: 1000, Resolution: time.Millisecond}
			if diff := cmp.Diff(whole, s.Cost); diff != "" {
				t.Errorf("stage %s (-want +got):\n%s", s.Name, diff)
			}
			second := &result.Cost{CPU: time.Second / 2, Span: time.Second, Memory: 1000}
			want := []*result.Cost{second, second, second, second, nil} // half a second has no readings of its own
			for i, slice := range s.Slices {
				if diff := cmp.Diff(want[i], slice.Cost); diff != "" {
					t.Errorf("stage %s, slice %d (-want +got):\n%s", s.Name, i, diff)
				}
			}
		}
	})
}

// What several use at the same time belongs to none: nothing reads then, and
// beside the stages that follow no second reader does.
func TestConductReadsNoCostOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("mixed/reads", "mixed/writes", "last")
		file.Stages[0].Parallel, file.Stages[1].Parallel = "mixed", "mixed"
		source := &counting{using: using{cores: 0.5, since: time.Now(), reads: -1}}
		r := Conduct(t.Context(), file, &sliced{scripted{lasts: 4500 * time.Millisecond}}, Options{Cost: Cost{Source: source}})
		if source.asked != 6 { // at the begin of the last stage, at each of its seconds, at its end
			t.Errorf("asked %d times, want 6", source.asked)
		}
		for _, s := range r.Stages {
			if alone := s.Name == "last"; (s.Cost != nil) != alone {
				t.Errorf("stage %s: cost %+v", s.Name, s.Cost)
			}
		}
	})
}

// counting is a service that counts its readings, and not for two readers at
// the same time.
type counting struct {
	using
	asked int
}

func (c *counting) Read(ctx context.Context) (cost.Reading, error) {
	c.asked++
	return c.using.Read(ctx)
}

// A service that stops to tell leaves its stages without a cost, and is asked
// no more.
func TestConductGivesUpOnACost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &using{cores: 1, since: time.Now(), reads: 2}
		r := Conduct(t.Context(), stages("one", "two"), &sliced{scripted{lasts: 4500 * time.Millisecond}}, Options{Cost: Cost{Source: source}})
		for _, s := range r.Stages {
			if s.Cost != nil {
				t.Errorf("stage %s: cost %+v", s.Name, s.Cost)
			}
		}
		if want := (result.CostSource{Source: "a service", Missing: "it has gone"}); r.Cost != want {
			t.Errorf("source %+v, want %+v", r.Cost, want)
		}
		if want := []string{"cost: it has gone"}; !cmp.Equal(want, r.Warnings) {
			t.Errorf("warnings %q, want %q", r.Warnings, want)
		}
	})
}

// turnTaker loads windows of two seconds for as long as it is told to.
type turnTaker struct{}

func (p *turnTaker) Snapshot() *result.Stage { return nil }

func (p *turnTaker) Run(_ context.Context, stage slo.Stage, turns loader.Turns) (base, head *result.Stage) {
	base, head = &result.Stage{Name: stage.Name, State: result.Completed}, &result.Stage{Name: stage.Name, State: result.Completed}
	turns.Border(true)
	for windows := turns.Windows; windows > 0; windows = turns.More(base, head) {
		for range windows {
			time.Sleep(2 * time.Second)
			for _, s := range []*result.Stage{base, head} {
				s.Slices = append(s.Slices, result.Slice{Offset: s.Duration, Width: time.Second})
				s.Duration += time.Second
				s.Counters.Success += 10
			}
			turns.Border(false)
		}
	}
	return base, head
}

// Each side's cost is read at the borders of the windows, also of those that
// extend the stage.
func TestConductReadsBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := stages("one")
		file.Baseline.Max = 10 * time.Second
		w := &file.Stages[0].Workload
		w.Model, w.RateFrom, w.RateTo, w.Duration = slo.Open, 10, 10, 6*time.Second
		file.Stages[0].Objectives = []slo.Objective{{
			Indicator: slo.Indicator{Kind: slo.CPUPerRequest}, Cmp: slo.LE, Severity: slo.Fail,
			Relative: []slo.Tolerance{{Value: 0.05, Percent: true}},
		}}
		now := time.Now()
		r := Conduct(t.Context(), file, &scripted{}, Options{
			Pair:     &turnTaker{},
			BaseCost: Cost{Source: &using{cores: 0.1, since: now, reads: -1}},
			Cost:     Cost{Source: &using{cores: 0.2, since: now, reads: -1}},
		})
		base, head := r.Base.Stages[0], r.Stages[0]
		if len(base.Slices) != 5 || len(head.Slices) != 5 {
			t.Fatalf("%d and %d windows, want 5: two blinded pairs cannot see enough after 3", len(base.Slices), len(head.Slices))
		}
		for i := range head.Slices {
			for _, c := range []struct {
				of   string
				got  *result.Cost
				want time.Duration
			}{{"base", base.Slices[i].Cost, 200 * time.Millisecond}, {"head", head.Slices[i].Cost, 400 * time.Millisecond}} {
				want := &result.Cost{CPU: c.want, Span: time.Second, Memory: 1000} // of its own turn
				if diff := cmp.Diff(want, c.got); diff != "" {
					t.Errorf("%s, window %d (-want +got):\n%s", c.of, i, diff)
				}
			}
		}
		if head.Cost == nil || head.Cost.CPU != 2*time.Second || head.Cost.Span != 5*time.Second || head.Cost.Resolution != time.Millisecond {
			t.Errorf("head's cost %+v", head.Cost)
		}
		if r.Cost.Source != "a service" || r.Base.Cost.Source != "a service" {
			t.Errorf("sources %+v and %+v", r.Cost, r.Base.Cost)
		}
	})
}

// Both sides of a mixed window are loaded for all of its time.
func TestWindowsThatAreMixed(t *testing.T) {
	readings := borders{{At: time.Unix(0, 0)}, {At: time.Unix(2, 0), CPU: time.Second}}
	w := windows{meter: &meter{Cost: Cost{Source: &readings}}}
	w.border(t.Context(), true)
	w.border(t.Context(), false)
	s := &result.Stage{Duration: time.Second, Slices: []result.Slice{{Width: time.Second}}}
	w.charge(s, false)
	want := &result.Cost{CPU: time.Second, Span: 2 * time.Second}
	if diff := cmp.Diff(want, s.Slices[0].Cost); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// hanging is a source that answers once and then hangs.
type hanging struct {
	using
	obeys bool // ends with its context
	end   chan struct{}
}

func (h *hanging) Read(ctx context.Context) (cost.Reading, error) {
	if h.reads > 0 {
		return h.using.Read(ctx)
	}
	ended := ctx.Done()
	if !h.obeys {
		ended = nil
	}
	select {
	case <-ended:
		return cost.Reading{}, ctx.Err()
	case <-h.end:
		return cost.Reading{}, errors.New("at last")
	}
}

// A cancel does not wait for a source that hangs, alone and in a comparison.
func TestCancelDuringAReading(t *testing.T) {
	for name, obeys := range map[string]bool{"that obeys": true, "that does not": false} {
		for kind, pair := range map[string]Comparer{"alone": nil, "comparison": &borderer{}} {
			t.Run(kind+", a source "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					source := &hanging{using: using{since: time.Now(), reads: 1}, obeys: obeys, end: make(chan struct{})}
					defer close(source.end)
					ctx, cancel := context.WithCancel(t.Context())
					// In the middle of the first reading that hangs.
					time.AfterFunc(costEvery+costTimeout/2, cancel)
					r := Conduct(ctx, planned(time.Minute), &scripted{lasts: time.Minute}, Options{Pair: pair, Cost: Cost{Source: source}})
					late := time.Since(r.Start) - costEvery - costTimeout/2
					// The reading under way and the last one.
					if most := 2 * (costAfterCancel + costGrace); late > most || !r.Cancelled {
						t.Errorf("cancelled %v, %v after the cancel, at most %v", r.Cancelled, late, most)
					}
				})
			})
		}
	}
}

// borderer is a pair whose every window ends with a border, until it is
// cancelled.
type borderer struct{ turnTaker }

func (p *borderer) Run(ctx context.Context, stage slo.Stage, turns loader.Turns) (base, head *result.Stage) {
	turns.Border(true)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		turns.Border(false)
	}
	s := &result.Stage{Name: stage.Name, State: result.Cancelled}
	return s, s
}

// borders is a source that gives its readings in order; nil is a failure.
type borders []*cost.Reading

func (b *borders) Read(context.Context) (cost.Reading, error) {
	r := (*b)[0]
	*b = (*b)[1:]
	if r == nil {
		return cost.Reading{}, errors.New("no answer")
	}
	return *r, nil
}

func (b *borders) String() string            { return "a service" }
func (b *borders) Resolution() time.Duration { return 1 }

func TestWindows(t *testing.T) {
	at := func(s int) *cost.Reading {
		return &cost.Reading{At: time.Unix(int64(s), 0), CPU: time.Duration(s)}
	}
	for _, c := range []struct {
		name     string
		readings borders
		begins   []bool
		each     []int // CPU of each window; -1: not known
		whole    int
	}{
		{"all", borders{at(0), at(1), at(3)}, []bool{true, false, false}, []int{1, 2}, 3},
		{"one border is missing: both its windows, and not the whole", borders{at(0), nil, at(2), at(3)}, []bool{true, false, false, false}, []int{-1, -1, 1}, 3},
		{"the last is missing", borders{at(0), at(1), nil}, []bool{true, false, false}, []int{1, -1}, -1},
		{"the first is missing", borders{nil, at(1), at(2)}, []bool{true, false, false}, []int{-1, 1}, -1},
		{"what a restart uses is no window's", borders{at(0), at(1), at(50), at(52)}, []bool{true, false, true, false}, []int{1, 2}, 3},
		{"missing before a restart", borders{at(0), nil, at(50), at(52)}, []bool{true, false, true, false}, []int{-1, 2}, -1},
	} {
		w := windows{meter: &meter{Cost: Cost{Source: &c.readings}}}
		for _, begins := range c.begins {
			w.border(t.Context(), begins)
		}
		s := &result.Stage{Slices: make([]result.Slice, len(c.each))}
		w.charge(s, true)
		var got []int
		for _, slice := range s.Slices {
			got = append(got, cpuOf(slice.Cost))
		}
		if diff := cmp.Diff(c.each, got); diff != "" || cpuOf(s.Cost) != c.whole {
			t.Errorf("%s: whole %d, want %d; windows (-want +got):\n%s", c.name, cpuOf(s.Cost), c.whole, diff)
		}
	}
}

func cpuOf(c *result.Cost) int {
	if c == nil {
		return -1
	}
	return int(c.CPU)
}
